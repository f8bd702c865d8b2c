"""What generating costs: with and without the cache, in batches, and with a draft; CPU seconds, in the same run.

    python bench/generate.py [--rounds 3] [--tokens 32]

A model of GPT-2's width (768, 6 layers, 50,257 tokens) as it is initialised, after a prompt of 128 tokens, on one
thread. The draft has 1 layer of width 192. Two models that know nothing have laws that are near one another: the
acceptance printed is far above that of trained ones, and the gain the most that such a draft can give; a second line
has the gain that Leviathan et al. (2023), theorem 3.8, give for the acceptances of trained models (their table 3: .5 to
.8), from the costs measured here. Each way takes its turn a round; the least of the rounds counts.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from model import generate, speculative
from model.config import Architecture
from model.gpt import GPT

PROMPT, BATCH = 128, 8


def made(layers: int, width: int) -> GPT:
    model = GPT(Architecture(layers=layers, width=width, heads=width // 64, context=1024)).initialise(layers).eval()
    model.end_of_text = 50256
    return model


def seconds(work: Callable[[], int]) -> float:
    """CPU seconds a token."""
    began = time.process_time()
    count = work()
    return (time.process_time() - began) / count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=32)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    large, small = made(6, 768), made(1, 192)
    prompt = torch.randint(0, 50257, (PROMPT,), generator=torch.Generator().manual_seed(1)).tolist()
    tally = speculative.Tally()
    n = asked.tokens

    def plain(model: GPT, cache: bool = True) -> int:
        return sum(1 for _ in generate.tokens(model, prompt, limit=n, cache=cache))

    ways: dict[str, Callable[[], int]] = {
        "no cache": lambda: plain(large, cache=False),
        "cache": lambda: plain(large),
        f"cache, {BATCH} texts": lambda: BATCH * sum(1 for _ in generate.batch(large, prompt, BATCH, limit=n)),
        "the draft alone": lambda: plain(small),
        "with the draft": lambda: sum(1 for _ in speculative.tokens(large, small, prompt, limit=n, tally=tally)),
    }
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(asked.rounds):
        for name, work in ways.items():
            least[name] = min(least[name], seconds(work))
    print(f"{'':20}{'ms a token':>12}{'times as fast as the cache':>30}")
    for name, cost in least.items():
        print(f"{name:20}{cost * 1e3:12.1f}{least['cache'] / cost:30.2f}")
    assert tally.acceptance is not None
    cost = least["the draft alone"] / least["cache"]
    print(f"accepted {tally.acceptance:.0%}, {tally.made / tally.passes:.2f} tokens a pass; a draft costs {cost:.3f}")
    theory = {}
    for alpha in (0.5, 0.6, 0.7, 0.8):
        ahead = speculative.AHEAD
        theory[alpha] = (1 - alpha ** (ahead + 1)) / ((1 - alpha) * (ahead * cost + 1))
    print("by theorem 3.8: " + ", ".join(f"{alpha:.0%}: {gain:.2f}" for alpha, gain in theory.items()))
    out = Path(__file__).parent / "results/generate.json"
    out.parent.mkdir(exist_ok=True)
    figures = {"seconds": least, "acceptance": tally.acceptance, "passes": tally.passes, "made": tally.made}
    out.write_text(json.dumps({**figures, "theory": {str(alpha): gain for alpha, gain in theory.items()}}, indent=1))


if __name__ == "__main__":
    main()
