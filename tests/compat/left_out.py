"""Scrapy's tests that are not about public behaviour, or about a part that does not exist here, and why."""

_TWISTED = "Twisted's client, reactor or Deferreds themselves"
_PRIVATE = "private parts of Scrapy's engine"

# whole modules
MODULES: dict[str, str] = {
    "test_core_downloader": _PRIVATE,
    "test_core_scraper": _PRIVATE,
    "test_dependencies": "Scrapy's own packaging",
    "test_downloader_handler_httpx": "a client that does not exist here",
    "test_downloader_handler_twisted_ftp": "ftp:// does not exist here",
    "test_downloader_handler_twisted_http11": _TWISTED,
    "test_downloader_handler_twisted_http2": _TWISTED,
    "test_engine_loop": _PRIVATE,
    "test_extension_remote_control": "remote control does not exist here",
    "test_extension_statsmailer": "no mail is sent here",
    "test_extension_telnet": "the telnet console does not exist here",
    "test_http2_client_protocol": _TWISTED,
    "test_mail": "no mail is sent here",
    "test_poet": "a test of Scrapy's packaging",
    "test_pqueues": "queues of Scrapy's scheduler; the frontier is another here",
    "test_resolver": _TWISTED,
    "test_scheduler": "queues of Scrapy's scheduler; the frontier is another here",
    "test_squeues": "queues of Scrapy's scheduler; the frontier is another here",
    "test_squeues_request": "queues of Scrapy's scheduler; the frontier is another here",
    "test_utils_benchserver": "the site of Scrapy's own benchmark",
    "test_utils_reactor": _TWISTED,
    "test_utils_reactorless": _TWISTED,
    "test_utils_remote_control": "remote control does not exist here",
    "test_utils_ssl": _TWISTED,
    "test_zz_resources": "the end of Scrapy's own test run",
}

# pattern of a test -> reason
LEFT_OUT: dict[str, str] = {
    "test_downloadermiddleware_httpcache.py::*test_corrupted_cache_entry": "breaks the pickles of an entry",
    "test_downloadermiddleware_httpcache.py::*test_storage_old_cache_entry": "pickled entries of Scrapy",
    "test_feedexport_batch.py::*test_s3_export": "a mock of botocore",
    "test_feedexport_uri_params.py::TestURIParamsSetting": "FEED_URI, which Scrapy has deprecated",
    "test_pipeline_files.py::*GCSFilesStore": "mocks of Google's client",
    "test_pipeline_files.py::*S3FilesStore": "mocks of botocore",
    "test_pipeline_images.py::*_acl_setting_used": "class attributes of Scrapy's stores",
    "test_pipeline_images.py::*test_convert_image_legacy_resampling_filter": "a Pillow that is too old",
    "test_downloadermiddleware_httpcompression": "the download handler unpacks bodies",
    "test_downloadermiddleware.py": _PRIVATE,
    "test_downloadermiddleware_offsite.py::test_request_scheduled": _PRIVATE,
    "test_robotstxt_interface.py::TestPythonRobotParser": "a parser that does not exist here",
    "test_spider.py::*test_log": "a warning about an old name",
    "test_spider_crawl.py::*test_log": "a warning about an old name",
    "test_spider_sitemap.py::*test_log": "a warning about an old name",
    "test_spidermiddleware.py::": _PRIVATE,
    "test_spidermiddleware_base.py::": "hooks that are called by hand; here the crawl calls them",
    "test_spidermiddleware_metacopy.py::": "a middleware that only warns",
}
