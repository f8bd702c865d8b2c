"""Measure: `head-answers`, what the head of a tuned model says of held-out examples, as ANSWERS (asking/table.py).

A class, or an answer of `choose`, is a choice, whose log-likelihood is the logarithm of the head's probability: so
`scores` gives accuracy, intervals and calibration as of any task. Blocks are as those of `answers`.
"""

import hashlib
from typing import Any

from model.examples import Example
from model.tokenizer import Tokenizer
from tasks.evaluation.answers import BLOCK
from tasks.evaluation.asking.table import answers_table
from tasks.models.tuned import examples_of, tuned
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.kinds.files import FILE as TOKENIZER

ROWS = 8  # examples a forward pass
OBJECTIVES = ("classify", "entail", "similar", "choose")  # whose outputs are choices


@statistics
class Asked:
    """Held-out examples that the head was asked."""

    examples: int = 0


@stage("head-answers", kind="measure", section="scores", libraries=("torch", "tokenizers", "numpy"))
def head_answers(job: Job, *, model: Artifact, examples: Artifact, step: int | None) -> Asked:
    """What a tuned model's head answered to each held-out example.

    `step`: of a snapshot.

    Raises:
        Mistake: no example is held out; the model's head has no choices.
    """
    import torch

    count = len(examples_of(examples, "validation"))
    if not count:
        raise Mistake(f"of examples {examples.name} none is held out: give `validation`, a share or files")
    if torch.cuda.is_available():  # one process has the device
        job.engine = LocalEngine(1)
    blocks = [(f"{at // BLOCK:05d}", (at, min(at + BLOCK, count))) for at in range(0, count, BLOCK)]
    return job.total(block, blocks, model=model, examples=examples, step=step)


def block(out: Output, places: tuple[int, int], *, model: Artifact, examples: Artifact, step: int | None) -> Asked:
    """The examples of these places, first and behind the last."""
    import torch

    from model.fine_tuning import evaluated

    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    trunk, task, about = tuned(model, step)
    if about["objective"] not in OBJECTIVES:
        raise Mistake(f"{model.name} learned {about['objective']}, whose outputs are no choices")
    read, numbers = examples_of(examples, "validation"), range(*places)
    tokenizer = Tokenizer(TOKENIZER, model.read(TOKENIZER), about["end_of_text"])
    probabilities: list[list[float]] = []
    for s, outputs in evaluated(trunk, task, read, numbers, ROWS):
        probabilities += task.probabilities(outputs, s).double().log().tolist()
    rows = []
    for number, logarithms in zip(numbers, probabilities, strict=True):
        example = read[number]
        prompt, choices = _told(tokenizer, about, example)
        said = logarithms[: len(choices)]
        rows.append(
            {
                "item": example.id,
                "prompt": prompt,
                "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
                "shots": 0,
                "choices": choices,
                "gold": [int(example.labels[0][0])],
                "log_likelihoods": said,
                "tokens": [1] * len(choices),  # what is read is one number
                "bytes": [len(choice.encode()) for choice in choices],
                "greedy": [one == max(said) for one in said],
            }
        )
    out.write(answers_table(rows))
    return Asked(len(rows))


def _told(tokenizer: Tokenizer, about: dict[str, Any], example: Example) -> tuple[str, list[str]]:
    """An example's text, with its added tokens, and what the choices are called."""
    if about["objective"] != "choose":
        return tokenizer.decode(example.tokens[0]), about["classes"]
    answers = [tokens[segment == 1] for tokens, segment in zip(example.tokens, example.segment, strict=True)]
    asked = tokenizer.decode(example.tokens[0][example.segment[0] == 0][:-1])  # without <|delimiter|>
    return asked, [tokenizer.decode(answer[:-1]) for answer in answers]  # without <|extract|>
