"""What items pass through."""
