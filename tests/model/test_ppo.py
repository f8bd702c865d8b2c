"""model.ppo as it is used: as a process, killed in the midst of an iteration, resumed, on bad input; and its loop."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from bytewise import END
from mixtures_made import TINY
from trainings import ROOT, rows, wait_for_rows

from model import checkpoint, ppo, ppo_loop, score
from model.config import Architecture
from model.divergence import Diverged
from model.episodes import Episodes, Value, laws
from model.gpt import GPT
from model.machine import Machine
from model.ppo_inputs import each, in_epochs
from model.ppo_keys import PPO, rate, steered
from model.ppo_run import read_run

COMMAND = [sys.executable, "-m", "model.ppo"]
SMALL = {
    "episodes": 6 * 12, "batch": 12, "minibatch": 4, "answer_tokens": 6, "learning_rate": 1e-3, "warm_up": 2,
    "value_learning_rate": 1e-3, "gamma": 2.0, "pretraining": 2, "micro_batch": 3, "checkpoint_every": 1, "threads": 1,
    "device": "cpu", "target": 1.0, "horizon": 100,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    torch.use_deterministic_algorithms(False)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture(scope="module")
def begun(corpus, tmp_path_factory) -> Path:
    """A model folder: weights as they are drawn, thrice as large."""
    model = GPT(Architecture(**TINY)).initialise(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3 if parameter.dim() == 2 else 1)
    folder = tmp_path_factory.mktemp("start")
    checkpoint.publish(folder, model, corpus / "tokenizer.json", "t1", END, {})
    return folder


@pytest.fixture
def ppo_yaml(begun, corpus, tmp_path):
    """Writes a run.yaml into tmp_path/<name>; its `out` is tmp_path/<name>/out."""

    def write(name: str = "run", keys: dict | None = None, **more) -> Path:
        (tmp_path / name).mkdir(exist_ok=True)
        path, prompts = tmp_path / name / "run.yaml", tmp_path / "prompts.jsonl"
        prompts.write_text("".join(json.dumps({"tokens": [n + 1] * (1 + n % 5)}) + "\n" for n in range(10)))
        run = {"out": str(path.parent / "out"), "start": str(begun), "prompts": str(prompts), "store": str(corpus),
               "mixture": str(corpus / "mixture.json"), "function": "ppo_rules:count", "arguments": {"token": 7},
               "ppo": {**SMALL, **(keys or {})}}  # fmt: skip
        path.write_text(yaml.safe_dump({key: value for key, value in {**run, **more}.items() if value is not None}))
        return path

    return write


def start(path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    return subprocess.Popen(
        [*COMMAND, str(path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(path: Path) -> tuple[int, str, str]:
    process = start(path)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.terminate()
    return process.returncode, out, err


def same(one: Path, other: Path) -> None:
    for name in ("metrics.jsonl", "model.safetensors", "model.json", "tokenizer.json"):
        assert (one.parent / "out" / name).read_bytes() == (other.parent / "out" / name).read_bytes(), name


def test_killed_twice_it_ends_with_the_bytes_of_an_unbroken_run(ppo_yaml):
    broken, whole = ppo_yaml("broken"), ppo_yaml("whole")
    for number in (2, 3):
        process = start(broken)
        wait_for_rows(broken, number, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (broken.parent / "out/model.safetensors").exists()
    code, out, err = finish(broken)
    assert code == 0 and "resuming from" in out, err
    ppo.main(whole)
    same(broken, whole)
    assert [row["step"] for row in rows(whole)] == list(range(1, 7))
    about = json.loads((whole.parent / "out/model.json").read_text())
    assert about["objective"] == "ppo" and about["published"] == "average"
    score.load(whole.parent / "out")  # whole, and a model as others are
    code, out, _ = finish(whole)
    assert code == 0 and "is finished" in out


class Stop(Exception):
    pass


@pytest.mark.parametrize("place", range(1, 9))
def test_from_every_checkpoint_on_the_same_bytes(ppo_yaml, monkeypatch, place):
    """Killed behind the place-th checkpoint: between the first update of an iteration and the third, and in rollouts;
    and SIGTERM's own, in the midst of rollouts, where some answers are drawn and others not."""
    keys = {"episodes": 3 * 12}
    whole, broken = ppo_yaml("whole", keys), ppo_yaml("broken", keys)
    ppo.main(whole)
    plain, made = ppo.ppo_place.save, iter(range(1, 100))

    def save(*given):
        folder = plain(*given)
        if next(made) == place:
            raise Stop
        return folder

    monkeypatch.setattr(ppo.ppo_place, "save", save)
    with pytest.raises(Stop):
        ppo.main(broken)
    monkeypatch.setattr(ppo.ppo_place, "save", plain)
    ppo.main(broken)
    same(broken, whole)


