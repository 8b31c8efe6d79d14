"""Where requests wait: the frontier's stores."""
