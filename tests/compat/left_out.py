"""Scrapy's tests that do not count, and why: about private parts, or about a part that does not exist here.

A pattern is here only if no page of Scrapy's documentation names what its tests use, or if the
documentation of this project says that the part does not exist. A test that asserts an exit status,
a file or a value besides the words of a message counts. A test of a deprecated form counts; only
its warning is optional (`suite_plugin.py`).
"""

_TWISTED = "Twisted's client, reactor or resolver itself"
_ENGINE = "built by hand from private parts: ExecutionEngine(crawler, callback), Scraper, Slot, _slot, mocks"
_MANAGER = "calls methods of a MiddlewareManager, which no page names; the same hooks count in whole crawls"
_UNDERSCORE = "a function, method or attribute whose name begins with an underscore"
_UNNAMED = "a class or function that no page of Scrapy's documentation names"
_WARNING = "asserts a deprecation warning and nothing else"
_REACTOR = "asserts the line that names the running Twisted reactor, or its conflict; asyncio alone runs here"
_PROGRAM = "asserts the name of the program and the list of its parts"
_CLIENT = (
    "asserts calls or the configuration of a mocked cloud client; here fsspec's client talks to a server"
)
_QUEUES = "Scrapy's queues are replaced by the frontier; the settings that choose one are named at the start"
_ABSENT_PART = "does not exist here, which docs/from-scrapy.md says:"

# whole modules
MODULES: dict[str, str] = {
    "test_core_downloader": f"Downloader and Slot by hand, and {_TWISTED}",
    "test_core_scraper": _ENGINE,
    "test_dependencies": "Scrapy's own packaging",
    "test_downloader_handler_httpx": f"{_ABSENT_PART} the httpx client",
    "test_downloader_handler_twisted_ftp": f"{_ABSENT_PART} ftp:// pages",
    "test_downloader_handler_twisted_http11": _TWISTED,
    "test_downloader_handler_twisted_http2": _TWISTED,
    "test_engine_close_spider": _ENGINE,
    "test_engine_download": _ENGINE,
    "test_extension_remote_control": f"{_ABSENT_PART} the remote control",
    "test_extension_statsmailer": f"{_ABSENT_PART} mail",
    "test_extension_telnet": f"{_ABSENT_PART} the telnet console",
    "test_http2_client_protocol": _TWISTED,
    "test_mail": f"{_ABSENT_PART} mail",
    "test_middleware": _MANAGER,
    "test_poet": "a test of Scrapy's packaging",
    "test_pqueues": _QUEUES,
    "test_resolver": _TWISTED,
    "test_squeues": _QUEUES,
    "test_squeues_request": _QUEUES,
    "test_utils_benchserver": "the site of Scrapy's own benchmark",
    "test_utils_reactor": _TWISTED,
    "test_utils_reactorless": _TWISTED,
    "test_utils_remote_control": f"{_ABSENT_PART} the remote control",
    "test_utils_ssl": _TWISTED,
    "test_zz_resources": "the end of Scrapy's own test run",
}

