"""The process of a job: its log exists from the first moment, and the process ends when the job has ended."""

import os
import sys
from typing import NoReturn

# Nothing else at module level: a signal that comes before the log exists leaves no trace of the job.

EXIT_LIMIT_S = 15  # seconds after the end of a job that threads and atexit handlers of the project may take
_HARD_LIMIT_S = 10  # seconds after that in which Python itself must have ended


def run_process() -> NoReturn:
    """Run the command line as Scrapyd starts it, and end the process with the exit status."""
    argv = sys.argv[1:]
    if argv[:1] == ["crawl"]:
        _run_crawl(argv)
    from aioscrapy_scrapyd.job.runner import main

    sys.exit(main(argv))


def _run_crawl(argv: list[str]) -> NoReturn:
    import signal

    received: list[int] = []
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    for number in numbers:  # noted only: an import that an exception breaks off can't be repeated
        signal.signal(number, lambda number, _: received.append(number))
    _create_log(argv)
    from aioscrapy_scrapyd.job.crawl import interrupted, run_job

    try:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
        status = interrupted(argv) if received else run_job(argv)
    except KeyboardInterrupt:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        status = interrupted(argv)
    _limit_the_exit(argv, status)
    sys.exit(status)


def _create_log(argv: list[str]) -> None:
    for word in argv:
        if word.startswith("LOG_FILE="):
            try:
                os.close(os.open(word.partition("=")[2], os.O_WRONLY | os.O_CREAT, 0o666))
            except OSError:
                return  # run_job reports it


def _limit_the_exit(argv: list[str], status: int) -> None:
    """End the process after EXIT_LIMIT_S: a thread of the project must not keep a slot of Scrapyd."""
    import signal
    import threading
    import time

    from aioscrapy_scrapyd.job.job_files import JobFiles, JobLog

    def end() -> None:
        time.sleep(EXIT_LIMIT_S)
        main = threading.main_thread()
        names = [thread.name for thread in threading.enumerate() if thread is not main and not thread.daemon]
        what = f"threads of the project ({', '.join(names)})" if names else "atexit handlers of the project"
        log = JobLog(JobFiles.of(argv).log)
        log.write("WARNING", f"The process ends although {what} still run {EXIT_LIMIT_S} s after the crawl")
        os._exit(status)

    threading.Thread(target=end, daemon=True).start()
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(EXIT_LIMIT_S + _HARD_LIMIT_S)
