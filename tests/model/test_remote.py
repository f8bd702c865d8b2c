"""A training whose store is a bucket, and which goes on where another machine was lost."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from trainings import ROOT, finish, rows, start, wait_for_rows

from model.files import objects
from model.mirror import Mirror

SHAPE = {"dropout": 0.1, "band": 8}
LONG = {"updates": 120, "checkpoint_every": 10, "validate_every": 40}
OUTPUTS = ("metrics.jsonl", "model.safetensors", "model.json", "tokenizer.json")


@pytest.fixture
def remote(run_yaml, corpus, url, upload, tmp_path):
    """Writes a run.yaml for a machine of that name, whose store is the bucket."""
    upload(corpus, url)

    def write(name: str, train: dict, **keys) -> Path:
        names = {"store": url, "mixture": "mixture.json", "tokenizer": "tokenizer.json"}
        return run_yaml(name, SHAPE, train, **{**names, "cache": str(tmp_path / name / "cache"), **keys})

    return write


def same_outputs(path: Path, expected: Path) -> None:
    for name in OUTPUTS:
        assert (path.parent / "out" / name).read_bytes() == (expected.parent / "out" / name).read_bytes(), name


def copies(url: str, prefix: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entry in (entry for batch in objects(url).list(prefix) for entry in batch):
        step, name = entry["path"].removeprefix(f"{prefix}/").split("/")
        found.setdefault(step, set()).add(name)
    return found


def test_a_bucket_gives_what_a_folder_gives(run_yaml, remote, here):
    there, local = remote("there", {"updates": 3}), run_yaml("local", SHAPE, {"updates": 3})
    code, out, err = finish(there)
    assert code == 0, err
    here(local)
    same_outputs(there, local)
    written = [path for path in there.parent.rglob("*") if path.is_file()]
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY", "hush-hush-hush").encode()
    assert len(written) > 10 and not any(secret in path.read_bytes() for path in written)
    assert secret.decode() not in out + err


def test_another_machine_goes_on_from_the_mirror(run_yaml, remote, url, here):
    """kill -9 on one, the same bytes from the next, though it has nothing but the bucket."""
    first, second = (remote(name, LONG, mirror="runs/small") for name in ("first", "second"))
    whole = run_yaml("whole", SHAPE, LONG)
    process = start(first)
    wait_for_rows(first, 25, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    held = copies(url, "runs/small")
    assert len(rows(first)) < 120 and len([step for step in held if "state.json" in held[step]]) in (1, 2, 3)
    code, out, err = finish(second)
    assert code == 0 and "brought step-00000" in out and "resuming from step-00000" in out, err
    here(whole)
    same_outputs(second, whole)
    held = copies(url, "runs/small")
    assert held.keys() == {"step-00000110", "step-00000120"}  # as `keep` says
    assert all({"state.json", "metrics.jsonl", "model.safetensors.index.json"} < files for files in held.values())


@pytest.fixture
def mirrored(remote, here, url) -> tuple[Path, str]:
    """A finished training of 12 updates, its `out` lost; copies of steps 8 and 12 are in the bucket."""
    path = remote("run", {}, mirror="runs/small")
    here(path)
    shutil.copytree(path.parent / "out", path.parent / "expected")
    shutil.rmtree(path.parent / "out")
    return path, url


def test_a_copy_without_state_json_is_not_whole(mirrored, here, capsys):
    path, url = mirrored
    objects(url).delete("runs/small/step-00000012/state.json")  # as a machine lost while it copied leaves it
    here(path)
    assert "brought step-00000008" in capsys.readouterr().out
    for name in OUTPUTS:
        assert (path.parent / "out" / name).read_bytes() == (path.parent / "expected" / name).read_bytes(), name
    assert copies(url, "runs/small").keys() == {"step-00000008", "step-00000012"}


def test_leftovers_of_copies_that_never_became_whole_are_removed(mirrored, tmp_path):
    path, url = mirrored
    objects(url).put("runs/small/step-00000010/model-00001-of-00002.safetensors", b"torn")
    expected = path.parent / "expected"
    Mirror(url, "runs/small", 1).push(expected / "checkpoints/step-00000012", expected / "metrics.jsonl")
    assert copies(url, "runs/small").keys() == {"step-00000012"}


@pytest.mark.parametrize("file", ["model-00001-of-00002.safetensors", "metrics.jsonl", "state.json"])
def test_the_one_before_a_damaged_copy_is_taken(mirrored, here, capsys, file):
    path, url = mirrored
    flip(url, f"runs/small/step-00000012/{file}")
    here(path)
    said = capsys.readouterr().out
    assert "step-00000012 is not whole" in said and file in said and "brought step-00000008" in said
    for name in OUTPUTS:
        assert (path.parent / "out" / name).read_bytes() == (path.parent / "expected" / name).read_bytes(), name
    shutil.rmtree(path.parent / "out")
    here(path)  # the damaged copy was replaced by the one that this machine made
    assert "brought step-00000012" in capsys.readouterr().out


def flip(url, name):
    content = bytearray(objects(url).get(name).bytes())
    content[len(content) // 2] ^= 1
    objects(url).put(name, bytes(content))


def test_a_damaged_checkpoint_comes_back_from_the_mirror(mirrored, here, capsys):
    path, _ = mirrored
    out = path.parent / "out"
    shutil.copytree(path.parent / "expected", out)
    (out / "model.safetensors").unlink()
    (out / "checkpoints/step-00000012/model-00001-of-00002.safetensors").unlink()
    here(path)
    said = capsys.readouterr().out
    assert "step-00000012 is not whole" in said and "brought step-00000012" in said and "step 12" in said
    for name in OUTPUTS:
        assert (out / name).read_bytes() == (path.parent / "expected" / name).read_bytes(), name


def test_where_no_copy_is_whole_nothing_is_begun_anew_unasked(mirrored, here):
    path, url = mirrored
    for step in ("08", "12"):
        flip(url, f"runs/small/step-000000{step}/model-00001-of-00002.safetensors")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"no copy in .*runs/small is whole: remove them"):
            here(path)


def test_snapshots_come_back_from_the_mirror(remote, run_yaml, url, here):
    keep = {"updates": 12, "snapshots": [2, 12]}
    path, whole = remote("run", keep, mirror="runs/small"), run_yaml("whole", SHAPE, keep)
    here(path)
    here(whole)
    assert copies(url, "runs/small")["snapshots"] == {"step-00000002.safetensors", "step-00000012.safetensors"}
    shutil.rmtree(path.parent / "out")
    here(path)
    same_outputs(path, whole)
    for step in ("02", "12"):
        name = f"snapshots/step-000000{step}.safetensors"
        assert (path.parent / "out" / name).read_bytes() == (whole.parent / "out" / name).read_bytes()


def test_a_mirror_below_a_folder(run_yaml, here, corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "store")
    path = run_yaml(store=str(tmp_path / "store"), mirror="runs/small", train={"updates": 6})
    here(path)
    held = tmp_path / "store/runs/small"
    assert sorted(held.iterdir()) == [held / "step-00000004", held / "step-00000006"]
    shutil.rmtree(path.parent / "out")
    here(path)
    assert len(rows(path)) == 6


def test_a_bucket_that_cannot_be_reached_is_told(run_yaml, monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = {"ACCESS_KEY_ID": "AKIA", "SECRET_ACCESS_KEY": "hush-hush-hush", "REGION": "us-east-1",
                "ENDPOINT_URL": f"http://127.0.0.1:{port}", "ALLOW_HTTP": "true"}  # fmt: skip
    for key, value in settings.items():
        monkeypatch.setenv(f"AWS_{key}", value)
    path = run_yaml(store="s3://lab/x", mixture="mixture.json", cache=str(tmp_path / "cache"))
    code, out, err = finish(path)
    assert code == 1 and "s3://lab/x/mixture.json cannot be reached" in err and "Traceback" not in err
    assert "hush" not in out + err


@pytest.mark.slow
@pytest.mark.long  # 40 s, four trainers; the tests above have a mirror in each of its states
@pytest.mark.parametrize("url", ["s3"], indirect=True)
def test_two_machines_that_share_nothing_but_the_bucket(run_yaml, remote, tmp_path):
    """Two torchrun agents of one rank each, a folder and a cache of their own; both lost, and begun again elsewhere."""
    two = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    def train(names: tuple[str, str], wait: bool) -> list[Path]:
        paths = [remote(name, LONG, mirror="runs/small") for name in names]
        agents = [
            subprocess.Popen(
                [*two, "--node-rank", str(n), "--master-addr", "127.0.0.1", "--master-port", str(port),
                 "-m", "model.train", str(path)],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for n, path in enumerate(paths)
        ]  # fmt: skip
        if not wait:
            wait_for_rows(paths[0], 25, agents[0])
            agents[0].terminate()
        for agent in agents:
            _, err = agent.communicate(timeout=120)
            assert not wait or agent.returncode == 0, err
        return paths

    lost = train(("a", "b"), wait=False)
    assert len(rows(lost[0])) < 120 and not (lost[1].parent / "out").exists()  # rank 0 of the world writes
    ended = train(("c", "d"), wait=True)
    expected = run_yaml("whole", SHAPE, LONG)
    standalone = [*two[:3], "--standalone", "--nproc-per-node", "2", "-m", "model.train"]
    assert finish(expected, standalone)[0] == 0
    same_outputs(ended[0], expected)
    for path in (*lost, *ended):
        assert list((path.parent / "cache").rglob("*.train.bin"))
    assert not (ended[1].parent / "out").exists()
    train(("c", "d"), wait=True)  # finished: both nodes know and end, though only one has the model
