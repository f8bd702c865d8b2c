"""The plain twin of model.likelihood: one forward pass a continuation, all logits, nothing shared."""

from collections.abc import Sequence

import torch

from model.gpt import GPT
from model.likelihood import Asked, Likelihood


@torch.no_grad()
def likelihoods(model: GPT, asked: Sequence[Asked]) -> list[list[Likelihood]]:
    """As model.likelihood.likelihoods, to float32's error; not rounded."""
    answers = []
    for one in asked:
        row = []
        for continuation in one.continuations:
            line = torch.tensor([[*(one.context or (model.end_of_text,)), *continuation]])
            with model.as_trained():
                states = model.hidden(line[:, :-1])[0, -len(continuation) :]  # (n, C)
            laws = (states.float() @ model.tokens.weight.T).double().log_softmax(-1)  # (n, V)
            targets = line[0, -len(continuation) :]
            total = float(laws[torch.arange(len(targets)), targets].sum())
            row.append(Likelihood(total, len(targets), bool((laws.argmax(-1) == targets).all())))
        answers.append(row)
    return answers
