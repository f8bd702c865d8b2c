"""Every operation of a small pipeline fails once, in every way: the next run gives the same bytes and leaves nothing.

The enumeration is whole under the marker `long`; the normal run takes every operation with one way to fail, and a
share of the rest drawn by a seed (MILLRACE_FAULT_SEED replays one).
"""

import itertools
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fault_toys as toys
import faulty_disk
import faulty_objects
import pytest
from faulty_disk import Crash, Disk
from faulty_objects import Service

from tasks.runtime.damage import damage
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.runtime.store import CacheSettings, open_store

SEED = int(os.environ.get("MILLRACE_FAULT_SEED", "20261125"))
SHARE = 12  # of what the normal run leaves to chance, one in so many
STOPS = (Failure, Mistake, OSError, Crash)  # how a run that met a fault may end, beside well
MEMORY = Path("/dev/shm")  # a disk without waiting: an fsync costs nothing there
number = itertools.count()


class Place:
    """A store that is made anew for each fault: its URL, and the local folders that it uses."""

    def __init__(self, folder: Path, objects: bool):
        self.folder, self.objects = folder / str(next(number)), objects
        self.url = f"memory://{self.folder.name}-{os.getpid()}" if objects else str(self.folder / "store")
        self.cache = CacheSettings(self.folder / "cache", 10**9)

    def run(self) -> Run:
        return toys.build(open_store(self.url, self.cache))

    def left(self) -> list[str]:
        """What should not be there after a run: scratch, leases, workspaces (empty folders count for nothing)."""
        hidden = (".scratch", ".lease", ".work", "millrace-")
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        left = [str(path) for path in files if any(part.startswith(hidden) for part in path.parts[2:])]
        if self.objects:
            from tasks.runtime.object_client import client

            left += [meta["path"] for chunk in client(self.url).list(".lease") for meta in chunk]
        return left


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="faults-", dir=MEMORY if MEMORY.is_dir() else None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(root))  # scratch of stores of objects
        yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, bytes]:
    """What a run without faults makes, in a folder."""
    place = Place(folder, False)
    return toys.whole(place.run().store)


def sound(place: Place, expected: dict[str, bytes], told: str) -> None:
    """A run without faults after those with: what this file is about."""
    run = place.run()
    assert toys.whole(run.store) == expected, told
    assert [sentence for found in damage(run.artifacts).values() for sentence in found.sentences] == [], told
    assert place.left() == [], told
    if place.objects:
        shutil.rmtree(place.cache.folder)  # nor is anything kept in the cache alone
        assert toys.whole(open_store(place.url, place.cache)) == expected, told
    shutil.rmtree(place.folder)


def survive_disk(place: Place, expected: dict[str, bytes], *faults: Disk) -> None:
    """Runs that meet these faults, one after another, then one that meets none."""
    for disk in faults:
        with faulty_disk.armed(disk):
            try:
                store = place.run().store
            except STOPS:
                continue
        assert toys.whole(store) == expected, f"{disk} was met, and the run went on"
    assert faults[0].happened
    sound(place, expected, f"after {faults}")


def survive_service(place: Place, expected: dict[str, bytes], *faults: Service) -> None:
    for service in faults:
        with faulty_objects.armed(service):
            try:
                store = place.run().store
            except (Failure, Mistake):  # never another error: what is said is a sentence
                continue
        assert toys.whole(store) == expected, f"{service} was met, and the run went on"
    assert faults[0].happened
    sound(place, expected, f"after {faults}")


def disk_operations(folder: Path, objects: bool) -> dict[str, int]:
    place = Place(folder, objects)
    with faulty_disk.armed(Disk((folder,))) as disk:
        place.run()
    shutil.rmtree(place.folder, ignore_errors=True)
    return disk.counts


WHOLE = [pytest.param(False, id="share"), pytest.param(True, id="whole", marks=pytest.mark.long)]


@pytest.mark.parametrize("operation", faulty_disk.OPERATIONS)
def test_every_operation_of_a_disk_fails(folder: Path, expected: dict[str, bytes], operation: str) -> None:
    count = disk_operations(folder, False)[operation]
    assert count > 5
    for at in range(count):
        survive_disk(Place(folder, False), expected, Disk((folder,), "EIO", operation, at))


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("fault", ["ENOSPC", "after", "torn", "crash", "half"])
def test_every_operation_of_a_disk_fails_in_every_way(
    folder: Path, expected: dict[str, bytes], fault: str, whole: bool
) -> None:
    counts = disk_operations(folder, False)
    cases = [(operation, at) for operation in faulty_disk.FAULTS[fault] for at in range(counts[operation])]
    for operation, at in cases if whole else random.Random(f"{SEED} {fault}").sample(cases, len(cases) // SHARE):
        survive_disk(Place(folder, False), expected, Disk((folder,), fault, operation, at))


@pytest.mark.parametrize("fault", faulty_objects.FAULTS)
def test_every_request_of_a_service_fails_in_every_way(folder: Path, expected: dict[str, bytes], fault: str) -> None:
    place = Place(folder, True)
    with faulty_objects.armed(Service()) as service:
        place.run()
    for request in faulty_objects.FAULTS[fault]:
        assert service.counts[request] > 0
        for at in range(service.counts[request]):
            survive_service(Place(folder, True), expected, Service(fault, request, at))


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("fault", faulty_disk.FAULTS)
def test_every_operation_of_the_disk_below_a_store_of_objects_fails(
    folder: Path, expected: dict[str, bytes], fault: str, whole: bool
) -> None:
    counts = disk_operations(folder, True)
    cases = [(operation, at) for operation in faulty_disk.FAULTS[fault] for at in range(counts[operation])]
    for operation, at in cases if whole else random.Random(f"{SEED} {fault}").sample(cases, len(cases) // SHARE):
        survive_disk(Place(folder, True), expected, Disk((folder,), fault, operation, at))


@pytest.mark.parametrize("rounds", [pytest.param(20, id="20"), pytest.param(300, id="300", marks=pytest.mark.long)])
def test_faults_upon_faults(folder: Path, expected: dict[str, bytes], rounds: int) -> None:
    """One to four runs that each meet a fault of any kind anywhere, one after another on one store."""
    draw = random.Random(SEED)
    total = sum(disk_operations(folder, False).values())
    with faulty_objects.armed(Service()) as counted:
        Place(folder, True).run()
    requests = sum(counted.counts.values())
    for _ in range(rounds):
        disks = [Disk((folder,), draw.choice(list(faulty_disk.FAULTS)), None, draw.randrange(total)) for _ in range(4)]
        survive_disk(Place(folder, False), expected, *disks[: draw.randint(1, 4)])
        services = [Service(draw.choice(list(faulty_objects.FAULTS)), None, draw.randrange(requests)) for _ in range(4)]
        survive_service(Place(folder, True), expected, *services[: draw.randint(1, 4)])
