"""Where artifacts lie: `store`, a folder or an object store's URL, and `cache`, local copies of what is read from one.

A URL names a place and nothing else: credentials, regions and endpoints come from the environment or the provider's
own files.
"""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field

from conf.keys import Address, Keys, Positive, Secret, without_credentials
from conf.places import URL, absolute
from tasks.runtime.errors import Mistake

AZURE = ("az", "azure", "abfs", "abfss")
SCHEMES = ("s3", "gs", *AZURE, "memory", "file")


def _place(store: str) -> str:
    """A folder's path, or a URL of a scheme that we know."""
    match = URL.match(store)
    if match is None:
        return store
    without_credentials(store)
    scheme, url = match[0].removesuffix(":/"), urlsplit(store)
    if scheme not in SCHEMES:
        raise ValueError(f"a store is a folder or a URL of {', '.join(SCHEMES)}; {scheme}: is none of them")
    if not store.startswith(f"{scheme}://"):
        raise ValueError(f"a URL begins with {scheme}://, with two slashes")
    if url.query or url.fragment:
        raise Secret("a store's URL has no ? or #: settings and credentials come from the environment")
    if "@" in url.netloc and scheme not in AZURE:  # abfs://container@account is a place
        raise Secret(f"{scheme}:// names no user: credentials come from the environment or the provider's own files")
    if scheme == "file" and (url.netloc or len(url.path) < 2):
        raise ValueError("file:// is followed by an absolute path, as in file:///data/store")
    if scheme not in ("file", "memory") and not url.netloc:
        raise ValueError(f"name the bucket, as in {scheme}://bucket/prefix")
    return store


Store = Annotated[str, Field(min_length=1), AfterValidator(absolute), AfterValidator(_place)]


def address(store: str) -> str:
    """A store as the runtime opens it: a folder's absolute path, or the URL without a slash at its end."""
    if "://" not in store:
        return os.path.realpath(store)  # links in a circle are left to who opens it
    url = urlsplit(store)
    if url.scheme == "file":
        return os.path.realpath(unquote(url.path))
    return store.rstrip("/") if url.netloc else store


class Cache(Keys):
    """Local copies of what is read from an object store; a store that is a folder is read where it lies."""

    folder: Annotated[Address, Field(min_length=1)] | None = Field(
        None, description="absent: millrace/store in the user's cache folder"
    )
    bytes: Positive = Field(20_000_000_000, description="copies kept, about; the longest unread go first")

    def path(self) -> Path:
        """The folder; $MILLRACE_CACHE and $XDG_CACHE_HOME say where caches are, as for compiled kernels.

        Raises:
            Mistake: none of them is given, and the user has no home.
        """
        if self.folder is not None:
            return Path(self.folder).resolve()
        if configured := os.environ.get("MILLRACE_CACHE"):
            return Path(configured).resolve() / "store"
        try:
            caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        except RuntimeError:
            raise Mistake("this user has no home for local copies; give cache: {folder: ...}") from None
        return caches.resolve() / "millrace" / "store"
