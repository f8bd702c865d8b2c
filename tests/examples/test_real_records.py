"""Real labelled files: GLUE's RTE as it is, and Reddit's tables against another reader of CSV."""

import gzip
import io
import itertools
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from corpora import REAL, counts
from examples_made import labelled_made, tokenizer_made

from conf.examples import Examples
from tasks.examples.examples import examples
from tasks.examples.records import Asked, Found, records
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.sources.input.hashed import as_listed
from tasks.sources.parts import Part

RTE = {
    "files": "RTE-resplit-dev.tsv",
    "form": "entail",
    "premise": "sentence1",
    "hypothesis": "sentence2",
    "classes": ["entailment", "not_entailment"],
}


@pytest.mark.real
def test_rte(run: Run) -> None:
    folder = REAL / "benchmarks" / "rte"
    made = labelled_made(run, "rte", folder, RTE)
    lines = (folder / str(RTE["files"])).read_text().split("\n")
    expected = [line.split("\t") for line in lines[1:] if line]
    rows = [row for shard in made.shards() for row in read(shard, ["line", "meta"]).to_pylist()]
    found = [json.loads(row["meta"]) for row in rows]
    assert [[one[key] for key in ("index", "sentence1", "sentence2", "label")] for one in found] == expected
    assert [row["line"] for row in rows] == list(range(2, len(expected) + 2))
    assert not counts(made)["rejects"] and sum(counts(made)["labels"].values()) == len(expected) > 100
    how = Examples.model_validate(RTE)
    reading = {"form": how.form, "fields": how.fields(), "classes": how.classes}
    drawing = {"context": 256, "validation": 0.1, "seed": 1}
    shown = run(examples, "rte", records=made, decision=None, tokenizer=tokenizer_made(run), **reading, **drawing)
    told = counts(shown)
    assert told["train"]["examples"] + told["validation"]["examples"] == len(expected) and not told["rejects"]


@pytest.mark.real
@pytest.mark.parametrize("name", ["NewsCrowd", "Python", "france"])
def test_reddits_tables_as_arrow_reads_them(tmp_path: Path, name: str) -> None:
    content = gzip.decompress((REAL / "reddit" / f"{name}.csv.gz").read_bytes()).replace(b"\r\n", b"\n")
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    part = Part("a.csv", len(content))
    with as_listed(part, path, "csv") as listed:
        found = list(records(listed.source, path, part, Asked([], [])))
    assert all(isinstance(one, Found) for one in found)
    parsed = pa_csv.read_csv(
        io.BytesIO(content),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(_names(content), pa.string()), strings_can_be_null=False
        ),
    ).to_pylist()
    assert [one.value for one in found if isinstance(one, Found)] == parsed
    assert len(found) > 500 and any(later.line > one.line + 1 for one, later in itertools.pairwise(found))


def _names(content: bytes) -> list[str]:
    return content.partition(b"\n")[0].decode().strip().split(",")