def test_stopped_in_the_midst_of_rollouts_it_keeps_what_is_drawn(ppo_yaml, monkeypatch, capsys):
    """Prompts of 1 to 40 tokens are three waves; SIGTERM comes in the second one of the second iteration."""
    keys = {"episodes": 2 * 12}
    whole, broken = ppo_yaml("whole", keys), ppo_yaml("broken", keys)
    for path in (whole, broken):
        prompts = path.parent.parent / "prompts.jsonl"
        prompts.write_text("".join(json.dumps({"tokens": [n + 1] * (1 + 5 * n % 25)}) + "\n" for n in range(10)))
    ppo.main(whole)
    plain, waves = ppo_loop.rollouts._Wave.run, []

    def run(self):
        waves.append(self)
        if len(waves) == 4:  # two an iteration
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self)

    monkeypatch.setattr(ppo_loop.rollouts, "ROWS", 16)
    monkeypatch.setattr(ppo_loop.rollouts._Wave, "run", run)
    monkeypatch.setattr(ppo_loop.rollouts, "_waves", lambda lengths, size: [[n] for n in range(len(lengths))])
    ppo.main(broken)
    assert "stopped by SIGTERM in iteration 1" in capsys.readouterr().out
    (kept,) = (broken.parent / "out/checkpoints").iterdir()
    assert json.loads((kept / "state.json").read_text())["shapes"]["answers"] == [12, 6]
    drawn = len(waves)
    ppo.main(broken)
    assert drawn == 4 and len(waves) == 24  # none was drawn twice
    same(broken, whole)


def test_sigterm_writes_a_checkpoint_and_exits_0_unfinished(ppo_yaml):
    path = ppo_yaml(keys={"episodes": 12 * 10_000, "checkpoint_every": 10**6})
    process = start(path)
    wait_for_rows(path, 2, process)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "unfinished" in out, err
    (kept,) = (path.parent / "out/checkpoints").iterdir()
    assert json.loads((kept / "state.json").read_text())["iteration"] == len(rows(path))
    assert not (path.parent / "out/model.safetensors").exists()


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_taken(ppo_yaml, capsys):
    path, whole = ppo_yaml("broken"), ppo_yaml("whole")
    ppo.main(whole)
    ppo.main(path)
    out = path.parent / "out"
    (out / "model.safetensors").unlink()
    newest = checkpoint.found(out)[-1]
    weights = newest / "model-00001-of-00002.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    ppo.main(path)
    assert "is not whole" in capsys.readouterr().out
    same(path, whole)
    assert (out / f"checkpoints/damaged-{newest.name}").exists()


