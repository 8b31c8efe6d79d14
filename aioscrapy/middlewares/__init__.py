"""Built-in downloader and spider middlewares, one file each."""
