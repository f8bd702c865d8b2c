"""Child processes that are kept alive: one that ends is started again, which is told, until it ends too often."""

import signal
import time
from collections.abc import Callable

from flows import server
from flows.logs import Log
from tasks.runtime.errors import Failure

SHORT = 60.0  # seconds: a child that lived longer had come up, and its next death is counted from one again
MOST = 5  # short lives in a row, after which it is given up: at 1, 2, 4 and 8 s of patience a mere hiccup is over


def ended(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    return f"{name}; if nobody sent it, the kernel did for memory: dmesg says so" if name == "SIGKILL" else name


class Kept:
    """A child process. `tell` takes a sentence for the console."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], log: Log, tell: Callable[[str], None]
    ):
        self.name, self.command, self.environment, self.log, self.tell = name, command, environment, log, tell
        self.lives = 0  # short ones in a row, so far ended
        self.again = False  # whether it ever was started again
        self.due: float | None = None  # when it is started again
        self.start()

    def start(self) -> None:
        self.process = server.child(self.command, self.environment, None)
        assert self.process.stdout is not None
        self.reader = self.log.follow(self.process.stdout)
        self.begun, self.due = time.monotonic(), None

    @property
    def alive(self) -> bool:
        return self.due is None and self.process.poll() is None

    def shaken(self, seconds: float) -> bool:
        """Whether it is down, or was started again less than so many seconds ago."""
        return not self.alive or (self.again and time.monotonic() - self.begun < seconds)

    def look(self, may_start: Callable[[], bool] = lambda: True) -> str:
        """What happened since the last look: "" (nothing), "ended" or "started". To be called twice a second.

        Raises:
            Failure: it ended `MOST` times in a row within a minute of its start.
        """
        self.log.settle()
        if self.due is None:
            if self.process.poll() is None:
                return ""
            self.reader.join(5)  # what it said last
            self._ended(time.monotonic())
            return "ended"
        if time.monotonic() < self.due or not may_start():
            return ""
        self.start()
        self.again = True
        return "started"

    def stop(self, seconds: float = 10) -> None:
        server.stop(self.process, seconds)
        self.reader.join(5)
        self.log.close()

    def last_lines(self) -> str:
        lines = "\n".join(f"    {line}" for line in self.log.tail)
        return f"its log, {self.log.path}, ends with\n{lines}" if lines else f"its log, {self.log.path}, says nothing"

    def _ended(self, now: float) -> None:
        how = f"process {self.process.pid}, {ended(self.process.returncode)}"
        self.lives = self.lives + 1 if now - self.begun < SHORT else 1
        if self.lives >= MOST:
            raise Failure(
                f"{self.name} ended {self.lives} times, each within a minute of its start, the last time "
                f"({how}); {self.last_lines()}"
            )
        wait = 0.0 if self.lives == 1 else 2.0 ** (self.lives - 2)
        self.due = now + wait
        when = "now" if not wait else f"in {wait:.0f} s"
        self.tell(f"{self.name} ended ({how}) and is started again {when}; {self.last_lines()}")
