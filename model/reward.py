"""The reward model (Ouyang et al. 2022, section 3.5 and appendix C.2): how good an answer is to its prompt, a number.

A head of one number reads the state of the last token, the answer's <|end|>. What is learned are differences
(model/preferences.py); a constant added to all rewards changes no loss. So after the training the head's bias is set
so that demonstrations have a reward of 0 on average, which gives a policy's rewards a meaning: above or below people.

    Reward(folder, device).of([prompt + answer, ...]) -> (n,) float32, on the CPU
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from model import headed
from model.gpt import GPT
from model.likelihood import CHUNK
from model.prefixes import Lines, Stack

KIND = "reward"  # of a head that gives one


class Reward:
    """A finished reward model, in evaluation mode. ValueError where the folder holds none."""

    def __init__(self, folder: str | Path, device: str = "cpu") -> None:
        trunk, head, about = headed.load(folder, device)
        if head is None or about["head"]["kind"] != KIND:
            kind = "no head" if head is None else f"a head for {about['head']['kind']}"
            raise ValueError(f"{folder} has {kind}: it is no reward model (`objective: reward`)")
        self.trunk, self.head, self.about = trunk, head, about

    def of(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Rewards of prompts with their answers, token ids to the last <|end|> each: (n,) float32, on the CPU."""
        return rewards_of(self.trunk, self.head, sequences)


@torch.inference_mode()
def rewards_of(trunk: GPT, head: nn.Linear, sequences: Sequence[Sequence[int]]) -> Tensor:
    """The same bits whatever is asked beside, in whatever order (model/prefixes.py); answers to one prompt are read
    after one reading of it. ValueError for a sequence without a token, or of more than the context."""
    if not sequences:
        return torch.zeros(0)
    context = trunk.architecture.context
    for number, sequence in enumerate(sequences):
        if not 1 <= len(sequence) <= context:
            raise ValueError(f"sequence {number} has {len(sequence)} tokens: a reward is of 1 to {context}")
    lines = [tuple(sequence) for sequence in sequences]
    order = sorted(range(len(lines)), key=lines.__getitem__)
    reading = Lines(Stack(trunk, max(map(len, lines)), CHUNK[trunk.tokens.weight.device.type]))
    with trunk.as_trained():
        states = reading.read([(lines[n], _nobody) for n in order])  # (n, C)
    rewards = torch.empty(len(lines))
    # In float64, a row by itself: a product of n rows would have last bits that hang on n.
    rewards[order] = ((states.double() * head.weight[0].double()).sum(1) + head.bias.double()).float().cpu()
    return rewards


def _nobody(layer: int, held: Tensor) -> None:
    """Takes no keys and values: nothing goes on from a line."""
