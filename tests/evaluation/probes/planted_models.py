"""Models whose logits are known: a model that reads nothing says the same law after every text.

With the position table at zero, one layer whose parts add nothing, the final norm's gain at zero and its bias b, the
state is b everywhere, and the logit of token t is E[t] . b. With b the first unit vector it is E[t, 0].
"""

from pathlib import Path
from typing import Any

import torch

from model.config import Architecture
from model.gpt import GPT


class Words:
    """A tokenizer of whole words, each with the space before it: enough to plant a law over words."""

    def __init__(self, words: list[str]) -> None:
        self.words = [*words, "<|endoftext|>"]
        self.ids = {word: n for n, word in enumerate(self.words)}
        self.end_of_text = len(words)

    def encode(self, text: str) -> list[int]:
        """Ids of the words, what is not a word of the vocabulary being 0."""
        pieces = [f" {word}" for word in text.split()]
        if pieces and not text.startswith(" "):
            pieces[0] = pieces[0][1:]
        return [self.ids.get(piece, 0) for piece in pieces]

    def decode(self, ids: list[int]) -> str:
        return "".join(self.words[n] for n in ids)


def planted(logits: list[float], context: int = 64, width: int = 8) -> GPT:
    """A model that gives these logits after every text; the last is of <|endoftext|>."""
    model = GPT(Architecture(layers=1, width=width, heads=2, context=context, vocabulary=len(logits)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.tokens.weight[:, 0] = torch.tensor(logits)
        model.norm.bias[0] = 1.0  # type: ignore[index, operator]
    model.end_of_text = len(logits) - 1
    return model.eval()


def write(path: Path, text: str) -> list[dict[str, Any]]:
    """A user's file, as a stage is given it."""
    path.write_text(text)
    return [{"path": str(path)}]
