"""What settings of aio-scrapy name by these paths."""
