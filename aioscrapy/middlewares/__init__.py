"""Hooks around download and callback, one file a built-in."""
