"""The log of a child process: a bounded file, secrets struck out, and its errors told on the console, once a kind.

A child writes into a pipe of ours. A month of worker and server is megabytes a day; the file is turned over at `LIMIT`
and `KEPT` older ones stay, so that a log takes at most 40 MB of disk.
"""

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from logging import makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

LIMIT, KEPT = 10_000_000, 3  # bytes of a file; older files
TAIL = 15  # lines that are told of a child that ended
LONGEST = 60  # lines of one error that are told: a traceback through SQLAlchemy and a service takes 40
KINDS = 100  # of errors that are told apart; after so many the file alone has them
PAUSE = 0.5  # seconds without a line after which an error's lines are taken for complete

# As Prefect's formatter writes ("12:00:00.123 | ERROR   | prefect.server - ..."), or uvicorn's ("ERROR:    ...").
HEAD = re.compile(r"\d\d:\d\d:\d\d\.\d{3} \| (?P<level>[A-Z]+) +\| (?P<said>.*)|(?P<plain>[A-Z]{4,8}): +(?P<rest>.*)")
VARYING = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b0x[0-9a-f]+|\d+(\.\d+)?")  # ids, addresses, numbers
RUNS = ("Flow run ", "Task run ")  # records of a run: its own page in the UI has them


class Log:
    """One child's log. `heard` is called with each new kind of error, from the thread that reads the pipe.

    `runs`: other processes speak through this one, whose bare tracebacks are their own affair.
    """

    def __init__(
        self,
        path: Path,
        heard: Callable[[str], None] | None = None,
        secrets: Iterable[str] = (),
        runs: bool = False,
    ):
        self.path, self.heard, self.runs = path, heard, runs
        self.secrets = [secret for secret in secrets if secret]
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.kinds: Counter[str] = Counter()
        self._error: list[str] = []  # lines of the error that is being read
        self._last = 0.0
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = RotatingFileHandler(path, maxBytes=LIMIT, backupCount=KEPT, encoding="utf-8", errors="replace")

    def follow(self, pipe: IO[bytes]) -> threading.Thread:
        """Read a child's output to its end, in a thread."""

        def read() -> None:
            with pipe:
                for line in pipe:
                    self.write(line.decode("utf-8", "replace").rstrip("\n"))
            self.settle(at_once=True)

        thread = threading.Thread(target=read, name=f"log of {self.path.name}", daemon=True)
        thread.start()
        return thread

    def write(self, line: str) -> None:
        """One line, without its end."""
        for secret in self.secrets:
            line = line.replace(secret, "***")
        with self._lock:
            self._file.emit(makeLogRecord({"msg": line}))
            self.tail.append(line)
            self._last = time.monotonic()
            head = HEAD.match(line)
            if head:
                self._told()
                said = head["said"] or head["rest"] or ""
                if (head["level"] or head["plain"]) in ("ERROR", "CRITICAL") and not said.startswith(RUNS):
                    self._error = [line]
            elif self._error:
                if len(self._error) < LONGEST:
                    self._error.append(line)
            elif line.startswith("Traceback (most recent call last)") and not self.runs:
                self._error = [line]

    def settle(self, at_once: bool = False) -> None:
        """Tell an error whose last line came a while ago; to be called now and then."""
        with self._lock:
            if at_once or time.monotonic() - self._last > PAUSE:
                self._told()

    def again(self) -> dict[str, int]:
        """Errors that came more than once, by kind: how often after the first."""
        with self._lock:
            return {kind: count - 1 for kind, count in self.kinds.items() if count > 1}

    def close(self) -> None:
        self.settle(at_once=True)
        self._file.close()

    def _told(self) -> None:
        lines, self._error = self._error, []
        if not lines or self.heard is None:
            return
        head = HEAD.match(lines[0])
        said = (head["said"] or head["rest"]) if head else ""
        raised = next((line for line in reversed(lines[1:]) if re.match(r"[A-Za-z_][\w.]*(: |$)", line)), "")
        kind = VARYING.sub("#", f"{said} {raised.split(':')[0]}".strip())[:300]
        if kind not in self.kinds and len(self.kinds) >= KINDS:
            return
        self.kinds[kind] += 1
        if self.kinds[kind] == 1:
            self.heard("\n".join(lines).rstrip())
