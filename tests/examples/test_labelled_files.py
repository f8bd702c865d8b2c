"""Labelled files to records: every format gives the same ones, and each bad record is listed with its file and line."""

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import counts
from examples_made import labelled_made, write_jsonl

from tasks.examples.fields import REASONS as OF_FIELDS
from tasks.examples.labelled import REASONS
from tasks.examples.names import format_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.sources.rejects import rejects_of

CLASSIFY = {"form": "classify", "classes": ["bad", "good"]}
ROWS = [{"text": f'mill {n}, "so" it 漢', "label": ["bad", "good"][n % 2], "more": n} for n in range(5)]


def rows_of(artifact: Artifact) -> list[dict[str, Any]]:
    return [row for shard in artifact.shards() for row in read(shard).to_pylist()]


def listed(artifact: Artifact) -> list[tuple[str, str, str]]:
    """File, reason and detail of each reject."""
    tables = [rejects_of(artifact, shard).to_pylist() for shard in artifact.shards()]
    return [(row["file"], row["reason"], row["detail"]) for table in tables for row in table]


def read_in(run: Run, folder: Path, files: str = "a.jsonl", share: float = 1.0, **declared: Any) -> Artifact:
    return labelled_made(run, "set", folder, {"files": files, "reject_share": share, **declared})


# ---- formats


def test_a_record_is_the_same_in_every_format(run: Run, tmp_path: Path) -> None:
    text = {
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
        "a.json": json.dumps(ROWS, indent=1),
        "a.csv": "text,label,more\n" + "".join(
            '"{}",{},{}\n'.format(row["text"].replace('"', '""'), row["label"], row["more"]) for row in ROWS
        ),
        "a.tsv": "more\ttext\tlabel\n" + "".join(f"{row['more']}\t{row['text']}\t{row['label']}\n" for row in ROWS),
    }  # fmt: skip
    for name, content in text.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text["a.jsonl"].encode()))
    (tmp_path / "a.tsv.bz2").write_bytes(bz2.compress(b"\xef\xbb\xbf" + text["a.tsv"].replace("\n", "\r\n").encode()))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    found = {}
    for file in (*text, "a.jsonl.gz", "a.tsv.bz2", "a.parquet"):
        rows = rows_of(read_in(run, tmp_path, file, 0.0, **CLASSIFY))
        found[file] = [(row["text"], row["asked"], row["split"]) for row in rows]
        assert [json.loads(row["meta"])["label"] for row in rows] == [row["label"] for row in ROWS]
        assert len({row["id"] for row in rows}) == 5 and all(row["id"].startswith("set:") for row in rows)
        first = {"csv": 2, "tsv": 2, "parquet": 0}.get(format_of(file), 1)
        assert [row["line"] for row in rows] == list(range(first, first + 5))
    assert all(rows == found["a.jsonl"] for rows in found.values())
    assert found["a.jsonl"][0][0] == 'mill 0, "so" it 漢'


def test_cells_of_csv_may_hold_line_breaks_and_of_tsv_stray_quotes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text,label\n"one\ntwo",good\nthree,bad\n')
    rows = rows_of(read_in(run, tmp_path, "a.csv", 0.0, **CLASSIFY))
    assert [(json.loads(row["meta"])["text"], row["line"]) for row in rows] == [("one\ntwo", 2), ("three", 4)]
    (tmp_path / "a.tsv").write_text('text\tlabel\n"one\tgood\ntwo "\tbad\n"say ""so"""\tgood\n"all"\tbad\n')
    rows = rows_of(read_in(run, tmp_path, "a.tsv", 0.0, **CLASSIFY))
    assert [json.loads(row["meta"])["text"] for row in rows] == ['"one', 'two "', 'say "so"', '"all"']


