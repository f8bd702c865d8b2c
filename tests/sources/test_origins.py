"""Where documents stood: what an origin names is the very record that the document was made of."""

import gzip
import json
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import members, page
from test_ingest import build

from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.sources.origins import FILE, ORIGINS, origins_of


def rows(artifact: Artifact) -> list[tuple[dict, dict]]:
    """(document, its origin), of all shards."""
    found = []
    for shard in artifact.shards():
        origins = origins_of(artifact, shard)
        assert origins.schema.equals(ORIGINS) and origins.num_rows == shard.rows
        found += list(zip(read(shard).to_pylist(), origins.to_pylist(), strict=True))
    return found


def test_a_crawls_record_is_what_its_bytes_are(run: Run, tmp_path: Path) -> None:
    """Files of gzip members, packed into one shard; a range of bytes is a WARC file of that one record."""
    for part in range(3):
        (tmp_path / f"part-{part}.warc.gz").write_bytes(members(*(page(10 * part + n) for n in range(6))))
    found = rows(build(run, tmp_path, "*.warc.gz"))
    assert len(found) == 18 and {origin["file"] for _, origin in found} == {f"part-{n}.warc.gz" for n in range(3)}
    for document, origin in found:
        content = (tmp_path / origin["file"]).read_bytes()
        record = gzip.decompress(content[origin["offset"] : origin["offset"] + origin["length"]]).decode()
        assert record.count("WARC/1.0") == 1
        assert f"WARC-Target-URI: {document['url']}\r\n" in record
        assert re.search(r"WARC-Record-ID: (\S+)", record)[1] == origin["record"]
    assert len({origin["record"] for _, origin in found}) == 18


@pytest.mark.parametrize("shard", [64_000_000, 3_000])
def test_a_line_and_a_row_are_found_again(run: Run, tmp_path: Path, shard: int) -> None:
    """Of whole files, and of parts of them, which are read apart."""
    made = [{"id": n, "text": f"The text number {n} é漢 " + "and more of it " * n} for n in range(40)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(made), tmp_path / "a.parquet", row_group_size=9)
    fields = {"text": "text", "id": "id", "url": None}
    by_line = build(run, tmp_path, "a.jsonl", "jsonl", "lines", fields=fields, shard=shard)
    content = lines.encode()
    for document, origin in rows(by_line):
        line = json.loads(content[origin["offset"] : origin["offset"] + origin["length"]])
        assert (str(line["id"]), line["text"].rstrip()) == (origin["record"], document["text"])
    for document, origin in rows(build(run, tmp_path, "a.parquet", "parquet", "rows", fields=fields, shard=shard)):
        assert made[origin["offset"]]["text"].rstrip() == document["text"] and origin["length"] == 1
        assert origin["record"] == str(made[origin["offset"]]["id"])
    assert (len(by_line.shards()) > 3) == (shard < 64_000_000)


def test_a_text_is_its_file_and_has_no_id(run: Run, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("one text")
    (tmp_path / "b" / "c.txt").write_text("another text")
    found = rows(build(run, tmp_path, "**/*.txt", "text"))
    assert [(document["text"], *origin.values()) for document, origin in found] == [
        ("one text", "a.txt", 0, 8, None),
        ("another text", "b/c.txt", 0, 12, None),
    ]


def test_the_folder_may_lie_anywhere(run: Run, tmp_path: Path) -> None:
    """Nothing of the machine's paths is in it: the same bytes from another folder."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.warc").write_bytes(page(1))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    made = [build(run, tmp_path / name, "*.warc", source="s") for name in ("one", "two")]
    assert made[0].read(f"00000.{FILE}") == made[1].read(f"00000.{FILE}")
