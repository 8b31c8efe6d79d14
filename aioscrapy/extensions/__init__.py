"""Built-in extensions, one file each."""
