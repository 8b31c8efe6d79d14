"""Builds a project as an egg, by one straight list of steps (project.py)."""