# pattern of a test -> reason
LEFT_OUT: dict[str, str] = {
    "test_command_check.py::*test_printSummary": "TextTestResult with a mocked stream",
    "test_command_check.py::*test_run_with": "a Command whose parts are all mocks",
    "test_command_crawl.py::*test_no_output": _REACTOR,
    "test_command_runspider.py::*test_asyncio_enabled_": _REACTOR,
    "test_command_version.py::": _PROGRAM,
    "test_commands.py::TestCommandCrawlerProcess": _REACTOR,
    "test_commands.py::TestCommandSettings::test_help_formatter": _UNDERSCORE,
    "test_commands.py::TestHelpDeprecation::test_overriding_help_is_deprecated": _WARNING,
    "test_commands.py::TestPopCommandName": _UNDERSCORE,
    "test_contracts.py::test_hook_override_deprecation": _WARNING,
    "test_crawl.py::*_deferred_deprecated": _WARNING,
    "test_crawl.py::*test_format_engine_status": _UNNAMED,
    "test_crawler.py::TestAsyncCrawlerProcessReactorlessHelpers": _UNDERSCORE,
    "test_crawler.py::TestCrawlerProcessBaseSignalHandlers": _UNDERSCORE,
    "test_crawler.py::test_log_scrapy_info": _PROGRAM,
    "test_crawler_subprocess.py::*test_asyncio_enabled_reactor": _REACTOR,
    "test_crawler_subprocess.py::*test_custom_loop_asyncio": _REACTOR,
    "test_crawler_subprocess.py::*test_default_loop_asyncio_deferred_signal": _REACTOR,
    "test_crawler_subprocess.py::*test_dns_resolver_deprecated": _TWISTED,
    "test_crawler_subprocess.py::*test_ipv6_default_name_resolver": _TWISTED,
    "test_crawler_subprocess.py::*test_multi": _REACTOR,
    "test_crawler_subprocess.py::*test_reactor_": _REACTOR,
    "test_crawler_subprocess.py::*test_simple": _REACTOR,
    "test_crawler_subprocess.py::*test_twisted_reactor_": _REACTOR,
    "test_downloader_handlers.py::TestLoad": _UNDERSCORE,
    "test_downloader_handlers.py::TestS3": f"{_ABSENT_PART} s3:// pages",
    "test_downloader_handlers.py::TestWrapTwistedExceptions": _TWISTED,
    "test_downloadermiddleware.py": _MANAGER,
    "test_downloadermiddleware_httpcache.py::TestDbm*test_corrupted_cache_entry": _UNDERSCORE,
    "test_downloadermiddleware_httpcache.py::*test_storage_old_cache_entry": (
        "an entry in the form of Scrapy 2.14; here an entry never was a pickle"
    ),
    "test_downloaderslotssettings.py::test_params": _ENGINE,
    "test_downloaderslotssettings.py::test_*deprecated": _ENGINE,
    "test_dupefilters.py::*test_log_deprecation": _WARNING,
    "test_engine.py::*test_close_": _ENGINE,
    "test_engine.py::*test_start_already_running": _ENGINE,
    "test_engine.py::TestMisuse": _ENGINE,
    "test_engine.py::test_enqueue_scrape_error": _ENGINE,
    "test_engine.py::test_pause_unpause": _ENGINE,
    "test_engine.py::test_request_scheduled_signal": _ENGINE,
    "test_engine_loop.py::*test_sleep": _ENGINE,
    "test_engine_loop.py::TestRequestSendOrder::test_default": _ENGINE,
    "test_engine_loop.py::TestRequestSendOrder::test_lifo_start": _ENGINE,
    "test_engine_loop.py::TestRequestSendOrder::test_shared_queues": _ENGINE,
    "test_extension_periodic_log.py::test_multiplier_deprecated": "an attribute that no page names",
    "test_feedexport.py::TestApplyUriParams": _UNNAMED,
    "test_feedexport_batch.py::*test_s3_export": _CLIENT,
    "test_feedexport_storages.py::TestGCSFeedStorage::test_store": _CLIENT,
    "test_feedexport_storages.py::TestS3FeedStorage::*max_pool_connections": _CLIENT,
    "test_feedexport_storages.py::TestS3FeedStorage::*region_name": _CLIENT,
    "test_feedexport_storages.py::TestS3FeedStorage::test_store": _CLIENT,
    "test_http_cookies.py::TestWrapped": f"{_UNNAMED}: adapters to http.cookiejar, used by nothing else",
    "test_http_request*.py::*test_setter_mutable_lazy_loading": _UNDERSCORE,
    "test_http_request_form.py::*test_from_response_deprecated": _WARNING,
    "test_http_response*.py::*test_setter_mutable_lazy_loading": _UNDERSCORE,
    "test_pipeline_files.py::TestGCSFilesStore::test_update_stores": _UNDERSCORE,
    "test_pipeline_files.py::TestGCSFilesStore": _CLIENT,
    "test_pipeline_files.py::TestS3FilesStore::*max_pool_connections": _CLIENT,
    "test_pipeline_files.py::TestS3FilesStore::test_missing_botocore": _CLIENT,
    "test_pipeline_files.py::TestS3FilesStore::test_persist": _CLIENT,
    "test_pipeline_files.py::TestS3FilesStore::test_stat": _CLIENT,
    "test_pipeline_files.py::TestS3FilesStore::test_unsupported_header": _UNDERSCORE,
    "test_pipeline_images.py::*test_convert_image_legacy_resampling_filter": "a Pillow older than ours",
    "test_pipeline_media.py::*before_caching_the_results": _UNDERSCORE,
    "test_pipelines.py::*test_deprecated_process_item_spider_arg": _MANAGER,
    "test_pipelines.py::*test_deprecated_spider_arg_": _MANAGER,
    "test_settings/__init__.py::test_deprecated": _WARNING,
    "test_spidermiddleware.py::": _MANAGER,
    "test_utils_asyncio.py::TestParallelAsyncio": _UNDERSCORE,
    "test_utils_decorators.py::TestWarnSpiderArg": _UNDERSCORE,
    "test_utils_defer.py::*test_maybe_deferred_coro_deferred": _WARNING,
    "test_utils_defer.py::test_process_pending_io": _UNDERSCORE,
    "test_utils_display.py::test_pformat_windows": "a console of Windows",
    "test_utils_iterators.py::TestBodyOrStr": _UNDERSCORE,
    "test_utils_log.py::TestGetFormatter": _UNDERSCORE,
    "test_utils_log.py::*test_install_root_handler_param_deprecated": _WARNING,
    "test_utils_python.py::test_looks_like_import_path": _UNDERSCORE,
    "test_utils_request.py::*test_caching": "the private cache of the function fingerprint",
    "test_utils_url.py::test__is_filesystem_path": _UNDERSCORE,
}
