"""GET /metrics: everything in the text format of Prometheus or of OpenMetrics, as the client asks."""

from typing import Any

from prometheus_client.exposition import choose_encoder
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.web.error import UnsupportedMethod
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from typing_extensions import override

from aioscrapy_scrapyd.facts import MachineFacts
from aioscrapy_scrapyd.metrics.collector import NodeCollector
from aioscrapy_scrapyd.metrics.measures import Measures
from aioscrapy_scrapyd.state.schema import StoreError
from aioscrapy_scrapyd.state.store import Store

log = Logger()


class Metrics(Resource):
    """The page that Prometheus reads."""

    isLeaf = True  # noqa: N815 Twisted's name

    def __init__(
        self, store: Store, machine: MachineFacts, measures: Measures, collector: NodeCollector
    ) -> None:
        super().__init__()
        self._store = store
        self._machine = machine
        self._measures = measures
        self._collector = collector
        measures.registry.register(collector)

    @override
    def render(self, request: Any) -> Any:
        if request.method not in {b"GET", b"HEAD"}:
            raise UnsupportedMethod([b"GET", b"HEAD"])
        gone: list[Any] = []
        request.notifyFinish().addErrback(gone.append)  # the client hung up
        Deferred.fromCoroutine(self._answer(request, gone)).addErrback(
            lambda failure: log.failure("The metrics could not be written", failure)
        )
        return NOT_DONE_YET

    async def _answer(self, request: Any, gone: list[Any]) -> None:
        try:
            self._collector.machine = await deferToThread(self._machine.read)
            self._collector.totals = await deferToThread(self._store.totals)
        except (StoreError, OSError) as exc:  # the last ones, then: a counter must not fall
            log.warn("Some metrics can't be read: {problem}", problem=str(exc))  # noqa: G010 Twisted's Logger
        if gone:
            return
        encode, content_type = choose_encoder(request.getHeader("accept") or "")
        content = encode(self._measures.registry)
        request.setHeader("Content-Type", content_type)
        request.setHeader("Content-Length", str(len(content)))
        request.write(content if request.method != b"HEAD" else b"")
        request.finish()
