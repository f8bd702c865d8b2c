"""Bits flipped in any file of a built pipeline: `damage` names it, whoever reads it refuses, and what is made anew of
what is named comes out with the same bytes."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import fault_toys as toys
import pytest
from faulty_disk import Crash, Disk, armed

from tasks.runtime.artifact import FILES, MANIFEST, Artifact
from tasks.runtime.damage import damage
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Silent
from tasks.runtime.repair import mend
from tasks.runtime.run import Run
from tasks.runtime.stage import Stage
from tasks.runtime.store import Damaged, Store, open_store

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="flips-", dir=MEMORY if MEMORY.is_dir() else None))
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def built(folder: Path) -> tuple[Run, dict[str, bytes]]:
    run = toys.build(str(folder / "store"))
    return run, toys.whole(run.store)


def positions(size: int, name: str, count: int) -> list[int]:
    """The ends, and some bytes between them."""
    draw = random.Random(f"20261125 {name}")
    ends = {0, 3, size // 2, size - 1, max(0, size - 5), max(0, size - 9)}  # magic, length of the footer, its end
    return sorted(place for place in ends | {draw.randrange(size) for _ in range(count)} if place < size)


def refuses(run: Run) -> bool:
    """Whether building what is not there is refused."""
    try:
        toys.build(run.store)
    except Damaged:
        return True
    return False


def remove(run: Run, artifact: Artifact) -> None:
    """What a repair does, by hand: remove what is named, then the listing and the manifest, and build again."""
    found = damage([artifact])[artifact.label]
    for name in [*found.wrong, MANIFEST, FILES]:
        run.store.delete(artifact.name_of(name))
    if found.whole:  # nothing says which of its files are right
        for entry in list(run.store.list(artifact.label)):
            run.store.delete(entry.name)


@pytest.mark.parametrize("flips", [pytest.param(4, id="some"), pytest.param(60, id="many", marks=pytest.mark.long)])
def test_a_flipped_bit_is_named_refused_and_mended(
    folder: Path, built: tuple[Run, dict[str, bytes]], flips: int
) -> None:
    _, expected = built
    assert len(expected) == 18
    for name, data in expected.items():
        for place in positions(len(data), name, flips):
            copy = folder / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder / "store", copy, ignore=shutil.ignore_patterns(".*"))
            try:
                flipped(copy, name, data, place, expected)
            finally:
                shutil.rmtree(copy)


def flipped(copy: Path, name: str, data: bytes, place: int, expected: dict[str, bytes]) -> None:
    told = f"bit {place % 8} of byte {place} of {name}"
    run = Run(open_store(str(copy)), None)
    artifacts = handles(run)
    path = copy / name
    path.write_bytes(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
    stage, file = name.split("/")[0], name.split("/")[2]
    [artifact] = [artifact for artifact in artifacts if artifact.stage == stage]

    # It is named, and so is whatever was made of it.
    sentences = {label: found.sentences for label, found in damage(artifacts).items()}
    own = sentences[artifact.label]
    assert len(own) >= 1 and name in " ".join(own), told
    after = artifacts[artifacts.index(artifact) + 1 :]
    for later in after:
        if artifact.label in later.recipe["inputs"].values():
            assert sentences[later.label], told
    assert not any(sentences[earlier.label] for earlier in artifacts[: artifacts.index(artifact)]), told

    # Built again, what reads it refuses, or reads another part of it: no wrong byte comes of it.
    for later in after:
        shutil.rmtree(later.folder)
    refused = refuses(run)
    found = toys.whole(run.store)
    assert all(found[other] == expected[other] for other in found if other != name), told
    if file in (MANIFEST, FILES) or (file.endswith(".parquet") and stage in ("texts", "kept")):
        assert refused or not after, told  # `summed` reads both whole

    # What is named is removed and made anew, to the same bytes.
    remove(run, artifact)
    again = toys.build(run.store)
    assert toys.whole(again.store) == expected, told
    assert not any(found.sentences for found in damage(again.artifacts).values()), told


def handles(run: Run) -> list[Artifact]:
    """The pipeline's artifacts; nothing is built."""
    documents = run(toys.texts, "toy", shards=toys.SHARDS)
    measure = run(toys.doubled, "toy", documents=documents)
    decision = run(toys.kept, "toy", documents=documents, measure=measure)
    run(toys.summed, "toy", documents=documents, decision=decision)
    return run.artifacts


def test_files_that_are_lost_emptied_cut_or_lengthened_are_named(
    folder: Path, built: tuple[Run, dict[str, bytes]]
) -> None:
    _, expected = built
    for name, data in expected.items():
        for change in (None, b"", data[:-1], data + b"\0"):
            copy = folder / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder / "store", copy, ignore=shutil.ignore_patterns(".*"))
            path = copy / name
            if change is None:
                path.unlink()
            else:
                path.write_bytes(change)
            artifacts = [artifact for artifact in handles(Run(open_store(str(copy)), None)) if artifact.built]
            found = " ".join(sentence for damaged in damage(artifacts).values() for sentence in damaged.sentences)
            if change is None and name.endswith(MANIFEST):
                assert len(artifacts) == 3  # it is not built: `status` says so
            else:
                assert name in found, f"{name}: {change!r:.20}"
            shutil.rmtree(copy)


def repair(store: Store) -> None:
    """`millrace repair`, without a command line."""

    def make(artifact: Artifact, what: Stage, arguments: dict[str, Any], *_: object) -> Artifact:
        mend(artifact, what, arguments, engine, Silent())
        return artifact

    engine = LocalEngine(1)
    handles(Run(store, engine, make=make))


@pytest.mark.parametrize(
    "file",
    [
        "texts 00000.rejects.txt",
        "kept 00000.parquet",
        pytest.param("texts 00001.parquet", marks=pytest.mark.long),
        pytest.param("summed sum.txt", marks=pytest.mark.long),
    ],
)
def test_a_repair_that_is_killed_anywhere_leaves_nothing_wrong_that_is_believed(
    folder: Path, built: tuple[Run, dict[str, bytes]], file: str
) -> None:
    _, expected = built
    stage, _, file = file.partition(" ")
    [name] = [name for name in expected if name.startswith(stage) and name.endswith(f"/{file}")]
    at, crashed = 0, True
    while crashed:
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder / "store", copy, ignore=shutil.ignore_patterns(".*"))
        data = expected[name]
        (copy / name).write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:] if len(data) > 20 else data[::-1])
        with armed(Disk((folder,), "crash", None, at)) as disk, suppress(Crash):
            repair(open_store(str(copy)))
        crashed, at = disk.happened, at + 1
        try:
            run = toys.build(str(copy))  # whoever runs before repairing again
        except Damaged:
            pass
        else:
            wrong = [other for other, data in toys.whole(run.store).items() if data != expected.get(other)]
            told = " ".join(text for found in damage(run.artifacts).values() for text in found.sentences)
            assert all(other in told for other in wrong), (at, wrong)
        repair(open_store(str(copy)))
        assert toys.whole(toys.build(str(copy)).store) == expected
        shutil.rmtree(copy)
    assert at > 20
