"""Where requests wait: the stores of the frontier."""
