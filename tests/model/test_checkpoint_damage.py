"""Checkpoints with a bit flipped, cut short, emptied or gone: what is whole is found, what is not is told."""

import json
import shutil
from pathlib import Path

import pytest

from model import checkpoint
from model.resume import where_we_are

FILES = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
         "state.json", "../../metrics.jsonl", "../../snapshots/step-00000003.safetensors")  # fmt: skip
OUTPUTS = ("metrics.jsonl", "model.safetensors", "model.json", "tokenizer.json", "snapshots/step-00000003.safetensors")


def flip(path: Path, at: int | None = None, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) - 2 if at is None else at] ^= 1 << bit
    path.write_bytes(content)


HARMS = {
    "flip": flip,
    "truncate": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "delete": Path.unlink,
}


@pytest.fixture
def trained(run_yaml, here) -> Path:
    """run.yaml of a finished training of 4 updates, whose checkpoints are of steps 2 and 4; its model is lost."""
    path = run_yaml(train={"updates": 4, "checkpoint_every": 2, "snapshots": [3], "validation_windows": 1})
    here(path)
    shutil.copytree(path.parent / "out", path.parent / "expected")
    (path.parent / "out/model.safetensors").unlink()
    return path


@pytest.mark.parametrize("harm", HARMS)
def test_the_one_before_a_damaged_checkpoint_is_taken(trained, harm):
    """Of any file of it, whatever the harm; the metrics' last row and the snapshot are the newest's alone."""
    out, whole = trained.parent / "out", trained.parent / "whole"
    shutil.copytree(out, whole)
    settings = json.loads((out / "checkpoints/step-00000004/state.json").read_text())["settings"]
    for file in FILES:
        shutil.rmtree(out)
        shutil.copytree(whole, out)
        hurt = out / "checkpoints/step-00000004" / file
        if file == "../../metrics.jsonl" and harm != "flip":  # nor could the one before do without its rows
            hurt.write_bytes(b"".join(hurt.read_bytes().splitlines(keepends=True)[:3]))
        else:
            HARMS[harm](hurt)
        said: list[str] = []
        place = where_we_are(out, None, settings, said.append)
        assert (place["step"], place["windows"]) == (2, 8), file
        assert len(said) == 1 and said[0].startswith("step-00000004 is not whole: "), said
        assert hurt.name in said[0] and "looking at the one before it" in said[0], said
        assert sorted(path.name for path in (out / "checkpoints").iterdir()) == [
            "damaged-step-00000004", "step-00000002"]  # fmt: skip
        again: list[str] = []
        assert where_we_are(out, None, settings, again.append)["step"] == 2 and again == []


@pytest.mark.parametrize("file", ["model-00001-of-00002.safetensors", "../../metrics.jsonl"])
def test_a_flipped_bit_resumes_to_the_same_model(trained, here, capsys, file):
    out = trained.parent / "out"
    flip(out / "checkpoints/step-00000004" / file)
    here(trained)
    said = capsys.readouterr().out
    assert "step-00000004 is not whole" in said and "resuming from step-00000002" in said
    for name in OUTPUTS:
        assert (out / name).read_bytes() == (trained.parent / "expected" / name).read_bytes(), name


def test_every_byte_of_the_state_is_looked_at(trained):
    folder = trained.parent / "out/checkpoints/step-00000004"
    content = (folder / "state.json").read_bytes()
    checkpoint.state_of(folder)
    for at in range(len(content)):
        flip(folder / "state.json", at, at % 8)
        with pytest.raises(checkpoint.Damaged, match=r"state\.json is damaged"):
            checkpoint.state_of(folder)
        (folder / "state.json").write_bytes(content)


def test_where_none_is_whole_nothing_is_begun_anew_unasked(trained, here):
    out = trained.parent / "out"
    for step in (2, 4):
        (out / f"checkpoints/step-0000000{step}/model-00002-of-00002.safetensors").unlink()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"no checkpoint in .*checkpoints is whole: .*remove that folder"):
            here(trained)
    assert {path.name for path in (out / "checkpoints").iterdir()} == {"step-00000002", "step-00000004"}
    shutil.rmtree(out / "checkpoints")
    here(trained)
    for name in OUTPUTS:
        assert (out / name).read_bytes() == (trained.parent / "expected" / name).read_bytes(), name


def test_a_damaged_model_is_no_finished_one(trained, here, capsys):
    out, expected = trained.parent / "out", trained.parent / "expected"
    shutil.copy(expected / "model.safetensors", out)
    here(trained)
    assert "is finished" in capsys.readouterr().out
    flip(out / "model.safetensors")
    here(trained)
    said = capsys.readouterr().out
    assert "model.safetensors is damaged" in said and "making it again from the last checkpoint" in said
    for name in OUTPUTS:
        assert (out / name).read_bytes() == (expected / name).read_bytes(), name


def test_a_checkpoint_of_before_is_named_as_such(trained, here):
    state = trained.parent / "out/checkpoints/step-00000004/state.json"
    held = json.loads(state.read_text())
    del held["state_sha256"]
    state.write_text(json.dumps({**held, "format": 1}))
    with pytest.raises(ValueError, match="has checkpoint format 1, this code reads 2"):
        here(trained)
