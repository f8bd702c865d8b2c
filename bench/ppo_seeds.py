"""How PPO varies by seed, and how often it collapses: on the language of tests/model/chains.py, whose law is known.

    python bench/ppo_seeds.py [--seeds 8] [--iterations 14]

A GPT of 2 layers and width 64 is pretrained once; then each setting is run with seeds 1, 2, ...: of the draws and the
minibatches, not of the model. A run has *collapsed* where its rule's score ends below twice the start's, or a number
was not finite. The tax is what held-out text of pretraining costs more than before, in nats a token. Writes
bench/results/ppo_seeds.json.
"""

import argparse
import copy
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/model"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from chains import END, MARK, chain, pretrained, prompts, wanted, web_loss, windows

from model import ppo, rollouts, score, train
from model.divergence import Diverged
from model.machine import Machine
from model.ppo_inputs import each, in_epochs
from model.ppo_keys import PPO

KEYS = {"batch": 64, "minibatch": 32, "answer_tokens": 16, "warm_up": 2, "pretraining": 2, "micro_batch": 64,
        "threads": 1, "device": "cpu", "checkpoint_every": 10**6}  # fmt: skip
SETTINGS = {
    "PPO": {"gamma": 0.0, "learning_rate": 2e-3},
    "PPO-ptx, gamma 1": {"gamma": 1.0, "learning_rate": 2e-3},
    "PPO-ptx, gamma 27.8": {"gamma": 27.8, "learning_rate": 2e-3},
    "PPO, beta .5": {"gamma": 0.0, "learning_rate": 2e-3, "beta": 0.5},
    "PPO, 10 x the rate": {"gamma": 0.0, "learning_rate": 2e-2},
}


def scored(model, count: int = 256) -> float:
    held = [[*chain(4 + n % 9, 9000 + n).tolist(), MARK] for n in range(count)]
    made = rollouts.answers(model, held, range(count), seed=77, limit=KEYS["answer_tokens"], end=END)
    return sum(wanted(prompt, answer) for prompt, answer in zip(held, made, strict=True)) / count


def one(root: Path, seed: int, iterations: int, keys: dict[str, float]) -> dict[str, float] | None:
    """Score, tax and KL at the end; None where a number was not finite."""
    k = PPO(**{**KEYS, "value_learning_rate": keys["learning_rate"], **keys, "seed": seed, "episodes": iterations * 64})
    policy = copy.deepcopy(score.load(root / "model")[0])
    before = web_loss(policy, root)
    with tempfile.TemporaryDirectory() as out:
        try:
            ppo.train(Path(out), k, policy, in_epochs(prompts(64), 1), each(wanted), END, Machine(k.machine()),
                      windows=windows(root))  # fmt: skip
        except Diverged:
            return None
        kl = json.loads((Path(out) / "metrics.jsonl").read_text().splitlines()[-1])["kl"]
    return {"score": scored(policy), "tax": web_loss(policy, root) - before, "kl": kl}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=14)
    asked = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        root = pretrained(Path(folder), train.main, updates=120)
        start = scored(score.load(root / "model")[0])
        print(f"the start's score is {start:.2f}; {asked.iterations} iterations of 64 episodes, {asked.seeds} seeds\n")
        print(f"{'':<22}{'score':>18}{'KL, nats':>18}{'tax, nats a token':>22}{'collapsed':>11}")
        for name, keys in SETTINGS.items():
            runs = [one(root, seed, asked.iterations, keys) for seed in range(1, asked.seeds + 1)]
            ended = [run for run in runs if run is not None]
            collapsed = sum(run is None or run["score"] < 2 * start for run in runs)
            told = []
            for figure in ("score", "kl", "tax"):
                values = sorted(run[figure] for run in ended) or [float("nan")]
                told.append(f"{statistics.median(values):.2f} ({values[0]:.2f}..{values[-1]:.2f})")
            print(f"{name:<22}{told[0]:>18}{told[1]:>18}{told[2]:>22}{collapsed:>8} of {len(runs)}", flush=True)
            results[name] = {"runs": runs, "collapsed": collapsed}
    out = Path(__file__).parent / "results/ppo_seeds.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"start": start, "settings": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
