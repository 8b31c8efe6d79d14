"""The engine and the rooms that one request passes."""
