"""The pages of a node: server-rendered screens, their static files and the stream of events."""
