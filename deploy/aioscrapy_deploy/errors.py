"""Every error of the deploy tooling, as one tree.

DeployError                   its text is the one line that a person sees; exit status 1
├── TargetError               no cfg, one that can't be read, a target that isn't there or lacks something
│   └── UnknownTargetError    no section [deploy:NAME] has this name
├── VersionError              HG or GIT was asked for and can't tell a version
├── BuildError                the project can't become an egg, or a file is none
│   └── BrokenProjectError    it can, but its settings or all its spider modules can't be imported
└── ServerError               no answer, or not that of a Scrapyd which took the egg
    ├── RefusedError          an HTTP status of 300 or more; carries status and body
    ├── ScrapydError          a Scrapyd says no, in words: an unknown project, version or spider
    └── NoAnswerError         no connection, or no answer in time
"""


class DeployError(Exception):
    """Base of all errors of this package; its text is one line for a person."""


class TargetError(DeployError):
    """The cfg files don't say where to deploy, or what."""


class UnknownTargetError(TargetError):
    """No section [deploy:NAME] of the cfg files has this name."""


class VersionError(DeployError):
    """The version control system was asked for a version and has none."""


class BuildError(DeployError):
    """The project can't be packed, or what should be an egg is none."""


class BrokenProjectError(BuildError):
    """The packed project can't be imported; the text names file, line and error."""


class ServerError(DeployError):
    """The server can't be reached, or its answer is not the one of a Scrapyd that did what was asked."""


class RefusedError(ServerError):
    """The server answered with an HTTP status of 300 or more."""

    def __init__(self, endpoint: str, status: int, body: str, hint: str) -> None:
        super().__init__(" ".join(f"{endpoint}: the server answers with status {status}. {hint}".split()))
        self.status = status
        self.body = body
        self.hint = hint


class ScrapydError(ServerError):
    """A Scrapyd answered with status error; the text ends in what it said."""


class NoAnswerError(ServerError):
    """The server can't be reached, or did not answer; nobody knows whether it did what was asked."""

    def __init__(self, text: str, *, timed_out: bool) -> None:
        super().__init__(text)
        self.timed_out = timed_out
