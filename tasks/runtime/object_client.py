"""A client of an object service by URL (obstore), and its errors as sentences without credentials in them.

Credentials come from the environment, or from the usual files where the service's own library is installed (boto3 for
s3). obstore retries what can be retried: server errors, lost connections, time-outs of reading.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import MemoryStore, from_url

from tasks.runtime.errors import Mistake
from tasks.runtime.store import Unreachable

SMALL = 64 << 20  # bytes of one answer or request in QUICK seconds: over 1 MB/s
QUICK, PATIENT = timedelta(minutes=1), timedelta(hours=1)
RETRIES = 10  # of obstore's, with growing pauses: for three minutes at most
CONNECTION = ("allow_http", "allow_invalid_certificates", "proxy_url", "proxy_ca_certificate", "proxy_excludes")
SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|SIGNATURE|CREDENTIAL|CONNECTION_STRING", re.IGNORECASE)


@lru_cache(maxsize=64)
def client(url: str, patient: bool = False, retries: int | None = None) -> Any:
    """obstore's store at a URL, one a process; `patient`: for requests of more than SMALL bytes.

    Raises:
        Mistake: the URL, or the environment's settings, cannot be used.
    """
    if url.startswith("memory:"):
        return _memory(url)
    parts = urlsplit(url)
    container = parts.scheme in ("abfs", "abfss") and ":" not in parts.netloc.partition("@")[0]  # container@account
    if ("@" in parts.netloc and not container) or parts.query:  # not repeated: it may be a password
        raise Mistake("store: a URL holds no credentials; give them in the environment, and the URL without")
    more: dict[str, Any] = {}
    if parts.scheme == "s3" and (files := aws_files()) is not None:
        more["credential_provider"] = files
    more["client_options"] = {"timeout": PATIENT if patient else QUICK, **connection_options()}
    tries = RETRIES if retries is None else retries
    more["retry_config"] = {"max_retries": tries, "retry_timeout": timedelta(minutes=3)}
    try:
        return from_url(url, **more)
    except (BaseError, ValueError) as error:
        raise Mistake(f"store: {url} cannot be used ({sentence(error)})") from None


@cache
def _memory(url: str) -> MemoryStore:
    """What memory://NAME holds: of this process alone, and gone with it."""
    return MemoryStore()


def connection_options() -> dict[str, Any]:
    """What the environment says of the connection (AWS_ALLOW_HTTP=true): obstore forgets it where options are given."""
    found: dict[str, Any] = {}
    for option in CONNECTION:
        for service in ("AWS", "GOOGLE", "AZURE"):
            if (value := os.environ.get(f"{service}_{option.upper()}")) is not None:
                found[option] = value.lower() == "true" if option.startswith("allow_") else value
    return found


def aws_files() -> Any:
    """boto3's way to ~/.aws and what else it knows, where it is installed and the environment holds no key."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return None
    try:
        from botocore.exceptions import BotoCoreError
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        return None
    try:
        return Boto3CredentialProvider()
    except BotoCoreError as error:  # as of a profile that is not there
        raise Mistake(f"the AWS settings of this machine: {error}") from None
    except ValueError:  # it finds no credentials: obstore goes on to those of the machine's role
        return None


@contextmanager
def told(where: str) -> Iterator[None]:
    """obstore's errors become FileNotFoundError and Unreachable; AlreadyExists, Precondition and NotSupported stay."""
    from obstore.exceptions import AlreadyExistsError, NotSupportedError, PreconditionError

    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(2, "no such object", where) from None
    except (AlreadyExistsError, PreconditionError, NotSupportedError):
        raise
    except (BaseError, OSError) as error:
        raise Unreachable(f"{where}: {sentence(error)}; see to the network and the rights, and run again") from None


def sentence(error: BaseException) -> str:
    """An error's first line without the answer's body, credentials, or a query that may hold a signature."""
    text = str(error).partition("Debug source")[0]
    code = re.search(r"<Code>(\w+)</Code>", text)
    text = text.split("<?xml")[0].split("<Error>")[0].split("\n")[0].strip().rstrip(":")
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) > 3:
            text = text.replace(value, "***")
    text = re.sub(r"\?[^ ]*", "", re.sub(r"//[^/@ ]*@", "//", text))
    return f"{text:.300}" + (f" ({code[1]})" if code else "")
