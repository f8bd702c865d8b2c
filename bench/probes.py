"""Texts of the bias probes: 800 of 50 tokens after one prompt, temperature 1, top-p .9 (GPT-3, section 6.2).

    python bench/probes.py [--samples 800] [--tokens 50]

tasks/evaluation/probes/sampled.py, which draws from the nucleus without sorting the vocabulary, beside model.generate's
`generate`, which sorts; both in this process, on one thread, float32, CPU seconds. The model is as initialised, about a
million parameters in two shapes: nearly all of the vocabulary is in the nucleus, the worst case for both.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from model.config import Architecture
from model.generate import Free, generate
from model.gpt import GPT
from model.sampling import Sampling
from tasks.evaluation.probes.prompts import TEMPERATURE, TOP_P
from tasks.evaluation.probes.sampled import Asked, texts

SHAPES = {"2 layers of 128, 4,096 tokens": (2, 128, 4096), "5 layers of 128, 512 tokens": (5, 128, 512)}
PROMPT = [5, 6, 7]
RESULTS = Path(__file__).parent / "results" / "probes.json"


class Ids:
    """A tokenizer whose text is the ids."""

    def __init__(self, end: int) -> None:
        self.end_of_text = end

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=800)
    parser.add_argument("--tokens", type=int, default=50)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name, (layers, width, vocabulary) in SHAPES.items():
        architecture = Architecture(layers=layers, width=width, heads=4, context=128, vocabulary=vocabulary)
        model = GPT(architecture).initialise(1).eval()
        model.end_of_text = vocabulary - 1
        words = Ids(vocabulary - 1)
        start = time.process_time()
        texts(
            model, words, [Asked("bench", PROMPT)],
            samples=asked.samples, limit=asked.tokens, temperature=TEMPERATURE, top_p=TOP_P, seed=1,
        )  # fmt: skip
        ours = time.process_time() - start
        start = time.process_time()
        how = Free(asked.tokens, samples=asked.samples, sampling=Sampling(TEMPERATURE, None, TOP_P))
        generate(model, words, [PROMPT], how)  # type: ignore[arg-type]
        sorting = time.process_time() - start
        parameters = sum(weights.numel() for weights in model.parameters())
        rows.append({"model": name, "parameters": parameters, "sampled": ours, "generate": sorting})
    print(f"{asked.samples} texts of {asked.tokens} tokens, CPU seconds")
    print(f"{'model':32}{'parameters':>12}{'sampled.py':>12}{'generate':>12}{'ratio':>8}")
    for row in rows:
        ratio = row["generate"] / row["sampled"]
        print(f"{row['model']:32}{row['parameters']:>12,}{row['sampled']:>12.1f}{row['generate']:>12.1f}{ratio:>8.1f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"samples": asked.samples, "tokens": asked.tokens, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
