"""A job's process, from Scrapyd's command line to the crawl. It imports neither Twisted nor Scrapy."""
