"""What fingerprints take from a file of code, remembered between processes by the file's content.

To parse and walk the three hundred files of a pipeline's stages takes two seconds; a command such as `explain` takes no
more than that in all. What is remembered is a function of a file's bytes alone, and is asked for by their checksum and
by that of the walk's own code: nothing can be out of date. It lies in $MILLRACE_CACHE, else in millrace/ of
$XDG_CACHE_HOME or ~/.cache; where that cannot be written or is damaged, files are walked anew.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Facts:
    """Of a file: the hash of its shape, the modules of tasks/ and model/ that it may name, whether it reads Unicode's
    table, and whether it says that it shapes no bytes."""

    hash: str
    names: tuple[str, ...]
    unicode: bool
    silent: bool


class Remembered:
    """Facts by the checksum of a file's text; `walk` is the version of what makes them."""

    def __init__(self, walk: str):
        try:
            configured = os.environ.get("MILLRACE_CACHE")
            home = Path() if configured else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            base = Path(configured or home / "millrace")
        except RuntimeError:  # a user without a home
            base = Path(os.devnull)  # in which nothing is found, and nothing can be written
        self.path = base / f"code-{walk[:16]}.json"
        self.known: dict[str, Facts] = {}
        self.fresh = False
        # Whatever it holds that is not what was written, it is not used.
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if content["checksum"] == _checksum(content["facts"]):
                self.known = {
                    key: Facts(of["hash"], tuple(of["names"]), of["unicode"], of["silent"])
                    for key, of in content["facts"].items()
                }

    def facts(self, text: str, make: Callable[[], Facts]) -> Facts:
        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in self.known:
            self.known[key] = make()
            self.fresh = True
        return self.known[key]

    def save(self) -> None:
        """Written whole or not at all; two processes that write at once lose nothing but time."""
        if not self.fresh:
            return
        self.fresh = False
        facts = {key: asdict(of) for key, of in sorted(self.known.items())}
        text = json.dumps({"facts": facts, "checksum": _checksum(facts)})
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.path.parent, delete=False, encoding="utf-8") as file:
                file.write(text)
            Path(file.name).replace(self.path)


def _checksum(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def remembered(walk: str) -> Remembered:
    return Remembered(walk)
