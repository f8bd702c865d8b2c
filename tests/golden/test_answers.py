"""Answers that do not change unless they are meant to: of a small pipeline, and of the runtime's format.

A change that is meant: `python tests/golden/pipeline.py` (and say in the commit why), or FORMAT raised and
`python tests/golden/test_answers.py` run.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HERE = Path(__file__).parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))

import pipeline  # noqa: E402

from tasks.runtime.artifact import Artifact  # noqa: E402
from tasks.runtime.engine import LocalEngine  # noqa: E402
from tasks.runtime.job import Job  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402
from tasks.runtime.shards import FOOTER, FORMAT, Output  # noqa: E402
from tasks.runtime.stage import stage  # noqa: E402
from tasks.runtime.statistics import statistics  # noqa: E402

# What a stage's answers rest on, beside our code: where a library differs, so may they.
LIBRARIES = {
    "ingest": ("ftfy", "resiliparse"),
    "classifier": ("scikit-learn", "numpy"),
    "tokenizer": ("tokenizers",),
}
ALL = ("ftfy", "resiliparse", "scikit-learn", "numpy", "tokenizers")


def test_the_answers_are_those_that_they_were(tmp_path: Path) -> None:
    known = json.loads(pipeline.ANSWERS.read_bytes())
    answers = pipeline.build(tmp_path)
    wrong = [name for name in known["answers"] if answers.get(name) != known["answers"][name]]
    if not wrong and answers.keys() == known["answers"].keys():
        return
    now = pipeline.versions()
    others = [
        f"{name} {now[name]} for {version}" for name, version in known["versions"].items() if now[name] != version
    ]
    if platform.machine() != known["machine"]:
        others.append(f"{platform.machine()} for {known['machine']}")
    if others:  # the first stage that differs says whether its own libraries explain it
        first = wrong[0].partition("/")[0] if wrong else ""
        if any(other.split()[0] in LIBRARIES.get(first, ALL) for other in others):
            pytest.skip(f"the answers were made with other libraries: {', '.join(others)}")
    assert wrong == [] and sorted(answers) == sorted(known["answers"])


def test_two_runs_at_once_on_one_store_make_the_same_answers(tmp_path: Path) -> None:
    """A reading that measures share writes shards whose leases it does not hold, while the other run may make them."""
    for name in ("alone", "both"):
        (tmp_path / name).mkdir()
    path = pipeline.write(tmp_path / "both")
    # They leave by _exit: once in some hundred starts a library's threads aborted the interpreter on its way out
    # ("terminate called without an active exception"), after all was written. What is asked here is the store.
    code = (
        "import os, sys; sys.path[:0] = sys.argv[1:3]; import pipeline; pipeline.built(pipeline.Path(sys.argv[3]));"
        "os._exit(0)"
    )
    command = [sys.executable, "-c", code, str(HERE), str(HERE.parents[1]), str(path)]
    runs = [subprocess.Popen(command) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert pipeline.contents(tmp_path / "both" / "store") == pipeline.build(tmp_path / "alone")


@statistics
class Counted:
    rows: int = 0
    share: float = 0.0
    bins: tuple[int, ...] = (0, 0)


@stage("golden", kind="measure", version="1")
def golden(job: Job, *, shards: int) -> Counted:
    with job.publish("notes.txt") as file:
        file.write(b"a note\n")
    return job.total(golden_shard, [(f"{n:05}", n) for n in range(shards)])


def golden_shard(out: Output, number: int) -> Counted:
    with out.open("more.parquet") as file:
        pq.write_table(pa.table({"more": [number]}), file)
    for rows in (3, 2):
        values = pa.array([number] * rows, pa.int64())
        out.write(pa.table({"id": pa.array(["a", "b", "c"][:rows]), "value": values}))
    return Counted(5, 0.25, (number, 1))


def described(store: Path) -> dict:
    """The layout of an artifact, apart from what pyarrow's version writes of itself."""
    artifact: Artifact = Run(store, LocalEngine(1))(golden, "toy", shards=2)
    path = artifact.folder / "00001.parquet"
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    manifest = json.loads((artifact.folder / "manifest.json").read_bytes())
    return {
        "format": FORMAT,
        "schema": [f"{field.name} {field.type}" for field in pq.read_schema(path)],
        "groups": [group.num_rows for group in groups],
        "compression": sorted({group.column(n).compression for group in groups for n in range(group.num_columns)}),
        "footer": json.loads(metadata.metadata[FOOTER]),
        "files": sorted(path.name for path in artifact.folder.iterdir()),
        "listing": [f"{field.name} {field.type}" for field in pq.read_schema(artifact.folder / "files.parquet")],
        "listed": [
            [name, file.rows, [column for column, _ in file.columns]] for name, file in artifact.files().items()
        ],
        "manifest": sorted(manifest),
        "statistics": manifest["statistics"],
    }


def test_the_format_is_that_of_its_number(tmp_path: Path) -> None:
    path = HERE / f"format-{FORMAT}.json"
    assert path.is_file(), f"FORMAT is {FORMAT}: python tests/golden/test_answers.py describes it"
    assert described(tmp_path) == json.loads(path.read_bytes()), (
        "what the runtime writes has changed: raise FORMAT in tasks/runtime/shards.py, or something old is taken for it"
    )


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (HERE / f"format-{FORMAT}.json").write_text(json.dumps(described(Path(folder)), indent=1) + "\n")
