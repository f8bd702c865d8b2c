"""A lease as an object: who holds it, and a heartbeat. Losing one harms nothing: the manifest's PUT decides a race.

It is taken by a PUT that a taken name refuses, renewed by a thread with a PUT on condition of its ETag, and removed at
the end. It is taken over when its content has stood still for STILL seconds of our own clock (clocks of two machines
are never compared), or at once when its holder was a process of this machine that is gone.
"""

import hashlib
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

from tasks.runtime.object_client import told
from tasks.runtime.store import Unreachable

BEAT, STILL, POLL = 10.0, 60.0, 0.5  # seconds; six beats must fail before others take a living holder's lease
LONGEST_POLL = 5.0
HELD: set[str] = set()  # the tokens of this process: what bears its number and none of these is of one before it


@contextmanager
def held(client: Any, name: str, where: str, log: Callable[[str], None]) -> Iterator[None]:
    """Wait for the lease object `name`, and hold it; `where` is what messages call the thing that is leased."""
    token = token_hex(16)
    HELD.add(token)
    try:
        tag = _take(client, name, where, token, log)
        done = threading.Event()
        thread = threading.Thread(target=_renew, args=(client, name, token, tag, done), name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            with suppress(Unreachable, FileNotFoundError):  # what is left is swept
                if (there := _read(client, name)) and there[0].get("token") == token:
                    with told(where):
                        client.delete(name)
    finally:
        HELD.discard(token)


def sweep(client: Any, folder: str, now: datetime) -> None:
    """Remove the leases of processes that are gone; `now` by the service's clock, as are the times of objects."""
    for chunk in client.list(folder):
        for meta in chunk:
            there = _read(client, meta["path"])
            if there and (_is_gone(there[0]) or (now - meta["last_modified"]).total_seconds() > 10 * STILL):
                with suppress(FileNotFoundError), told(meta["path"]):
                    client.delete(meta["path"])


def process() -> str:
    """A name for this process, in the world."""
    return f"{hashlib.sha256(json.dumps(_machine()).encode()).hexdigest()[:16]}-{os.getpid()}"


def content(token: str, beat: int) -> bytes:
    """What a lease of this process says."""
    return json.dumps({"token": token, "beat": beat, "process": os.getpid(), **_machine()}).encode()


@cache
def _machine() -> dict[str, Any]:
    """This machine's boot and space of process numbers, by which a process can be seen to be gone."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return {"host": platform.node(), "boot": boot, "processes": str(Path("/proc/self/ns/pid").readlink())}


def _take(client: Any, name: str, where: str, token: str, log: Callable[[str], None]) -> str | None:
    """The ETag of the lease, once it is ours."""
    seen: tuple[bytes, float] | None = None
    poll = POLL
    while True:
        taken, tag = _put(client, name, where, token, content(token, 0), "create")
        if taken:
            return tag
        there = _read(client, name)
        if there is None:  # given back meanwhile
            continue
        holder, data, tag = there
        if seen is None:
            log(f"another run is writing {where} (on {holder.get('host', '?')}); waiting for it")
        if seen is None or seen[0] != data:
            seen = (data, time.monotonic())
        if _is_gone(holder) or time.monotonic() - seen[1] > STILL:
            taken, tag = _put(client, name, where, token, content(token, 0), {"e_tag": tag})
            if taken:
                return tag
            continue
        time.sleep(poll)
        poll = min(poll * 1.5, LONGEST_POLL)


def _put(client: Any, name: str, where: str, token: str, data: bytes, mode: Any) -> tuple[bool, str | None]:
    """Whether the lease is ours now, and its ETag. An answer that was lost is made good by looking."""
    from obstore.exceptions import AlreadyExistsError, NotSupportedError, PreconditionError

    try:
        with told(where):
            return True, client.put(name, data, mode=mode)["e_tag"]
    except NotSupportedError:  # a service without conditional updates: the last writer has it, and the others see that
        with told(where):
            return True, client.put(name, data)["e_tag"]
    except FileNotFoundError:  # no lease to renew any more; or no bucket
        if mode == "create":
            raise Unreachable(f"{where} cannot be leased: the store is not there any more") from None
    except (AlreadyExistsError, PreconditionError):
        pass
    except Unreachable:
        there = _read(client, name)
        if there is None or there[0].get("token") != token:
            raise
    there = _read(client, name)
    return (True, there[2]) if there and there[0].get("token") == token else (False, None)


def _read(client: Any, name: str) -> tuple[dict[str, Any], bytes, str | None] | None:
    """What the lease says, its bytes and ETag; None where nobody holds it."""
    try:
        with told(name):
            answer = client.get(name)
            data = bytes(answer.bytes())
    except FileNotFoundError:
        return None
    try:
        content = json.loads(data)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}, data, answer.meta["e_tag"]


def _is_gone(holder: dict[str, Any]) -> bool:
    """Whether the holder was a process of this machine that has ended, or a part of this one that has."""
    if {key: holder.get(key) for key in _machine()} != _machine():
        return False
    if holder.get("process") == os.getpid():
        return holder.get("token") not in HELD
    return not Path(f"/proc/{holder.get('process')}").exists()


def _renew(client: Any, name: str, token: str, tag: str | None, done: threading.Event) -> None:
    beat = 0
    while not done.wait(BEAT):
        beat += 1
        with suppress(Unreachable):  # the next beat may be heard
            ours, tag_now = _put(client, name, name, token, content(token, beat), {"e_tag": tag})
            if not ours:
                return  # another has it: both go on, to the same bytes
            tag = tag_now
