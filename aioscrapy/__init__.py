"""The public face of the crawler."""
