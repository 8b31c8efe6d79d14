"""Every error of the deploy tooling, as one tree.

DeployError                   its text is the one line that a person sees; exit status 1
├── ReportedError             its reason was reported before, as a line about a server
├── TargetError               a cfg file is missing or can't be read, a target is unknown or incomplete
│   └── UnknownTargetError    no section [deploy:NAME] has this name
├── VersionError              HG or GIT has no version, or the version would not be the latest
├── BuildError                the project can't become an egg, or a file is not an egg
│   └── BrokenProjectError    it can, but what is in it can't be imported
└── ServerError               no answer, or not the answer of a Scrapyd that did the work
    ├── RefusedError          an HTTP status of 300 or more; has status and body
    ├── ScrapydError          an error of Scrapyd: an unknown project, version or spider
    └── NoAnswerError         no connection, or no answer in time
"""


class DeployError(Exception):
    """Base of all errors of this package; its text is one line for a person."""


class ReportedError(DeployError):
    """What was asked for can't be done; the line about the server that failed says why."""


class TargetError(DeployError):
    """The cfg files don't say where to deploy, or what."""


class UnknownTargetError(TargetError):
    """No section [deploy:NAME] of the cfg files has this name."""


class VersionError(DeployError):
    """The version control system has no version, or jobs would not use this one."""


class BuildError(DeployError):
    """The project can't be packed, or a file that should be an egg is not an egg."""


class BrokenProjectError(BuildError):
    """The packed project can't be imported; the text names file, line and error."""


class ServerError(DeployError):
    """The server can't be reached, or its answer is not the one of a Scrapyd that did the work."""


class RefusedError(ServerError):
    """The server answered with an HTTP status of 300 or more."""

    def __init__(self, endpoint: str, status: int, body: str, hint: str) -> None:
        super().__init__(" ".join(f"{endpoint}: the server answers with status {status}. {hint}".split()))
        self.status = status
        self.body = body
        self.hint = hint


class ScrapydError(ServerError):
    """A Scrapyd answered with status error; the text ends with its message."""


class NoAnswerError(ServerError):
    """The server can't be reached, or did not answer: the request may have been done or not."""

    def __init__(self, text: str, *, timed_out: bool) -> None:
        super().__init__(text)
        self.timed_out = timed_out