def test_another_runs_checkpoint_is_refused(ppo_yaml):
    ppo.main(ppo_yaml(keys={"episodes": 12}))
    (ppo_yaml().parent / "out/model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"was made with episodes = 12, run.yaml has 24"):
        ppo.main(ppo_yaml(keys={"episodes": 24}))
    with pytest.raises(ValueError, match="was made with another reward"):
        ppo.main(ppo_yaml(keys={"episodes": 12}, arguments={"token": 8}))


def learned(begun, out, policy=None, reward=None, **keys):
    k = PPO(**{**SMALL, "gamma": 0, "episodes": 12, **keys})
    policy = score.load(begun)[0] if policy is None else policy
    prompts = in_epochs([[n + 1] * (1 + n % 5) for n in range(10)], 1)
    count = each(lambda prompt, answer: float(sum(token % 2 for token in answer)))
    return policy, ppo.train(out, k, policy, prompts, reward or count, END, Machine(k.machine()))


def test_at_the_beginning_the_kl_is_0_and_the_ratio_1(begun, tmp_path, monkeypatch):
    """To the bit: old and new probabilities are computed in the same parts, and start and policy are the same."""
    ratios = []
    plain = ppo_loop.surrogate

    def surrogate(logs, old, *more):
        ratios.append((logs - old).abs().max().item())
        return plain(logs, old, *more)

    monkeypatch.setattr(ppo_loop, "surrogate", surrogate)
    learned(begun, tmp_path)
    row = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert row["kl"] == 0.0
    assert ratios[:2] == [0.0, 0.0] and max(ratios[2:]) > 0  # of the first update's two parts; then it has learned


def test_gradients_come_from_answers_alone(begun):
    """Of logits in all places, those before an answer's token are the only ones with a gradient; and what stands in
    the prompt as a target changes no loss."""
    policy, _, _ = score.load(begun)
    e = Episodes.of([[1, 2, 3], [4]], [[5, 6], [7, 8, 9, 10]], torch.device("cpu"))
    assert e.before.tolist() == [[False, False, True, True], [True, True, True, True]]
    assert e.own.tolist() == [[True, True, False, False], [True] * 4]
    hidden = policy.hidden(e.tokens[:, :-1]).detach().requires_grad_(True)
    plain = torch.nn.functional.linear(hidden, policy.tokens.weight).log_softmax(-1)
    policy.hidden = lambda tokens: hidden
    logs, _ = laws(policy, e)
    expected = [plain[0, 2, 5], plain[0, 3, 6], plain[1, 0, 7], plain[1, 1, 8], plain[1, 2, 9], plain[1, 3, 10]]
    torch.testing.assert_close(logs, torch.stack(expected))
    logs.sum().backward()
    assert ((hidden.grad != 0).any(-1) == e.before).all()
    values = Value(policy)(e)
    assert values.shape == (6,) and (values == 0).all()


def test_the_reward_may_shift_by_a_constant(begun, tmp_path):
    """Advantages are whitened, and the value network learns the constant: the first update is the same."""
    first, _ = learned(begun, tmp_path / "one", minibatch=12, gae_lambda=1.0, norm=None)
    moved, _ = learned(begun, tmp_path / "other", minibatch=12, gae_lambda=1.0, norm=None,
                       reward=each(lambda prompt, answer: float(sum(token % 2 for token in answer)) + 5))  # fmt: skip
    for one, other in zip(first.parameters(), moved.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=0)


def test_a_reward_that_is_no_number_stops_it_with_a_sentence(ppo_yaml):
    path = ppo_yaml(function="ppo_rules:not_a_number", arguments={"after": 15})
    code, _, err = finish(path)
    assert code == 1 and "iteration 2: the reward of episode 15 is nan" in err and "Traceback" not in err
    assert len(rows(path)) == 1 and not (path.parent / "out/model.safetensors").exists()


def test_a_loss_that_is_no_number_stops_it_before_the_update(begun, tmp_path, monkeypatch):
    policy, _, _ = score.load(begun)
    before = {name: parameter.clone() for name, parameter in policy.named_parameters()}
    plain = ppo_loop.value_loss
    monkeypatch.setattr(ppo_loop, "value_loss", lambda *given: plain(*given) * float("nan"))
    with pytest.raises(Diverged, match=r"iteration 1, update 1: value_loss nan, .* before the update"):
        learned(begun, tmp_path, policy)
    assert all(torch.equal(parameter, before[name]) for name, parameter in policy.named_parameters())


def test_weights_that_are_no_numbers_stop_it(begun, tmp_path):
    policy, _, _ = score.load(begun)
    with torch.no_grad():
        policy.tokens.weight[5] = float("nan")
    with pytest.raises(Diverged, match="iteration 1: the model's logits are not numbers"):
        learned(begun, tmp_path, policy)


def test_the_average_is_that_of_the_updates(begun, tmp_path, monkeypatch):
    seen = [dict(score.load(begun)[0].named_parameters())]
    plain = ppo_loop._update

    def update(p, *given):
        plain(p, *given)
        seen.append({name: parameter.detach().clone() for name, parameter in p.policy.named_parameters()})

    monkeypatch.setattr(ppo_loop, "_update", update)
    _, made = learned(begun, tmp_path, average=0.6)
    for name, tensor in made.average.items():
        expected = seen[0][name].detach().double()
        for weights in seen[1:]:
            expected = 0.6 * expected + 0.4 * weights[name].double()
        torch.testing.assert_close(tensor.double(), expected, atol=1e-6, rtol=1e-5)


def test_windows_of_pretraining_are_read_in_their_order(ppo_yaml, monkeypatch):
    read = []
    plain = ppo.Windows.read
    monkeypatch.setattr(ppo.Windows, "read", lambda self, a, b: read.extend(range(a, b)) or plain(self, a, b))
    ppo.main(ppo_yaml(keys={"episodes": 24}, first_window=1000))
    assert read == list(range(1000, 1000 + 2 * 24))  # two an episode


def test_the_rate_begins_at_a_tenth_and_stays():
    assert [rate(1.0, 10, n) for n in (0, 5, 10, 500)] == pytest.approx([0.1, 0.55, 1.0, 1.0])
    assert rate(2.0, 0, 0) == 2.0


def test_beta_is_steered_by_a_fifth_at_most():
    k = PPO(target=6.0, horizon=10_000)
    assert steered(k, 0.1, 6.0) == 0.1
    assert steered(k, 0.1, 6.6) == pytest.approx(0.1 * (1 + 0.1 * 512 / 10_000))
    assert steered(k, 0.1, 600.0) == pytest.approx(0.1 * (1 + 0.2 * 512 / 10_000))
    assert steered(k, 0.1, 0.0) == pytest.approx(0.1 * (1 - 0.2 * 512 / 10_000))
    assert steered(PPO(), 0.02, 600.0) == 0.02


def test_defaults_are_the_papers():
    """Ouyang et al. (2022), appendix C.4; Ziegler et al. (2019) where it is silent."""
    k = PPO()
    assert (k.episodes, k.batch, k.minibatch, k.inner_epochs, k.iterations, k.updates) == (256_000, 512, 64, 1, 500, 8)
    assert (k.clip, k.beta, k.gamma, k.pretraining, k.average, k.warm_up) == (0.2, 0.02, 27.8, 8, 0.992, 10)
    assert (k.value_clip, k.value_share, k.gae_lambda, k.value_learning_rate) == (0.2, 0.1, 0.95, 9e-6)
    assert (k.beta1, k.beta2, k.target, k.publish) == (0.9, 0.95, None, "average")


@pytest.mark.parametrize(
    "keys, sentence",
    [
        ({"ppo": {**SMALL, "minibatch": 5}}, "batch 12 is not a multiple of minibatch 5"),
        ({"ppo": {**SMALL, "episodes": 13}}, "episodes 13 are not a multiple of batch 12"),
        ({"ppo": {**SMALL, "betas": 1}}, "unexpected keyword argument 'betas'"),
        ({"ppo": {**SMALL, "clip": 0.0}}, "clip is 0.0: it must be positive"),
        ({"ppo": {**SMALL, "beta": 0.0}}, "target steers beta, which is 0"),
        ({"mixture": None}, "gamma is 2.0, and there is no mixture"),
        ({"function": None}, "give reward, the folder of a reward model, or function"),
        ({"prompts": None}, "give one of prompts and examples"),
        ({"rewards": "x"}, "unknown keys rewards"),
    ],
)
def test_a_wrong_run_yaml_is_refused(ppo_yaml, keys, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_run(ppo_yaml(**keys))


@pytest.mark.parametrize(
    "line, sentence",
    [
        ('{"tokens": [1, 2', "line 2 is not JSON"),
        ('{"text": "x"}', "line 2 is not an object with `tokens` or `prompt`"),
        ('{"tokens": [1, 999]}', "line 2: tokens must be ids of the start's tokenizer, 0 to 256"),
        ('{"tokens": []}', "line 2 has 0 tokens: the model's context takes 1 to 31"),
    ],
)
def test_a_bad_prompt_is_named_by_line(ppo_yaml, line, sentence):
    path = ppo_yaml()
    prompts = path.parent.parent / "prompts.jsonl"
    prompts.write_text('{"prompt": "ab"}\n' + line + "\n")
    with pytest.raises(ValueError, match=sentence):
        ppo.main(path)


def test_bad_input_exits_2_with_one_line(ppo_yaml):
    code, _, err = finish(ppo_yaml(function="ppo_rules:nothing"))
    assert (
        code == 2 and err.startswith("model.ppo: function: ppo_rules:nothing is no function") and err.count("\n") == 1
    )
