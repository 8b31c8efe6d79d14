"""What a node measures while it works: requests, starts of jobs, deploys, the delay of its loop."""

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics import disable_created_metrics
from twisted.application.service import Service
from typing_extensions import override

from aioscrapy_scrapyd.state.job import Job, State

# Seconds between two looks at the loop's delay.
LAG_PAUSE_S = 0.25
_REQUEST_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_START_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200)
_LAG_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)

disable_created_metrics()  # one series more for each histogram, of no use here


class Measures:
    """The metrics that are counted as things happen.

    Attributes:
        registry: of these metrics and of all collectors that are added to it.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._waiting: set[tuple[str, str]] = set()
        self._requests = Histogram(
            "scrapyd_http_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ["path", "code"],
            buckets=_REQUEST_S,
            registry=self.registry,
        )
        self._starts = Histogram(
            "scrapyd_schedule_to_start_seconds",
            "Time from the call that schedules a job to the start of its process.",
            buckets=_START_S,
            registry=self.registry,
        )
        self._lag = Histogram(
            "scrapyd_loop_lag_seconds",
            "How much later than asked for the event loop of the daemon calls a function.",
            buckets=_LAG_S,
            registry=self.registry,
        )
        self._deploys = Counter(
            "scrapyd_egg_deploys",
            "Uploads of eggs since the start of the daemon.",
            ["result"],
            registry=self.registry,
        )
        for result in ("ok", "failed"):
            self._deploys.labels(result)
        ProcessCollector(registry=self.registry)

    def request_ended(self, path: str, code: int, seconds: float) -> None:
        """Count a request; `path` is the name of a route, not what the client wrote."""
        self._requests.labels(path, str(code)).observe(seconds)

    def deploy_ended(self, *, ok: bool) -> None:
        """Count an upload of an egg."""
        self._deploys.labels("ok" if ok else "failed").inc()

    def job_changed(self, job: Job) -> None:
        """Measure the time that a job waited; a second attempt and one of an earlier daemon don't count."""
        if job.state is State.PENDING and job.attempt == 1:
            self._waiting.add(job.key)
        elif job.state not in {State.PENDING, State.STARTING} and job.key in self._waiting:
            self._waiting.discard(job.key)
            if job.pid:
                self._starts.observe(max(0.0, time.time() - job.created))

    def loop_called(self, late_s: float) -> None:
        """Note how much too late the loop has called a function."""
        self._lag.observe(max(0.0, late_s))


class LoopWatch(Service):
    """Measures the delay of the daemon's loop while it runs."""

    def __init__(self, measures: Measures, reactor: Any) -> None:
        self._measures = measures
        self._reactor = reactor
        self._call: Any = None

    @override
    def startService(self) -> None:
        super().startService()
        self._look_at(self._reactor.seconds() + LAG_PAUSE_S)

    @override
    def stopService(self) -> None:
        self._call.cancel()
        super().stopService()

    def _look_at(self, due: float) -> None:
        self._call = self._reactor.callLater(due - self._reactor.seconds(), self._look, due)

    def _look(self, due: float) -> None:
        now = self._reactor.seconds()
        self._measures.loop_called(now - due)
        self._look_at(now + LAG_PAUSE_S)
