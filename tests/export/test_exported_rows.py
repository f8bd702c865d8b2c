"""What leaves is what is trained on, each piece once, with the record that it was made of."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import exported
import pyarrow.parquet as pq
import pytest
from exported import Corpus
from tokenizers import Tokenizer

from tasks.export.rows import SCHEMA, SPLITS
from tasks.runtime.shards import read, read_beside, read_column
from tasks.tokens.tokenizer import tokenizer_file
from tasks.tokens.tokens import Tokenised, TokenShards


@pytest.fixture(scope="module")
def rows(out: Path) -> list[dict[str, Any]]:
    return exported.rows_of(out)


def decoded(corpus: Corpus, source: str) -> dict[str, tuple[str, str]]:
    """(split, text) of every document in the token shards of a source, by id."""
    tokens = corpus.built.tokens[source]
    assert corpus.built.tokenizer is not None
    model = Tokenizer.from_file(str(tokenizer_file(corpus.built.tokenizer)))
    ids, found = TokenShards.of(tokens), {}
    for shard in corpus.built.sources[source].documents.shards():
        streams = {split: ids.read(f"{shard.key}.{split}.bin") for split in SPLITS}
        for row in read_beside(tokens, shard).to_pylist():
            stream = streams[row["split"]][row["start"] : row["start"] + row["tokens"] - 1]  # without its end
            found[row["id"]] = row["split"], model.decode(stream.tolist(), skip_special_tokens=False)
    return found


def test_what_leaves_is_what_the_tokens_say(corpus: Corpus, rows: list[dict[str, Any]]) -> None:
    expected = {**decoded(corpus, "good"), **decoded(corpus, "web")}
    assert {row["id"]: (row["split"], row["text"]) for row in rows} == expected
    assert len(rows) == len(expected) > 100, "each piece once"
    assert {row["split"] for row in rows} == set(SPLITS)
    assert any("#1" in id for id in expected), "one was cut"


def test_the_counts_are_the_funnels(corpus: Corpus, out: Path, rows: list[dict[str, Any]]) -> None:
    manifest = json.loads((out / "millrace.json").read_text())
    report = json.loads(corpus.built.report.read("report.json"))["sections"]["funnel"]
    for source in report["sources"]:
        told = manifest["sources"][source["source"]]
        *decisions, tokens = source["steps"]
        assert [(step["step"], step["documents"], step["bytes"], step["cut"]) for step in decisions] == [
            (step["stage"], step["documents"], step["bytes"], step["cut"]) for step in told["funnel"]
        ]
        left = Counter()
        for split in told["exported"].values():
            left.update(split)
        last = told["funnel"][-1]
        assert left == {"rows": tokens["documents"], "documents": last["documents"], "text_bytes": last["bytes"]}
        mine = [row for row in rows if row["source"] == source["source"]]
        assert len(mine) == left["rows"] == corpus.built.tokens[source["source"]].counts(Tokenised).documents
        assert sum(len(row["text"].encode()) for row in mine) == left["text_bytes"]
    assert any(step["reasons"] for source in manifest["sources"].values() for step in source["funnel"])


def test_a_row_names_its_record(corpus: Corpus, rows: list[dict[str, Any]]) -> None:
    """The crawl's record that a row names is cut out of its file, and is the one of its URL."""
    for row in rows:
        content = (corpus.folder / row["file"]).read_bytes()
        record = content[row["offset"] : row["offset"] + row["length"]]
        if row["source"] == "web":
            text = gzip.decompress(record).decode()
            assert text.count("WARC/1.0") == 1 and row["record"] in text and row["url"] in text
            assert row["date"].isoformat() == "2020-02-03T04:05:06+00:00"
        else:
            assert json.loads(record)["id"] == row["record"]
    pieces = [row for row in rows if "#" in row["id"]]
    assert len(pieces) == 2 and len({(row["file"], row["offset"], row["record"]) for row in pieces}) == 1


def test_the_columns_of_stages_are_those_of_its_document(corpus: Corpus, rows: list[dict[str, Any]]) -> None:
    by_id: dict[str, dict[str, Any]] = {}
    for source in corpus.built.sources.values():
        for shard in source.documents.shards():
            table = read(shard, ["id", "url", "date", "language", "language_score"])
            if "score" in source.measures:
                table = table.append_column("score", read_column(source.measures["score"], shard).column("score"))
            by_id |= {row["id"]: row for row in table.to_pylist()}
    for row in rows:
        expected = by_id[row["id"].partition("#")[0]]
        assert {key: row[key] for key in expected if key != "id"} == {k: v for k, v in expected.items() if k != "id"}
        assert (row["score"] is None) == (row["source"] == "good")
    sizes = Counter(row["cluster_size"] for row in rows if row["source"] == "web")
    assert sizes[exported.COPIES + 1] == 1 and set(sizes) == {1, exported.COPIES + 1}


def test_parquet_is_of_the_schema_that_is_told(out: Path) -> None:
    schemas = {pq.read_schema(path).remove_metadata().to_string() for path in out.glob("data/*/*.parquet")}
    assert len(schemas) == 1
    (path, *_) = out.glob("data/*/*.parquet")
    assert [(field.name, str(field.type)) for field in pq.read_schema(path)] == [
        (field.name, str(field.type).replace("[s", "[ms")) for field in SCHEMA
    ]


def test_json_lines_are_strict_and_say_the_same(corpus: Corpus, out: Path, tmp_path: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    exported.leave(corpus.conf, tmp_path, form="jsonl.zst")
    lines = exported.lines_of(tmp_path)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    found = [json.loads(line.decode("utf-8", "strict"), parse_constant=refuse) for line in lines]
    assert all(list(row) == SCHEMA.names for row in found)
    expected = exported.rows_of(out)
    for row in expected:
        row["date"] = row["date"].strftime("%Y-%m-%dT%H:%M:%SZ") if row["date"] else None
    assert sorted(found, key=lambda row: row["id"]) == sorted(expected, key=lambda row: row["id"])
    assert any(ord(character) > 0xFFFF for row in found for character in row["text"])
