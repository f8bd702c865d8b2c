"""Damage: what differs from the manifest is named, file by file."""

import pytest
import runtime_toys as toys

from tasks.runtime.artifact import Artifact
from tasks.runtime.damage import damage
from tasks.runtime.errors import Failure
from tasks.runtime.store import store_at


def test_damage_finds_missing_altered_and_extra_files(tmp_path):
    artifact = toys.build_numbers(tmp_path, 1, 3, 100)

    def sentences() -> list[str]:
        return damage([artifact])[artifact.label].sentences

    assert sentences() == []
    listed = artifact.files()
    assert sorted(listed) == [
        "00000.parquet",
        "00000.rejects.parquet",
        "00001.parquet",
        "00001.rejects.parquet",
        "00002.parquet",
        "00002.rejects.parquet",
        "notes.txt",
    ]
    assert (listed["00001.parquet"].rows, listed["00001.rejects.parquet"].rows) == (100, 1)
    assert listed["notes.txt"].rows is None and listed["notes.txt"].bytes == len("made once\n")
    assert [shard.key for shard in artifact.shards()] == ["00000", "00001", "00002"]

    folder = artifact.folder
    (folder / "00000.parquet").unlink()
    path = folder / "00001.parquet"
    path.write_bytes(path.read_bytes()[:50] + b"\x00\x01" + path.read_bytes()[52:])
    with (folder / "notes.txt").open("ab") as file:
        file.write(b"!")
    (folder / "sub").mkdir()
    (folder / "sub" / "stranger").touch()
    for outside in ("run.later.json", ".scratch"):  # beside the checksums
        (folder / outside).touch()
    assert sentences() == [
        f"{folder}/00000.parquet is missing",
        f"{folder}/00001.parquet has another checksum than its manifest says",
        f"{folder}/notes.txt has 11 bytes, its manifest says 10",
        f"{folder}/sub/stranger is not in its manifest",
    ]
    (folder / "files.parquet").unlink()
    [said] = sentences()
    assert said.startswith(f"{folder}/files.parquet is missing")


def test_what_is_not_built_says_so(tmp_path):
    artifact = Artifact("numbers", "toy", "0" * 16, store_at(str(tmp_path / "nowhere")))
    assert not artifact.built
    with pytest.raises(Failure, match=r"is not built: .*millrace run"):
        _ = artifact.manifest
