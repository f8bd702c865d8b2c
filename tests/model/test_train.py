"""model.train as it is used: as a process, killed, resumed, on two ranks, on bad input."""

import json
import math
import os
import shutil
import signal

import pytest
import torch
import yaml
from safetensors.torch import load_file
from trainings import TWO, finish, rows, start, wait_for_rows

from model import train
from model.config import Training, batch_windows
from model.gpt import GPT
from model.windows import Windows

LONG = {"updates": 60, "checkpoint_every": 7, "validate_every": 10}
DROPOUT = {"dropout": 0.1, "band": 8}


def test_kill_9_and_resume_gives_the_bytes_of_an_unbroken_run(run_yaml, here):
    broken, whole = (run_yaml(name, DROPOUT, LONG) for name in ("broken", "whole"))
    for again in (False, True):  # twice, at whatever step it has come to
        process = start(broken)
        wait_for_rows(broken, (len(rows(broken)) if again else 0) + 10, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL and not (broken.parent / "out/model.safetensors").exists()
    code, out, err = finish(broken)
    assert code == 0 and "resuming from" in out, err
    here(whole)
    for name in ("metrics.jsonl", "model.safetensors", "model.json", "tokenizer.json"):
        assert (broken.parent / "out" / name).read_bytes() == (whole.parent / "out" / name).read_bytes(), name
    assert [row["step"] for row in rows(broken)] == list(range(1, 61))
    assert not list((broken.parent / "out").rglob("*.partial")) and not list((broken.parent / "out").rglob("*.pkl"))
    assert not (broken.parent / "out/checkpoints/.metadata").exists()  # nothing pickled


def test_sigterm_writes_a_checkpoint_and_exits_0_unfinished(run_yaml):
    path = run_yaml(train={**LONG, "updates": 100_000, "checkpoint_every": 100_000})
    process = start(path)
    wait_for_rows(path, 4, process)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "unfinished" in out, err
    (kept,) = (path.parent / "out/checkpoints").iterdir()
    assert json.loads((kept / "state.json").read_text())["step"] == len(rows(path))
    assert not (path.parent / "out/model.safetensors").exists()


def test_two_ranks_read_the_same_windows_and_reach_the_same_batch(run_yaml, here):
    """A batch that grows from 1 window (one rank has none) to 5 (which 2 ranks do not divide)."""
    ramp = {"batch": 5 * 32, "batch_start": 32, "batch_ramp": 200, "updates": 6}
    alone, two = (run_yaml(name, train=ramp) for name in ("alone", "two"))
    code, _, err = finish(two, TWO)
    assert code == 0, err
    here(alone)
    for one, other in zip(rows(alone), rows(two), strict=True):
        assert one.keys() == other.keys()
        for key in one:  # sums in another order: equal but for the last bits; None: no window of that group
            assert (one[key] is None) == (other[key] is None)
            assert (one[key] or 0) == pytest.approx(other[key] or 0, rel=1e-4), key
    assert rows(two)[0]["tokens"] == 32 and rows(two)[-1]["tokens"] - rows(two)[-2]["tokens"] == 5 * 32


def test_two_ranks_resume_to_the_same_bytes(run_yaml):
    train = {"updates": 6, "checkpoint_every": 3}
    whole, broken = (run_yaml(name, DROPOUT, train) for name in ("whole", "broken"))
    assert finish(whole, TWO)[0] == 0
    out, expected = broken.parent / "out", whole.parent / "out"
    shutil.copytree(expected, out)  # and then as a kill between the first checkpoint and the second leaves it
    for file in ("model.safetensors", "model.json", "tokenizer.json"):
        (out / file).unlink()
    shutil.rmtree(out / "checkpoints/step-00000006")
    code, said, err = finish(broken, TWO)
    assert code == 0 and "step 3" in said, err
    for file in ("metrics.jsonl", "model.safetensors", "model.json"):
        assert (out / file).read_bytes() == (expected / file).read_bytes(), file
    (out / "model.safetensors").unlink()
    for step in (3, 6):
        weights = out / f"checkpoints/step-0000000{step}/model-00001-of-00002.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1])
    code, _, err = finish(broken, TWO)  # rank 0 tells, rank 1 ends without a word
    assert code == 1 and "is whole: put back" in err and err.count("model.train: ") == 1, err


def test_micro_batches_are_memory_not_arithmetic(run_yaml, here):
    paths = [
        run_yaml(f"micro{size}", train={"batch": 7 * 32, "micro_batch": size, "updates": 5}) for size in (1, 3, 50)
    ]
    for path in paths:
        here(path)
    for one, two, three in zip(*map(rows, paths), strict=True):
        assert one["loss"] == pytest.approx(two["loss"], rel=1e-5) == pytest.approx(three["loss"], rel=1e-5)
        assert one["grad_norm"] == pytest.approx(three["grad_norm"], rel=1e-4)


def test_updates_are_those_of_a_plain_loop(run_yaml, here, corpus):
    """Loss, clipping, AdamW (Loshchilov and Hutter, algorithm 2) and the schedule, written out."""
    rate, decay, b1, b2 = 0.01, 0.5, 0.8, 0.9
    epsilon = 1e-6  # far above what rounding makes of a gradient that is 0 in truth (of key biases)
    keys = {
        "epsilon": epsilon,
        "learning_rate": rate,
        "weight_decay": decay,
        "beta1": b1,
        "beta2": b2,
        "clip": 0.7,
        "warm_up": 0,
        "decay": 4,
    }
    path = run_yaml(train={**keys, "updates": 3, "batch": 5 * 32})
    here(path)
    windows = Windows(corpus / "mixture.json", corpus, 32, 257, seed=1)
    model = GPT(train.read_run(path).architecture).initialise(1)
    m, v = ([torch.zeros_like(p) for p in model.parameters()] for _ in range(2))
    for step, row in enumerate(rows(path), start=1):
        lr = rate * (0.1 + 0.9 * (1 + math.cos(math.pi * step / 4)) / 2)
        tokens = torch.from_numpy(windows.read(5 * step - 5, 5 * step)[0]["tokens"])
        loss = model(tokens[:, :-1], tokens[:, 1:]).mean()
        model.zero_grad()
        loss.backward()
        norm = math.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
        assert (row["loss"], row["lr"]) == (pytest.approx(loss.item(), rel=1e-5), pytest.approx(lr))
        assert row["grad_norm"] == pytest.approx(norm, rel=1e-4) and norm > 0.7
        with torch.no_grad():
            for n, p in enumerate(model.parameters()):
                g = p.grad * 0.7 / norm
                m[n], v[n] = b1 * m[n] + (1 - b1) * g, b2 * v[n] + (1 - b2) * g**2
                if p.dim() == 2:  # biases and gains do not decay
                    p.mul_(1 - lr * decay)
                p.sub_(lr * (m[n] / (1 - b1**step)) / ((v[n] / (1 - b2**step)).sqrt() + epsilon))
    trained = load_file(path.parent / "out/model.safetensors")
    for name, p in model.named_parameters():
        torch.testing.assert_close(trained[name], p.detach(), rtol=1e-3, atol=2e-5, msg=name)


def test_what_metrics_hold(run_yaml, here, corpus):
    ramp = {
        "tokens": 40 * 32,
        "updates": None,
        "batch": 8 * 32,
        "batch_start": 2 * 32,
        "batch_ramp": 512,
        "warm_up": 256,
    }
    path = run_yaml(train={**ramp, "validate_every": 2, "seed": 3})
    here(path)
    training = Training(**{**yaml.safe_load(path.read_text())["train"]})
    windows = Windows(corpus / "mixture.json", corpus, 32, 257, 3)
    seen = 0
    for row in rows(path):
        size = min(batch_windows(training, 32, seen * 32), 40 - seen)
        groups = [windows.where(i)[0] for i in range(seen, seen + size)]
        seen += size
        assert row["tokens"] == seen * 32 and row["lr"] <= 3e-3
        a, b = (groups.count(g) for g in (0, 1))
        losses = (row["loss_common-crawl"] or 0, row["loss_wikipedia"] or 0)
        assert row["loss"] == pytest.approx((a * losses[0] + b * losses[1]) / size)
        last = seen == 40
        assert ("validation_cc-a" in row) == (row["step"] % 2 == 0 or last) and "validation_cc-b" not in row  # has none
    assert seen == 40
    timings = [json.loads(line) for line in (path.parent / "out/run.metrics.jsonl").read_text().splitlines()]
    assert len(timings) == len(rows(path))
    assert all(row["mfu"] is None and row["tokens_per_second"] > 0 and row["memory"] > 0 for row in timings)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(run_yaml):
    path = run_yaml(train={"learning_rate": 1e30, "clip": None, "warm_up": 0, "checkpoint_every": 1, "updates": 50})
    code, _, err = finish(path)
    assert code == 1 and "not finite" in err and "last good checkpoint is" in err and "Traceback" not in err
    kept = sorted((path.parent / "out/checkpoints").iterdir())[-1]
    assert kept.name == f"step-{len(rows(path)):08d}" and str(kept) in err
    assert not (path.parent / "out/model.safetensors").exists()


def test_a_finished_run_is_left_alone(run_yaml, here, capsys):
    path = run_yaml(train={"updates": 2})
    here(path)
    before = {file: file.stat().st_mtime_ns for file in (path.parent / "out").rglob("*")}
    here(path)
    assert "is finished" in capsys.readouterr().out
    assert {file: file.stat().st_mtime_ns for file in (path.parent / "out").rglob("*")} == before


def test_another_configuration_does_not_resume(run_yaml, here):
    path = run_yaml(train={"updates": 2})
    here(path)
    (path.parent / "out/model.safetensors").unlink()
    run_yaml(train={"updates": 2, "micro_batch": 1, "on_spike": "rewind", "norm_spike": 3.0})  # these may change
    here(path)
    (path.parent / "out/model.safetensors").unlink()
    changed = run_yaml(train={"updates": 2, "learning_rate": 1e-3})
    with pytest.raises(ValueError, match=r"learning_rate = 0\.003, run\.yaml has 0.001"):
        here(changed)


def test_another_tokenizer_is_refused(run_yaml, tmp_path, corpus):
    code, _, err = finish(run_yaml(tokenizer_fingerprint="t9"))
    assert code == 2 and "was made by tokenizer t1" in err and "t9" in err and "Traceback" not in err
    swapped = json.loads((corpus / "tokenizer.json").read_text())
    swapped["model"]["vocab"]["<|endoftext|>"], swapped["model"]["vocab"]["a"] = swapped["model"]["vocab"]["a"], 256
    (tmp_path / "other.json").write_text(json.dumps(swapped))
    with pytest.raises(ValueError, match="is not the tokenizer of"):
        train.main(run_yaml(tokenizer=str(tmp_path / "other.json")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"color": 1}, "unknown keys color"),
        ({"train": {"tokns": 3}}, "tokns"),
        ({"model": {"width": 7, "heads": 2}, "train": {"tokens": 3}}, "not a multiple of heads"),
        ({"out": None}, "out must be given"),
        ({"preset": "gpt9"}, "no preset is called 'gpt9'"),
    ],
)
def test_a_wrong_run_yaml_is_refused(run_yaml, change, says):
    with pytest.raises(ValueError, match=says):
        train.read_run(run_yaml(**{}, **{key: value for key, value in change.items() if key not in ("model", "train")},
                                **({"model": change["model"]} if "model" in change else {}),
                                **({"train": change["train"]} if "train" in change else {})))  # fmt: skip


def test_run_yaml_takes_a_preset(run_yaml):
    path = run_yaml(preset="gpt3-small")
    run = yaml.safe_load(path.read_text())
    run |= {"model": {"layers": 2}, "train": {"tokens": 300_000_000}}
    path.write_text(yaml.safe_dump(run))
    read = train.read_run(path)
    assert (read.architecture.layers, read.architecture.context, read.training.decay) == (2, 2048, 260_000_000)