@pytest.mark.parametrize("file", ["a.txt", "a.jsonl.txt", "a"])
def test_a_file_of_another_format_is_refused(run: Run, tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text("x")
    with pytest.raises(Mistake, match=r"labelled text is read of files that end in \.tsv, \.csv"):
        read_in(run, tmp_path, file, **CLASSIFY)


@pytest.mark.parametrize("file", ["a.csv", "a.parquet"])
def test_a_table_without_a_field_that_is_named_is_refused(run: Run, tmp_path: Path, file: str) -> None:
    (tmp_path / "a.csv").write_text("text,lable\nx,good\n")
    pq.write_table(pa.table({"text": ["x"], "lable": ["good"]}), tmp_path / "a.parquet")
    with pytest.raises(Mistake, match=r"has no column 'label'; it has 'text', 'lable'; did you mean lable\?"):
        read_in(run, tmp_path, file, **CLASSIFY)


def test_a_large_file_is_read_in_parts_whose_lines_are_the_files(run: Run, tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "a.jsonl", [{"text": f"mill {n}", "label": "good" if n != 77 else "god"} for n in range(100)]
    )
    made = read_in(run, tmp_path, shard=500, **CLASSIFY)
    assert len(made.shards()) > 5
    assert [row["line"] for row in rows_of(made)] == [n for n in range(1, 101) if n != 78]
    ((file, reason, detail),) = listed(made)
    assert (file, reason) == ("a.jsonl", "label")
    assert detail == "line 78: 'label' is 'god', none of the classes bad, good; did you mean good?"


# ---- records that do not fit

CHAT: dict[str, Any] = {"form": "chat"}
COMPARE: dict[str, Any] = {"form": "compare"}
CHOOSE: dict[str, Any] = {"form": "choose"}
PROMPT: dict[str, Any] = {"form": "prompt"}
SPAN: dict[str, Any] = {"form": "span"}
TAG = {"form": "tag", "classes": ["O", "X"]}
USER = {"role": "user", "content": "mill"}
BAD: list[tuple[dict[str, Any], str, str, str]] = [
    (CLASSIFY, '{"text": "a", "label": "meh"}', "label", "none of the classes bad, good"),
    (CLASSIFY, '{"text": "a"}', "label", "'label' is missing"),
    (CLASSIFY, '{"text": "a", "label": 2}', "label", "'label' is 2, none of the classes"),
    (CLASSIFY, '{"txt": "a", "label": "good"}', "no-text", "no field 'text'; did you mean txt?; the record has label"),
    (CLASSIFY, '{"text": " ", "label": "good"}', "no-text", "is empty"),
    (CLASSIFY, '{"text": ["a"], "label": "good"}', "no-text", "is a list, not a string"),
    (CLASSIFY, '["a"]', "json", "not an object"),
    ({"form": "regress"}, '{"text": "a", "label": "much"}', "label", "no number"),
    ({"form": "regress"}, '{"text": "a", "label": NaN}', "label", "no number"),
    (CHOOSE, '{"question": "a", "answers": ["b", "c"], "label": 2}', "label", "names none of 2 answers"),
    (CHOOSE, '{"question": "a", "answers": ["b"], "label": 0}', "answers", "no two texts or more"),
    (CHOOSE, '{"question": "a", "answers": ["b", " "], "label": 0}', "answers", "an answer is empty"),
    (CHOOSE, '{"answers": ["b", "c"], "label": 0}', "no-text", "neither 'document' nor 'question'"),
    (SPAN, '{"question": "a", "text": "b c", "answer": "d"}', "span", "does not stand in the text"),
    (SPAN, '{"question": "a", "text": "b c", "answer": "c", "start": 1}', "span", "does not stand in the text at 1"),
    (TAG, '{"words": ["a", "b"], "tags": ["O"]}', "tags", "2 words in 'words', 1 tags in 'tags'"),
    (TAG, '{"words": ["a"], "tags": ["Y"]}', "tags", "none of the classes O, X"),
    (CHAT, '{"prompt": "a"}', "no-answer", "ends without what the assistant answers"),
    (CHAT, '{"prompt": "a", "answer": ""}', "no-answer", "ends without"),
    (CHAT, '{"prompt": "a", "answer": "  "}', "no-answer", "ends without"),
    (CHAT, json.dumps({"messages": [USER]}), "no-answer", "ends without"),
    (CHAT, json.dumps({"messages": [USER, {"role": "asistant", "content": "b"}]}), "role", "did you mean assistant?"),
    (CHAT, json.dumps({"messages": [USER, {"role": "system", "content": "b"}], "answer": "c"}), "role", "behind"),
    (CHAT, json.dumps({"messages": ["a"]}), "role", "a message is a string"),
    (CHAT, json.dumps({"messages": [{"role": "user"}], "answer": "b"}), "no-text", "no field 'content'"),
    (CHAT, '{"answer": "b"}', "no-text", "neither 'messages' nor 'prompt'"),
    (COMPARE, '{"prompt": "a", "answers": ["b", "c"], "ranks": [1]}', "ranks", "no rank from 1 to 2 an answer"),
    (COMPARE, '{"prompt": "a", "answers": ["b", "c"], "ranks": [1, 3]}', "ranks", "is [1, 3]"),
    (COMPARE, '{"prompt": "a", "answers": ["b", "c"], "ranks": [0, 1]}', "ranks", "is [0, 1]"),
    (COMPARE, '{"prompt": "a", "answers": ["b", "c"], "ranks": [1, 1.5]}', "ranks", "is [1, 1.5]"),
    (COMPARE, '{"prompt": "a", "answers": ["b", "c"], "ranks": [1, true]}', "ranks", "is [1, True]"),
    (COMPARE, '{"prompt": "a", "answers": ["b", "c"]}', "ranks", "is missing"),
    (COMPARE, '{"prompt": "a", "answers": ["b"], "ranks": [1]}', "answers", "no two texts"),
    (PROMPT, json.dumps({"messages": [USER, {"role": "assistant", "content": "b"}]}), "role", "not the user's"),
]  # fmt: skip
FITS = {
    "classify": '{"text": "a", "label": 1}',
    "regress": '{"text": "a", "label": "-1e3"}',
    "choose": '{"question": "a", "answers": ["b", "c"], "label": 1}',
    "span": '{"question": "a", "text": "b c", "answer": "c"}',
    "tag": '{"words": ["a"], "tags": [1]}',
    "chat": '{"prompt": "a", "answer": "b"}',
    "compare": '{"prompt": "a", "answers": ["b", "c"], "ranks": [1, 1], "labeler": "x"}',
    "prompt": '{"prompt": "a"}',
}


@pytest.mark.parametrize(("declared", "line", "reason", "detail"), BAD)
def test_what_does_not_fit_is_listed(
    run: Run, tmp_path: Path, declared: dict[str, Any], line: str, reason: str, detail: str
) -> None:
    fits = FITS[declared["form"]]
    (tmp_path / "a.jsonl").write_text(f"{fits}\n\n{line}\n{fits}\n")
    made = read_in(run, tmp_path, **declared)
    ((file, found, told),) = listed(made)
    assert (file, found) == ("a.jsonl", reason) and told.startswith("line 3: ") and detail in told
    assert counts(made)["rejects"] == {reason: 1} and counts(made)["documents"] == 2
    assert reason in REASONS
    assert counts(made)["worst_files"] == [{"file": "a.jsonl", "rejected": 1, "records": 3}]


def test_every_reason_of_the_forms_is_met() -> None:
    assert set(OF_FIELDS) == {reason for _, _, reason, _ in BAD} - {"json"}


@pytest.mark.parametrize(
    ("file", "content", "reason", "detail"),
    [
        ("a.jsonl", b'{"text": "a", "label": "good"}\n{"text": "b", "lab', "truncated", "line 2: the file ends in mid"),
        ("a.csv", b'text,label\na,good\n"b', "truncated", "line 3: the file ends in mid-line"),
        ("a.tsv", b"text\tlabel\na\tgood\nb", "truncated", "line 3: the file ends in mid-line: 1 cells"),
        ("a.json", b'[{"text": "a", "label": "good"},\n{"text": "b", "lab', "truncated", "the file ends inside"),
        ("a.jsonl", b'{"text": "a", "label": "good"}\n{"text": "\xff", "label": "good"}\n', "charset", "line 2: "),
        ("a.tsv", b"text\tlabel\na\tgood\n\xff\tgood\n", "charset", "line 3: the cell 'text' is not UTF-8"),
        ("a.csv", b"text,label\na,good\nb,good,more\n", "cells", "line 3: 3 cells, and the first line names 2"),
        ("a.csv", b'text,label\na,good\n"b"c,good\n', "cells", "line 3: "),
        ("a.csv", b'text,label\na,good\n"b\nc,good\nd,good\n', "cells", "line 3 to 5: "),
        ("a.jsonl", b'{"text": "a", "label": "good"}\n{"text": "b"} {}\n', "json", "line 2: "),
        ("a.jsonl", b"", "empty-file", "the file has 0 bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_listed(
    run: Run, tmp_path: Path, file: str, content: bytes, reason: str, detail: str
) -> None:
    (tmp_path / file).write_bytes(content)
    write_jsonl(tmp_path / "b.jsonl", [{"text": "c", "label": "bad"}])
    made = read_in(run, tmp_path, [file, "b.jsonl"], **CLASSIFY)  # type: ignore[arg-type]
    ((where, found, told),) = listed(made)
    assert (where, found) == (file, reason) and told.startswith(detail)
    texts = [row["text"] for row in rows_of(made)]
    assert texts == (["c"] if reason == "empty-file" else ["a", "c"])


def test_a_broken_gzip_member_costs_the_rest_of_its_file(run: Run, tmp_path: Path) -> None:
    whole = gzip.compress(
        "".join(json.dumps({"text": f"mill {n}", "label": "good"}) + "\n" for n in range(3000)).encode()
    )
    (tmp_path / "a.jsonl.gz").write_bytes(whole[:-2000])
    made = read_in(run, tmp_path, "a.jsonl.gz", **CLASSIFY)
    assert [reason for _, reason, _ in listed(made)] == ["truncated"]
    assert 0 < counts(made)["documents"] < 3000
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"text,label\na,good\n" * 999)[:-9])
    assert "truncated" in {reason for _, reason, _ in listed(read_in(run, tmp_path, "b.csv.gz", **CLASSIFY))}


def test_a_broken_parquet_file_is_one_reject(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no more PAR1")
    write_jsonl(tmp_path / "b.jsonl", [{"text": "c", "label": "bad"}])
    made = read_in(run, tmp_path, ["a.parquet", "b.jsonl"], **CLASSIFY)  # type: ignore[arg-type]
    ((file, reason, _),) = listed(made)
    assert (file, reason) == ("a.parquet", "parquet")


def test_more_than_the_share_names_the_worst_file(run: Run, tmp_path: Path) -> None:
    good, bad = {"text": "a", "label": "good"}, {"text": "a", "label": "?"}
    write_jsonl(tmp_path / "a.jsonl", [good] * 9 + [bad])
    write_jsonl(tmp_path / "b.jsonl", [good] * 7 + [bad] * 3)
    worst = r"4 of 20 records do not fit, more than `reject_share: 0.19`; worst is \S*b.jsonl with 3 of 10 \(label: "
    with pytest.raises(Failure, match=worst):
        read_in(run, tmp_path, "*.jsonl", 0.19, **CLASSIFY)
    assert counts(read_in(run, tmp_path, "*.jsonl", 0.2, **CLASSIFY))["documents"] == 16


def test_files_that_hold_nothing_fail(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n")
    with pytest.raises(Failure, match="its 1 files hold no record"):
        read_in(run, tmp_path, "a.csv", **CLASSIFY)


# ---- ids, splits, text


def test_equal_records_all_stay_and_have_ids_of_their_own(run: Run, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "a", "label": "good"}] * 3)
    write_jsonl(tmp_path / "b.jsonl", [{"text": "a", "label": "good"}])
    rows = rows_of(read_in(run, tmp_path, "*.jsonl", **CLASSIFY))
    assert len({row["id"] for row in rows}) == 4 and len({row["asked"] for row in rows}) == 1


def test_files_named_for_validation_are_held_out_whole(run: Run, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": f"a {n}", "label": "good"} for n in range(20)])
    write_jsonl(tmp_path / "b.jsonl", [{"text": f"b {n}", "label": "bad"} for n in range(5)])
    made = read_in(run, tmp_path, validation="b.jsonl", **CLASSIFY)
    assert {(row["text"][0], row["split"]) for row in rows_of(made)} == {("a", "train"), ("b", "validation")}
    assert counts(made)["labels"] == {"bad": 5, "good": 20}


def test_text_is_all_that_the_form_shows(run: Run, tmp_path: Path) -> None:
    record = {"messages": [USER, {"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}]}
    write_jsonl(tmp_path / "a.jsonl", [{**record, "answers": ["one", "two &amp; three"], "ranks": [1, 2], "no": "z"}])
    (row,) = rows_of(read_in(run, tmp_path, **COMPARE))
    assert row["text"].split() == ["mill", "x", "y", "one", "two", "&", "three"]
    assert row["bytes"] == len(row["text"].encode())
    assert json.loads(row["meta"])["answers"] == ["one", "two &amp; three"], "what is learned from is as it was"
