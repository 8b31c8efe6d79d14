"""The demonstration of `aioscrapy quickstart`: a small web site, and a project that crawls it."""
