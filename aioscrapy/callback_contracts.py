"""Contracts in the docstrings of callbacks: which page to fetch, and what the callback must return for it."""

import json
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from inspect import getmembers, isawaitable
from typing import Any
from unittest import TestCase, TestResult

from aioscrapy.exceptions import ContractFail
from aioscrapy.http.request import Request
from aioscrapy.items import adapter, is_item
from aioscrapy.spiders.outputs import iterate_spider_output

_contract_lines = re.compile(r"^\s*@(\w+)[ \t]*(.*)$", re.MULTILINE).findall


class Contract:
    """One line `@name arguments` of a docstring.

    A subclass may define `adjust_request_args(arguments)`, which returns the arguments of the request,
    `pre_process(response)`, which is called before the callback, and `post_process(output)`, which gets the
    list of its output. Both of the latter raise ContractFail.

    Attributes:
        name: the word behind the @.
        request_cls: class of the request; None: Request.
        args: the words behind the name.
    """

    name: str
    request_cls: type[Request] | None = None

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        self.method = method
        self.args = args
        self.testcase_pre = _case(method, f"@{self.name} pre-hook")
        self.testcase_post = _case(method, f"@{self.name} post-hook")

    def add_pre_hook(self, request: Request, results: TestResult) -> Request:
        """Call `pre_process` before the callback of a request, and put its result into `results`."""
        if (hook := getattr(self, "pre_process", None)) is not None:
            before = partial(_run, hook, self.testcase_pre, results)
            request.callback = _Hooked(request.callback, before=before)
        return request

    def add_post_hook(self, request: Request, results: TestResult) -> Request:
        """Call `post_process` behind the callback of a request, and put its result into `results`."""
        if (hook := getattr(self, "post_process", None)) is not None:
            after = partial(_run, hook, self.testcase_post, results)
            request.callback = _Hooked(request.callback, after=after)
        return request

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the request."""
        return args


class UrlContract(Contract):
    """`@url URL`: the page."""

    name = "url"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        return {**args, "url": self.args[0]}


class CallbackKeywordArgumentsContract(Contract):
    """`@cb_kwargs JSON`: arguments of the callback."""

    name = "cb_kwargs"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        return {**args, "cb_kwargs": json.loads(" ".join(self.args))}


class MetadataContract(Contract):
    """`@meta JSON`: the meta of the request."""

    name = "meta"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        return {**args, "meta": json.loads(" ".join(self.args))}


class MethodContract(Contract):
    """`@method NAME`: the method of the request."""

    name = "method"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        return {**args, "method": self.args[0]}


class BodyContract(Contract):
    """`@body TEXT`: the body of the request."""

    name = "body"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        return {**args, "body": " ".join(self.args)}


class HeaderContract(Contract):
    """`@header NAME VALUE`: a header of the request; one line for each."""

    name = "header"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        return _with_pair(args, "headers", self.args)


class CookieContract(Contract):
    """`@cookie NAME VALUE`: a cookie of the request; one line for each."""

    name = "cookie"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        return _with_pair(args, "cookies", self.args)


def _with_pair(args: dict[str, Any], part: str, words: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments of a request with one more pair of a name and a value in one of its dicts."""
    return {**args, part: {**(args.get(part) or {}), words[0]: " ".join(words[1:])}}


class ReturnsContract(Contract):
    """`@returns items|requests [MIN [MAX]]`: how many of them the callback returns."""

    name = "returns"
    object_type_verifiers: dict[str, Callable[[Any], bool]] = {  # noqa: RUF012 Scrapy's name
        **dict.fromkeys(("request", "requests"), lambda output: isinstance(output, Request)),
        **dict.fromkeys(("item", "items"), is_item),
    }

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        if not 1 <= len(args) <= 3 or args[0] not in self.object_type_verifiers:
            raise ValueError(
                f"@returns needs items or requests, and at most two numbers, not {' '.join(args)!r}"
            )
        self.obj_name = args[0]
        self.min_bound = float(args[1]) if len(args) > 1 else 1
        self.max_bound = float(args[2]) if len(args) > 2 else float("inf")

    def post_process(self, output: list[Any]) -> None:
        """Count the outputs.

        Raises:
            ContractFail: there are too few or too many.
        """
        count = sum(map(self.object_type_verifiers[self.obj_name], output))
        if not self.min_bound <= count <= self.max_bound:
            low, high = self.min_bound, self.max_bound
            expected = f"{low:g}" if low == high else f"{low:g}..{high:g}"
            raise ContractFail(f"Returned {count} {self.obj_name}, expected {expected}")


class ScrapesContract(Contract):
    """`@scrapes FIELD …`: fields that every item has."""

    name = "scrapes"

    def post_process(self, output: list[Any]) -> None:
        """Look for the fields.

        Raises:
            ContractFail: an item lacks some.
        """
        for item in filter(is_item, output):
            missing = [field for field in self.args if field not in adapter(item)]
            if missing:
                raise ContractFail(f"Missing fields: {', '.join(missing)}")


