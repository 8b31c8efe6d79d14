"""What `aioscrapy quickstart` shows the main job with: a small web site, and a project that crawls it."""
