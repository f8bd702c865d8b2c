"""Files of an export: the same bytes for any workers, shards and kills; of the size asked for; in no other's folder."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import exported
import pyarrow.parquet as pq
import pytest
import yaml
from export_drive import HOW
from exported import Corpus

from flows.export import bytes_of, told
from tasks.export import forms
from tasks.export.rows import SPLITS
from tasks.runtime.errors import Mistake

HERE = Path(__file__).parent


def data(out: Path) -> dict[str, bytes]:
    return {name: content for name, content in exported.contents(out).items() if name.startswith("data/")}


@pytest.mark.parametrize("form", ["parquet", "jsonl.zst"])
def test_the_same_bytes_whatever_the_workers(corpus: Corpus, tmp_path: Path, form: str) -> None:
    for workers in (1, 3):
        exported.leave(corpus.conf, tmp_path / str(workers), form=form, size="4kB", workers=workers)
    one = exported.contents(tmp_path / "1")
    assert one == exported.contents(tmp_path / "3") and len(one) > 12
    assert {"README.md", "croissant.json", "millrace.json"} == {name for name in one if "/" not in name}


def test_the_same_files_however_the_store_is_sharded(corpus: Corpus, tmp_path: Path) -> None:
    conf = yaml.safe_load(corpus.conf.read_text())
    conf["sources"]["good"]["shard"] = 64_000_000
    other = exported.write(tmp_path, sources=conf["sources"], store=f"{tmp_path}/store")
    built = exported.build(other)
    assert len(built.sources["good"].documents.shards()) < len(corpus.built.sources["good"].documents.shards())
    for place, path in (("one", corpus.conf), ("other", other)):
        exported.leave(path, tmp_path / place, size="4kB")
    assert data(tmp_path / "one") == data(tmp_path / "other")


def test_row_groups_end_by_bytes_wherever_tables_do(
    corpus: Corpus, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "GROUP", 8_000)
    (path, *_) = sorted(out.glob("data/web/train-*"))
    rows = pq.read_table(path, schema=forms.SCHEMA)
    written = []
    for step in (1, 7, rows.num_rows):
        file = forms.Parquet(tmp_path / f"{step}.parquet")
        for start in range(0, rows.num_rows, step):
            file.write(rows.slice(start, step))
        file.close()
        written.append((tmp_path / f"{step}.parquet").read_bytes())
    assert written[0] == written[1] == written[2]
    metadata = pq.read_metadata(tmp_path / "7.parquet")
    assert metadata.num_row_groups > 3 and metadata.num_rows == rows.num_rows
    assert pq.read_table(tmp_path / "7.parquet").to_pylist() == rows.to_pylist()


@pytest.mark.parametrize("form", ["parquet", "jsonl.zst"])
def test_files_are_about_as_large_as_asked(tmp_path: Path, form: str) -> None:
    """Of 1.7 MB of even text; a Parquet file of a megabyte and less has a footer that counts."""
    rows = [{"text": exported.prose(n, 150)} for n in range(900)]
    (tmp_path / "even.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    conf = {"store": f"{tmp_path}/store", "sources": {"even": {"kind": "jsonl", "files": f"{tmp_path}/even.jsonl"}}}
    (tmp_path / "even.yaml").write_text(yaml.safe_dump(conf | {"validation": 0, "tokenizer": {"vocabulary": 300}}))
    exported.build(tmp_path / "even.yaml")
    size = 100_000
    exported.leave(tmp_path / "even.yaml", tmp_path / "out", form=form, size=str(size))
    found = [len(content) for _, content in sorted(data(tmp_path / "out").items())]
    assert len(found) > 3 and all(abs(each - size) < 0.15 * size for each in found[:-1]) and found[-1] < 1.15 * size


def test_one_file_takes_all_where_it_may(corpus: Corpus, tmp_path: Path) -> None:
    exported.leave(corpus.conf, tmp_path, size="1GB")
    names = [f"data/{source}/{split}-00000-of-00001.parquet" for source in ("good", "web") for split in SPLITS]
    assert sorted(data(tmp_path)) == sorted(names)


def test_some_sources_and_splits(corpus: Corpus, out: Path, tmp_path: Path) -> None:
    whole = exported.rows_of(out)
    exported.leave(corpus.conf, tmp_path / "held", split="validation", sources=["crawls"])
    wanted = [row for row in whole if (row["split"], row["source"]) == ("validation", "web")]
    assert exported.rows_of(tmp_path / "held") == wanted and wanted
    exported.leave(corpus.conf, tmp_path / "train", split="train")
    found = exported.rows_of(tmp_path / "train")
    assert {row["id"] for row in found} == {row["id"] for row in whole if row["split"] == "train"}
    manifest = json.loads((tmp_path / "held" / "millrace.json").read_text())
    assert list(manifest["sources"]) == ["web"]


def killed(corpus: Corpus, folder: Path, numbers: Iterable[int]) -> None:
    """SIGKILL before writes that make something appear (export_drive.py): it goes on, and what was finished is kept."""
    exported.leave(corpus.conf, folder / "whole", **HOW)
    expected = exported.contents(folder / "whole")
    assert len(data(folder / "whole")) == FILES
    command = [sys.executable, str(HERE / "export_drive.py"), str(corpus.conf), str(folder), *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in map(json.loads, done.stdout.splitlines()):
        number, there = line["number"], line["there"]
        assert line["status"] == (-9 if number <= WRITES else 0), line
        assert exported.contents(folder / str(number)) == expected, line
        assert len(there) == min(FILES, max(0, number - 2) // 2), line
        assert there.items() <= line["after"].items(), "a finished file was written again"


FILES = 4  # of HOW; its writes: the plan, each file and the note of it, the card, Croissant, the manifest
WRITES = 1 + 2 * FILES + 3


def test_killed_it_goes_on_to_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    """Before the first file, its note, another file, the last note, and the manifest."""
    killed(corpus, tmp_path, [2, 3, 6, WRITES - 3, WRITES])


@pytest.mark.long
def test_killed_before_every_write_it_goes_on_to_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    killed(corpus, tmp_path, range(1, WRITES + 2))


def test_again_it_sees_to_what_is_damaged(corpus: Corpus, out: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(out, tmp_path / "copy")
    (first, second, *_) = sorted(copy.glob("data/*/*.parquet"))
    content = bytearray(first.read_bytes())
    content[100] ^= 1
    first.write_bytes(content)
    second.unlink()
    exported.leave(corpus.conf, copy)
    assert exported.contents(copy) == exported.contents(out)


def test_a_folder_that_holds_something_else_is_left_alone(corpus: Corpus, out: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(Mistake, match=r"mine is not empty \(thesis.txt lies there\) and holds no export; give"):
        exported.leave(corpus.conf, tmp_path / "mine")
    assert exported.contents(tmp_path / "mine") == {"thesis.txt": b"mine"}
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    before = exported.contents(out)
    with pytest.raises(Mistake, match=r"out0 holds another export \(it differs in format, size\); give an"):
        exported.leave(corpus.conf, out, form="jsonl.zst", size="1MB")
    with pytest.raises(Mistake, match=r"holds another export \(it differs in sources\)"):
        exported.leave(corpus.conf, out, sources=["web"])
    assert exported.contents(out) == before
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / ".gitattributes").write_text("*.parquet filter=lfs\n")
    exported.leave(corpus.conf, tmp_path / "clone", split="validation")  # an empty repository of the hub
    assert (tmp_path / "clone" / "README.md").exists()


def test_what_is_not_built_is_told_with_the_command(corpus: Corpus, tmp_path: Path) -> None:
    conf = yaml.safe_load(corpus.conf.read_text()) | {"seed": 4}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(conf))
    with pytest.raises(Mistake, match=r"not built yet: .*keep of web.*run it first: `millrace run .*other.yaml`"):
        exported.leave(tmp_path / "other.yaml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_mistakes_of_the_command(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"--source novels: no source or group has that name \(there are crawls, good"):
        exported.leave(corpus.conf, tmp_path / "out", sources=["web", "novels"])
    for size in ("", "0", "MB", "5 parrots", "-1", "1e9"):
        with pytest.raises(Mistake, match="is no number of bytes; write it as 500MB"):
            bytes_of(size)
    assert [bytes_of(size) for size in ("500MB", "1.5k", "2 GB", "77", "300B", "1T")] == [
        500_000_000, 1500, 2_000_000_000, 77, 300, 10**12,
    ]  # fmt: skip
    with pytest.raises(Mistake, match="--published 'today' is no date"):
        told(None, None, "today")
    with pytest.raises(Mistake, match="OUT: a URL holds a credential"):
        exported.leave(corpus.conf, "s3://key:secret@bucket/there")
    assert list(tmp_path.iterdir()) == []


def test_to_a_bucket(corpus: Corpus, out: Path, s3: str) -> None:
    from tasks.runtime.store import open_store

    exported.leave(corpus.conf, f"{s3}/corpus")
    store = open_store(f"{s3}/corpus")
    found = {entry.name: store.read(entry.name) for entry in store.list("") if not entry.name.startswith(".")}
    assert found == exported.contents(out)
    with pytest.raises(Mistake, match="s3://bucket/corpus holds another export"):
        exported.leave(corpus.conf, f"{s3}/corpus", size="1MB")
