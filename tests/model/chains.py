"""A language whose law is known, a store of it, a model pretrained on it, and prompts: what PPO's tests learn from.

Letters follow one another by a Markov chain: four may follow each, at .55, .25, .15 and .05 (1.09 nats a letter). A
document ends with a period, after 40 letters on average. Prompts end with a mark that the text never has, as messages
with roles do: what is taught there need cost nothing elsewhere.
"""

import numpy as np
import yaml
from bytewise import END, write_tokenizer
from mixtures_made import write_mixture, write_source

from model.gpt import GPT
from model.score import window_losses
from model.windows import Windows

LETTERS = np.arange(ord("a"), ord("z") + 1)
PERIOD, MARK, WANTED = ord("."), 2, ord("q")
SHARES = [0.55, 0.25, 0.15, 0.05]
CONTEXT = 48
MODEL = {"layers": 2, "width": 64, "heads": 2, "context": CONTEXT, "vocabulary": END + 1}


def chain(length: int, seed: int) -> np.ndarray:
    """Tokens of the language, documents one after another."""
    law = np.random.default_rng(0)
    after = {letter: law.choice(LETTERS, 4, replace=False) for letter in LETTERS.tolist()}
    draw = np.random.default_rng(seed)
    picks, ends = draw.choice(4, length, p=SHARES), draw.random(length) < 1 / 40
    tokens = [int(draw.choice(LETTERS))]
    for pick, end in zip(picks, ends, strict=True):
        tokens += [PERIOD, END, int(draw.choice(LETTERS))] if end else [int(after[tokens[-1]][pick])]
    return np.array(tokens[:length])


def prompts(count: int) -> list[list[int]]:
    """Four to twelve letters, and the mark."""
    return [[*chain(4 + n % 9, 1000 + n).tolist(), MARK] for n in range(count)]


def wanted(prompt: list[int], answer: list[int]) -> float:
    """The rule: how often the answer has one letter. (1 / 26 of all, or so.)"""
    return float(answer.count(WANTED))


def pretrained(root, train, updates: int = 150):
    """A store with mixture.json, tokenizer.json, and model/, trained on 5 x the tokens that it holds. `train`: that of
    model.train, called in this process."""
    entry = write_source(root / "tokens/web", [(chain(60_000, 1), chain(3_000, 2))])
    write_mixture(root / "mixture.json", [("web", 1, [entry])])
    write_tokenizer(root / "tokenizer.json")
    training = {
        "updates": updates, "batch": 32 * CONTEXT, "micro_batch": 32, "learning_rate": 4e-3, "warm_up": 20,
        "beta2": 0.98, "threads": 1, "device": "cpu", "checkpoint_every": 1000, "validate_every": 1000,
    }  # fmt: skip
    run = {"out": str(root / "model"), "store": str(root), "mixture": str(root / "mixture.json"),
           "tokenizer": str(root / "tokenizer.json"), "model": MODEL, "train": training}  # fmt: skip
    (root / "run.yaml").write_text(yaml.safe_dump(run))
    train(root / "run.yaml")
    return root


def windows(root) -> Windows:
    return Windows(root / "mixture.json", root, CONTEXT, END + 1, 1)


def web_loss(model: GPT, root) -> float:
    """Nats a token of the text that was held out."""
    read = list(windows(root).validation["web"].read(64))
    losses = window_losses(model, read)
    return sum(nats for nats, _ in losses) / sum(count for _, count in losses)
