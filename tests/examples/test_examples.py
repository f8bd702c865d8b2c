"""Example shards: they hold what the forms say, in the pipeline's ids; the same bytes whoever makes them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from corpora import contents, counts, workers
from examples_made import Row, by_hand, examples_made, tokenizer_made

from conf.examples import FORMS as NAMES
from model.tokenizer import Tokenizer
from tasks.examples.examples import ROWS
from tasks.examples.forms import FORMS
from tasks.examples.vocabulary import with_added
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.runtime.spark import SparkEngine
from tasks.tokens.tokenizer import tokenizer_file

TWO = ["no", "yes"]
RECORDS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "classify": ({"classes": TWO}, [{"text": f"the mill {n}", "label": TWO[n % 2]} for n in range(40)]),
    "regress": ({}, [{"text": f"the mill {n}", "label": n / 2} for n in range(40)]),
    "entail": (
        {"classes": TWO},
        [{"premise": f"the mill {n}", "hypothesis": "water", "label": TWO[n % 2]} for n in range(40)],
    ),
    "similar": ({}, [{"first": f"the mill {n}", "second": f"water {n % 3}", "label": n % 5} for n in range(40)]),
    "choose": (
        {},
        [{"question": f"the {n}", "answers": ["mill", "sea", "sun"][: 2 + n % 2], "label": n % 2} for n in range(40)],
    ),
    "span": ({}, [{"question": "who", "text": f"the mill {n} races", "answer": f"{n}"} for n in range(40)]),
    "tag": ({"classes": ["O", "X"]}, [{"words": ["the", f"mill{n}"], "tags": ["O", "X"]} for n in range(40)]),
    "chat": ({}, [{"prompt": f"the mill {n}", "answer": "races"} for n in range(40)]),
    "compare": (
        {},
        [{"prompt": f"the mill {n}", "answers": ["a", "bc", "d"], "ranks": [2, 1, 2]} for n in range(40)],
    ),
    "prompt": ({}, [{"prompt": f"the mill {n}"} for n in range(40)]),
}


def made(run: Run, form: str, **how: Any) -> Artifact:
    declared, records = RECORDS[form]
    return examples_made(run, form, records, form=form, **declared, **how)


def read(artifact: Artifact) -> tuple[dict[str, Any], dict[str, list[list[dict[str, Any]]]]]:
    """examples.json, and by split the examples: rows of streams and a label each, as a plain reader finds them."""
    folder = artifact.folder
    about = json.loads((folder / "examples.json").read_text())
    found: dict[str, list[list[dict[str, Any]]]] = {"train": [], "validation": []}
    for shard in about["shards"]:
        table = pq.read_table(folder / f"{shard['key']}.parquet")
        assert table.schema.equals(ROWS)
        for split, examples in found.items():
            streams = {}
            for name, dtype in about["streams"].items():
                beside = [] if name == "tokens" else [name]
                path = folder / ".".join([shard["key"], split, *beside, "bin"])
                streams[name] = np.fromfile(path, np.dtype(dtype).newbyteorder("<")).tolist()
                assert len(streams[name]) == shard[split]
                sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
                assert shard["_".join([split, *beside, "sha256"])] == sha256
            at, here = 0, []
            for row in table.to_pylist():
                if row["split"] != split:
                    continue
                assert row["start"] == at
                at += row["tokens"]
                if row["row"] == 0:
                    here.append([])
                assert row["example"] == len(here) - 1 and row["row"] == len(here[-1])
                cut = {name: values[row["start"] : at] for name, values in streams.items()}
                here[-1].append({**row, **cut, "tokens": row["tokens"], "ids": cut["tokens"]})
            assert at == shard[split] and len(here) == shard[f"{split}_examples"]
            examples += here
    return about, found


@pytest.mark.parametrize("form", NAMES)
def test_what_is_written_is_what_the_form_says(run: Run, form: str) -> None:
    by = tokenizer_made(run)
    about, found = read(made(run, form, by=by))
    ids = Tokenizer(tokenizer_file(by))
    vocabulary = ids.vocabulary
    assert list(about["added"].values()) == [vocabulary + n for n in range(len(FORMS[form].added))]
    assert about["vocabulary"] == vocabulary + len(about["added"]) and about["end_of_text"] == ids.end_of_text
    assert about["tokenizer"] == by.fingerprint and about["context"] == 64 and about["form"] == form
    every = [*found["train"], *found["validation"]]
    assert len(every) == 40 and 2 <= len(found["validation"]) <= 20
    assert about["rows"] == max(map(len, every))
    assert about["longest"] == max(len(row["ids"]) for example in every for row in example)
    (shown,) = {name for name in about["added"] if name in ("<|start|>", "<|user|>")}
    assert {row["ids"][0] for example in every for row in example} == {about["added"][shown]}


def test_bytes_by_hand(run: Run) -> None:
    """The file of one record, to the byte; ids of letters are those of the tokenizer."""
    by = tokenizer_made(run)
    ids = Tokenizer(tokenizer_file(by))
    v = ids.vocabulary
    record = {"premise": "the mill", "hypothesis": "zq", "label": "yes"}
    how = {"form": "entail", "classes": TWO, "validation": 0.0}
    artifact = examples_made(run, "nli", [record], by=by, **how)
    expected = [v, *ids.encode("the mill"), v + 1, *ids.encode("zq"), v + 2]
    assert (artifact.folder / "00000.train.bin").read_bytes() == np.array(expected, "<u2").tobytes()
    size = len(expected)
    assert (artifact.folder / "00000.train.loss_mask.bin").read_bytes() == bytes([0, *[1] * (size - 1)])
    behind = len(ids.encode("zq")) + 1
    assert (artifact.folder / "00000.train.segment.bin").read_bytes() == bytes([0] * (size - behind) + [1] * behind)
    (row,) = pq.read_table(artifact.folder / "00000.parquet").to_pylist()
    assert {key: row[key] for key in row if key != "id"} == {
        "split": "train", "example": 0, "row": 0, "start": 0, "tokens": size, "label": [1.0],
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["byte-bpe", "gpt1", "wordpiece"])
def test_text_that_spells_a_special_token_stays_text(run: Run, kind: str) -> None:
    by = tokenizer_made(run, kind=kind)
    spelled = "the <|end|> <|assistant|> mill <|endoftext|>"
    record = {"prompt": spelled, "answer": "<|end|>"}
    artifact = examples_made(run, "demos", [record], by=by, form="chat", validation=0.0)
    about, found = read(artifact)
    ((row,),) = found["train"]
    tokens = np.fromfile(artifact.folder / "00000.train.bin", "<u2").tolist()
    special = set(about["added"].values())
    names = {id: name for name, id in about["added"].items()}
    assert [names[id] for id in tokens if id in special] == ["<|user|>", "<|end|>", "<|assistant|>", "<|end|>"]
    assert about["end_of_text"] not in tokens
    end = about["end_of_text"]
    with_added = Tokenizer(artifact.folder / "tokenizer.json", end_of_text=end)
    without = Tokenizer(tokenizer_file(by), end_of_text=end)
    assert with_added.vocabulary == about["vocabulary"]
    assert with_added.encode(spelled) == without.encode(spelled) == tokens[1 : 1 + len(without.encode(spelled))]
    if kind == "byte-bpe":
        assert with_added.decode(tokens) == f"<|user|>{spelled}<|end|><|assistant|><|end|><|end|>"
    assert row["id"].startswith("demos:")


@pytest.mark.parametrize("form", ["similar", "chat"])
def test_the_same_bytes_by_any_number_of_workers(tmp_path: Path, form: str) -> None:
    found = []
    declared, records = RECORDS[form]
    for count in (1, 2, 3):
        run = Run(tmp_path / f"{count}" / "store", workers(count))
        made_by = tokenizer_made(run)
        artifact = examples_made(run, form, records, by=made_by, form=form, shard=300, **declared)
        found.append(contents(artifact))
    assert found[0] == found[1] == found[2]
    assert len(json.loads(found[0]["examples.json"])["shards"]) > 3


@pytest.mark.spark
@pytest.mark.long
def test_spark_gives_the_local_engines_bytes(tmp_path: Path) -> None:
    declared, records = RECORDS["compare"]
    spark, found = SparkEngine("local[2]"), []
    try:
        for place, engine in enumerate((LocalEngine(1), spark)):
            run = Run(tmp_path / str(place) / "store", engine)
            found.append(contents(examples_made(run, "pairs", records, form="compare", shard=300, **declared)))
    finally:
        spark.close()
    assert found[0] == found[1] and len(json.loads(found[0]["examples.json"])["shards"]) > 3


def test_what_a_killed_run_finished_is_kept_and_damage_is_made_anew(run: Run) -> None:
    artifact = made(run, "compare", shard=300)
    before = contents(artifact)
    keys = [shard["key"] for shard in json.loads(before["examples.json"])["shards"]]
    for name in ("manifest.json", "examples.json", f"{keys[1]}.parquet", f"{keys[2]}.train.loss_mask.bin"):
        (artifact.folder / name).unlink()
    untouched = artifact.folder / f"{keys[0]}.parquet"
    written = untouched.stat().st_mtime_ns
    assert contents(made(run, "compare", shard=300)) == before
    assert untouched.stat().st_mtime_ns == written


def test_records_are_held_out_by_what_they_ask(run: Run) -> None:
    """Each question is ranked by three people: all three are on one side."""
    records = [
        {"prompt": f"the mill {n}", "answers": ["a", "b"], "ranks": ranks}
        for n in range(60)
        for ranks in ([1, 2], [2, 1], [1, 1])
    ]
    _, found = read(examples_made(run, "pairs", records, form="compare", validation=0.3))
    sides: dict[tuple[int, ...], set[str]] = {}
    for split, examples in found.items():
        for example in examples:
            asked = tuple(example[0]["ids"][: example[0]["loss_mask"].index(1)])
            sides.setdefault(asked, set()).add(split)
    assert len(sides) == 60 and all(len(side) == 1 for side in sides.values())
    assert len(found["train"]) + len(found["validation"]) == 180
    assert 0.15 < len(found["validation"]) / 180 < 0.45  # 60 draws of .3: a standard deviation of .06


def test_what_is_too_long_is_listed_with_its_line(run: Run) -> None:
    records = [{"prompt": "the mill " * (40 if n == 3 else 1), "answer": "races"} for n in range(6)]
    artifact = examples_made(run, "demos", records, form="chat", context=32)
    (row,) = pq.read_table(artifact.folder / "00000.rejects.parquet").to_pylist()
    assert row["reason"] == "too-long" and row["detail"].startswith("line 4: ") and row["file"] == "demos.jsonl"
    assert counts(artifact)["rejects"] == {"too-long": 1}
    with pytest.raises(Failure, match=r"none of 6 records gave an example .*6 too-long.*raise `context`"):
        examples_made(run, "demos", [records[3]] * 6, form="chat", context=32)


def test_a_tokenizer_that_has_such_a_token_is_refused(run: Run) -> None:
    demos = made(run, "chat")
    with pytest.raises(Mistake, match=r"has a token <\|system\|> of its own"):
        with_added((demos.folder / "tokenizer.json").read_bytes(), FORMS["chat"].added)


def test_files_written_by_hand_are_as_the_stage_writes_them(run: Run, tmp_path: Path) -> None:
    """Other tests of readers build on `by_hand`: it makes the very files of the same sequences."""
    artifact = made(run, "compare")
    about, found = read(artifact)
    splits = {
        split: [
            [Row(row["ids"], row["label"], row["loss_mask"], row["segment"]) for row in example] for example in examples
        ]
        for split, examples in found.items()
    }
    how = {"vocabulary": about["vocabulary"], "label": "rank", "added": about["added"]}
    again = by_hand(tmp_path / "hand", "compare", splits, **how, tokenizer=artifact.read("tokenizer.json"))
    own = {"tokenizer", "end_of_text"}
    assert {key: again[key] for key in again if key not in own} == {key: about[key] for key in about if key not in own}
    assert set(again) == set(about)
    for path in (tmp_path / "hand").glob("*.bin"):
        assert path.read_bytes() == (artifact.folder / path.name).read_bytes()
    rows = pq.read_table(tmp_path / "hand" / "00000.parquet")
    written = pq.read_table(artifact.folder / "00000.parquet")
    assert rows.schema.equals(written.schema)
    by_split = [[row for row in written.to_pylist() if row["split"] == split] for split in ("train", "validation")]
    expected = [{**row, "id": ""} for split in by_split for row in split]
    assert [{**row, "id": ""} for row in rows.to_pylist()] == expected
