"""Scrapy's import paths: under `aioscrapy` always, under `scrapy` in a process of our engine."""
