"""Large pages are parsed in a process of their own, which may die of one without harm to its neighbours.

It is started at the first page that needs it, kept for the next, and replaced when it died; it ends when its parent
does (its standard input ends). A subprocess with pipes and not multiprocessing's, whose daemons, such as the workers of
a pool, may have no children. What stops a page is its own CPU time and the process's address space, both set as limits
in the kernel, so that the machine's load plays no part; on another machine a page just at the limit may pass.
"""

import atexit
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.sources.page.parse import Parsed, receive, send
from tasks.sources.rejects import Bad

MEMORY = 768 << 20  # bytes of address space: 500,000 tags of up to 600 bytes, and the page a few times
START = "import sys; sys.path[:] = {path!r}; from tasks.sources.page.parse import serve; serve({memory})"


class Worker:
    """One child process; not for several threads at once."""

    def __init__(self, memory: int = MEMORY):
        self.memory = memory
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0  # a forked child of ours must not speak into our pipes

    def parse(self, html: str, seconds: int, **how: Any) -> Parsed:
        """As parse.parse, in the child. seconds: of CPU.

        Raises:
            Bad: `slow`, `memory`, `crash`; what `parse` raises.
        """
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        try:
            send(process.stdin, {"seconds": seconds, **how}, [html])
            answer = receive(process.stdout)
        except BrokenPipeError:
            answer = None
        except BaseException:
            self.close()  # half a message is in the pipe
            raise
        if answer is None:
            code = process.wait()
            self.close()
            raise _death(code, seconds, self.memory)
        message, texts = answer
        if "bad" in message:
            if message["bad"][0] == "memory":
                self.close()  # what is left of its address space is in pieces
            raise Bad(*message["bad"])
        return Parsed(**message["parsed"], page=texts[0])

    def close(self) -> None:
        """End the child, if there is one."""
        if self.process is not None and self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    _close(pipe)
        self.process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self.process is not None and (self.owner != os.getpid() or self.process.poll() is not None):
            self.close()
        if self.process is None:
            start = START.format(path=[entry or str(Path.cwd()) for entry in sys.path], memory=self.memory)
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                [sys.executable, "-c", start], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
            )
            self.owner = os.getpid()
        return self.process


def _close(pipe: Any) -> None:
    with suppress(BrokenPipeError):  # the rest of a request, to a child that is dead
        pipe.close()


def _death(code: int, seconds: int, memory: int) -> Bad:
    if -code == signal.SIGXCPU:
        return Bad("slow", f"parsing was stopped behind {seconds} s of CPU time")
    if -code == signal.SIGABRT:  # what Rust does where memory is refused
        return Bad("memory", f"parsing takes more than {memory >> 20} MB")
    name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return Bad("crash", f"the parser died of it: {name}")


WORKER = Worker()
atexit.register(WORKER.close)
