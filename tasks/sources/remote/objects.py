"""One request to a bucket of s3 (obstore): an object's size and ETag, or its bytes, or the Outage that it is.

Public buckets are asked unsigned where this machine has no key; Common Crawl's own answers none but signed requests.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from tasks.runtime.errors import Mistake
from tasks.runtime.object_client import aws_files, connection_options, sentence
from tasks.sources.remote import budget
from tasks.sources.remote.asking import SILENCE
from tasks.sources.remote.manners import Manners
from tasks.sources.remote.outages import Outage

SHAPES_NO_BYTES = True

SIGNED = ("commoncrawl",)  # buckets that answer none but signed requests
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI")  # fmt: skip
PIECE = 1 << 20  # bytes of a stream at once, at least
# obstore tells most faults in words alone: its own, and those of the libraries below it (0.12).
WORDS = tuple(
    (kind, re.compile(words, re.IGNORECASE))
    for kind, words in (
        ("limited", r"SlowDown|status code: (?:503|429)\b"),
        ("server", r"status code: 5\d\d\b"),
        ("forbidden", r"status code: (?:301|400|401)\b"),
        ("name", r"dns error|failed to lookup"),
        ("certificate", r"certificate"),
        ("tls", r"tls|\bssl|corrupt message|InvalidMessage"),
        ("refused", r"connection ?refused"),
        ("timeout", r"timed ?out|kind: Timeout"),
        ("short", r"IncompleteBody"),
        ("unreachable", r"kind: Connect\b"),
    )
)


def host_of(url: str) -> str:
    """What the budget of a bucket goes by."""
    return f"s3.{_split(url)[0]}"


def head(url: str, manners: Manners) -> tuple[int, str]:
    """Size in bytes and ETag of an object. Raises Outage."""
    import obstore

    with _asked(url, manners) as (store, key):
        meta = obstore.head(store, key)
        return int(meta["size"]), str(meta["e_tag"] or "").strip('"')


@contextmanager
def opened(
    url: str, start: int, etag: str, manners: Manners, end: int | None = None
) -> Iterator[tuple[int, str, Iterator[bytes]]]:
    """An object's size, its ETag, and its bytes start..end as they come; all of the version that `etag` names.

    Raises:
        Outage: `changed`, where there is another version by now; or what else goes wrong.
    """
    import obstore

    options: Any = {"range": {"offset": start}} if start else {}
    if end is not None:
        options["range"] = (start, end)
    if etag:
        options["if_match"] = f'"{etag}"'
    with _asked(url, manners) as (store, key):
        answer = obstore.get(store, key, options=options)
        if answer.range[0] != start:
            raise Outage("range", f"bytes from {answer.range[0]} on came, not from {start} on")
        pieces = (bytes(piece) for piece in answer.stream(min_chunk_size=PIECE))
        yield int(answer.meta["size"]), str(answer.meta["e_tag"] or "").strip('"'), pieces


@contextmanager
def _asked(url: str, manners: Manners) -> Iterator[tuple[Any, str]]:
    from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError

    bucket, key = _split(url)
    host = host_of(url)
    with budget.request(host, *manners.budget(host)):
        try:
            environment = tuple(sorted(_environment().items()))
            yield _store(os.getpid(), bucket, _unsigned(bucket), manners.user_agent(), environment), key
        except FileNotFoundError:
            raise Outage("missing", "no such object") from None
        except PreconditionError:
            raise Outage("changed", "its ETag is another one") from None
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise Outage("forbidden", f"{sentence(error)}; s3 may need credentials, https does not") from None
        except BaseError as error:
            text = re.sub(r"https?://\S+", "", str(error))  # whose words say nothing
            kinds = (kind for kind, words in WORDS if words.search(text))
            raise Outage(next(kinds, "reset"), sentence(error)) from None


def _split(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise Mistake(f"{url} names no object; s3://bucket/path does")
    return bucket, key


def _unsigned(bucket: str) -> bool:
    return bucket not in SIGNED and not any(key in os.environ for key in KEYS) and aws_files() is None


def _environment() -> dict[str, str]:
    """What in the environment says where and as whom s3 is asked: another client for another one."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


@lru_cache(maxsize=16)
def _store(process: int, bucket: str, unsigned: bool, agent: str, environment: tuple[tuple[str, str], ...]) -> Any:
    """obstore's store of a bucket, one a process; it retries nothing, since outages.py does."""
    from datetime import timedelta

    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    more: dict[str, Any] = {"skip_signature": True} if unsigned else {}
    if not unsigned and (files := aws_files()) is not None:
        more["credential_provider"] = files
    silence = timedelta(seconds=SILENCE)
    options = {"timeout": timedelta(hours=6), "read_timeout": silence, "connect_timeout": silence}
    more["client_options"] = {**options, "user_agent": agent, **connection_options()}
    more["retry_config"] = {"max_retries": 0}
    try:
        return S3Store(bucket, **more)
    except (BaseError, ValueError) as error:
        raise Mistake(f"s3://{bucket} cannot be asked ({sentence(error)})") from None
