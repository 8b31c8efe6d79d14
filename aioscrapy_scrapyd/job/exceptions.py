"""The errors of this package.

AioscrapyError         what a person may see as one line
└── RunnerError        a job of Scrapyd can't be started
    └── EggError       its egg is missing, damaged or incomplete
"""

from aioscrapy.exceptions import AioscrapyError


class RunnerError(AioscrapyError):
    """The job can't be started with this environment or this configuration of Scrapyd."""


class EggError(RunnerError):
    """There is no such egg, it is not a whole zip file, or it names no settings."""