class ContractsManager:
    """The contracts of callbacks: docstring -> contracts -> a request whose callback checks them."""

    def __init__(self, contracts: Iterable[type[Contract]]) -> None:
        self.contracts = {contract.name: contract for contract in contracts}

    def tested_methods_from_spidercls(self, spidercls: type) -> list[str]:
        """Return the names of the methods that have contracts."""
        methods = getmembers(spidercls, callable)
        return [name for name, method in methods if self._lines(method)]

    def extract_contracts(self, method: Callable[..., Any]) -> list[Contract]:
        """Return the contracts of a method."""
        return [self.contracts[name](method, *args.split()) for name, args in self._lines(method)]

    def from_spider(self, spider: Any, results: TestResult) -> list[Request | None]:
        """Return a request for every method of a spider that has contracts."""
        names = self.tested_methods_from_spidercls(type(spider))
        return [self.from_method(getattr(spider, name), results) for name in names]

    def from_method(self, method: Callable[..., Any], results: TestResult) -> Request | None:
        """Return the request of a method, whose callback puts what it finds into `results`.

        None if there is nothing to request; an error in a contract is put into `results`.
        """
        try:
            contracts = self.extract_contracts(method)
            arguments: dict[str, Any] = {"dont_filter": True, "callback": method}
            request_cls: type[Request] = Request
            for contract in contracts:
                request_cls = contract.request_cls or request_cls
                arguments = contract.adjust_request_args(arguments)
            if not contracts or ("url" not in arguments and request_cls is Request):
                return None
            request = request_cls(**arguments)
            for contract in reversed(contracts):
                request = contract.add_pre_hook(request, results)
            for contract in reversed(contracts):
                request = contract.add_post_hook(request, results)
            check = _Check(method, request.callback, results)
            request.callback, request.errback = check.callback, check.errback
            return request
        except Exception:  # noqa: BLE001 it is a result
            results.addError(_case(method, "contract"), _exc_info())
            return None

    def _lines(self, method: Any) -> list[tuple[str, str]]:
        lines = _contract_lines(getattr(method, "__doc__", None) or "")
        return [(name, args) for name, args in lines if name in self.contracts]


class _Hooked:
    """A callback that returns its output as a list, with a function before or behind it."""

    def __init__(self, callback: Any, before: Any = None, after: Any = None) -> None:
        self._callback = callback
        self._before, self._after = before, after

    def __call__(self, response: Any, **kwargs: Any) -> Any:
        """Return the output; an awaitable if the callback is asynchronous."""
        if self._before is not None:
            self._before(response)
        result = self._callback(response, **kwargs)
        if isawaitable(result) or hasattr(result, "__aiter__"):
            return self._collected(result)
        return self._checked(list(iterate_spider_output(result)))

    async def _collected(self, result: Any) -> list[Any]:
        if isawaitable(result):
            return self._checked(list(iterate_spider_output(await result)))
        return self._checked([output async for output in result])

    def _checked(self, output: list[Any]) -> list[Any]:
        if self._after is not None:
            self._after(output)
        return output


class _Check:
    """The callback and the errback of a request for a method: they put errors into the results."""

    def __init__(self, method: Callable[..., Any], callback: Any, results: TestResult) -> None:
        self._method = method
        self._call = _Hooked(callback)
        self._results = results

    def callback(self, response: Any, **kwargs: Any) -> Any:
        """Return the output of the method, after all checks; an awaitable if the method is asynchronous."""
        try:
            result = self._call(response, **kwargs)
        except Exception:  # noqa: BLE001 it is a result
            return self._failed()
        return self._awaited(result) if isawaitable(result) else result

    async def _awaited(self, result: Any) -> Any:
        try:
            return await result
        except Exception:  # noqa: BLE001 it is a result
            return self._failed()

    def _failed(self) -> list[Any]:
        self._results.addError(_case(self._method, "callback"), _exc_info())
        return []

    def errback(self, failure: Any) -> None:
        """Note that there is no response."""
        exc = getattr(failure, "value", failure)
        self._results.addError(_case(self._method, "errback"), (type(exc), exc, exc.__traceback__))


def _run(hook: Callable[[Any], Any], case: TestCase, results: TestResult, argument: Any) -> None:
    """Run a hook as a test."""
    results.startTest(case)
    try:
        hook(argument)
    except AssertionError:
        results.addFailure(case, _exc_info())
    except Exception:  # noqa: BLE001 it is a result
        results.addError(case, _exc_info())
    else:
        results.addSuccess(case)
    results.stopTest(case)


def _case(method: Any, what: str) -> TestCase:
    spider = getattr(getattr(method, "__self__", None), "name", "")

    class ContractTestCase(TestCase):
        def runTest(self) -> None:  # noqa: N802 unittest's name
            pass  # the results are noted from outside; a docstring would be printed with a failure

        def __str__(self) -> str:
            return f"[{spider}] {method.__name__} ({what})"

    return ContractTestCase()


def _exc_info() -> Any:
    return sys.exc_info()
