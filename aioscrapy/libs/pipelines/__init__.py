"""Item pipelines under the paths of aio-scrapy."""
