"""A service of objects whose N-th request fails, over the one in memory.

before  the request is not done, and fails
lost    it is done, and its answer is lost
twice   it is done twice, as by a retry below us: the second finds the name taken
cut     half of the answer's bytes come, then the connection ends
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError

from tasks.runtime import object_client, object_store

REQUESTS = ("put", "get", "head", "list", "delete")
FAULTS = {"before": REQUESTS, "lost": ("put", "delete"), "twice": ("put",), "cut": ("get", "list")}


@dataclass
class Service:
    """Fails request number `at` (from 0) among those of the kind `request`; any, if that is None."""

    fault: str | None = None
    request: str | None = None
    at: int = -1
    seen: int = 0
    happened: bool = False

    def __post_init__(self) -> None:
        self.counts = dict.fromkeys(REQUESTS, 0)

    def fails(self, request: str) -> str | None:
        self.counts[request] += 1
        if self.request not in (None, request):
            return None
        number, self.seen = self.seen, self.seen + 1
        if number != self.at:
            return None
        self.happened = True
        return self.fault if request in FAULTS[self.fault or ""] else "before"


class Client:
    """obstore's verbs, as far as the store uses them."""

    def __init__(self, real: Any, service: Service):
        self.real, self.service = real, service

    def put(self, name: str, file: Any, **more: Any) -> Any:
        fault = self.service.fails("put")
        if fault == "before":
            raise GenericError("the PUT fails")
        answer = self.real.put(name, file, **more)
        if fault == "lost":
            raise GenericError("the PUT's answer is lost")
        if fault == "twice":
            try:
                return self.real.put(name, file, **more)
            except BaseError as error:
                raise AlreadyExistsError(str(error)) from None
        return answer

    def get(self, name: str, **more: Any) -> Any:
        fault = self.service.fails("get")
        if fault == "before":
            raise GenericError("the GET fails")
        answer = self.real.get(name, **more)
        return Cut(answer) if fault == "cut" else answer

    def head(self, name: str) -> Any:
        if self.service.fails("head"):
            raise GenericError("the HEAD fails")
        return self.real.head(name)

    def delete(self, name: str) -> None:
        fault = self.service.fails("delete")
        if fault == "before":
            raise GenericError("the DELETE fails")
        self.real.delete(name)
        if fault == "lost":
            raise GenericError("the DELETE's answer is lost")

    def list(self, *given: Any, **more: Any) -> Iterator[Any]:
        fault = self.service.fails("list")
        if fault == "before":
            raise GenericError("the LIST fails")
        for chunk in self.real.list(*given, **more):
            if fault == "cut":
                yield chunk[: len(chunk) // 2]
                raise GenericError("the LIST ends early")
            yield chunk


class Cut:
    """An answer of which half comes."""

    def __init__(self, answer: Any):
        self.meta, self.attributes = answer.meta, answer.attributes
        self._data = bytes(answer.bytes())

    def stream(self, **given: Any) -> Iterator[bytes]:
        yield self._data[: len(self._data) // 2]
        raise GenericError("the body ends early")

    def bytes(self) -> bytes:
        raise GenericError("the body ends early")


@contextmanager
def armed(service: Service) -> Iterator[Service]:
    """While the block runs, stores of objects send their requests through the service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(object_store, "client", lambda url, *given, **more: Client(object_client.client(url), service))
        yield service
