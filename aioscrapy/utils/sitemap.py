"""Sitemaps, and their URLs in robots.txt."""

from aioscrapy.spiders.sitemap_file import Sitemap, sitemap_urls_from_robots

__all__ = ["Sitemap", "sitemap_urls_from_robots"]
