"""Connections that spiders and pipelines share."""
