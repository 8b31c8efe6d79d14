"""Report broken links: aioscrapy runspider links.py -a site=http://localhost:8000/ -o broken.jl"""

from urllib.parse import urlsplit

from aioscrapy import Request, Spider


class LinksSpider(Spider):
    name = "links"
    custom_settings = {"HTTPERROR_ALLOW_ALL": True, "RETRY_TIMES": 1}

    def __init__(self, site="http://localhost:8000/", **arguments):
        super().__init__(**arguments)
        self.start_urls = [site]
        self.host = urlsplit(site).netloc

    async def parse(self, response, linked_from=None):
        if response.status >= 400:
            yield {"url": response.url, "problem": response.status, "linked_from": linked_from}
            return
        for href in response.css("a::attr(href)").getall():
            url = response.urljoin(href)
            if urlsplit(url).netloc == self.host:
                yield Request(
                    url,
                    callback=self.parse,
                    errback=self.report_failure,
                    cb_kwargs={"linked_from": response.url},
                )

    async def report_failure(self, failure):
        request = failure.request
        yield {
            "url": request.url,
            "problem": str(failure.value),
            "linked_from": request.cb_kwargs["linked_from"],
        }
