"""Measure: `perplexity`, a model's loss on a sample of each source's validation split."""

import math
import os
from collections.abc import Iterator
from dataclasses import field
from typing import Any

import numpy as np

from tasks.evaluation.own_tokens import sample_of
from tasks.models.files import model_folder
from tasks.models.loader import windows_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.mixture import EVALUATED
from tasks.tokens.tokenizer import end_of_text_of, tokenizer_file


@statistics
class HeldOut:
    """Loss in nats per token on the sample of a source's validation split, its exponential, and tokens predicted.

    `stderr`: the loss's standard error; None where the sample is of one document. Windows and documents of the sample.
    `bits_per_byte`: the loss in bits a byte of text, which models of different tokenizers can be compared by; the bytes
    are those of the tokens decoded, to within 3 a window.
    """

    loss: float = 0.0
    perplexity: float = 0.0
    tokens: int = 0
    stderr: float | None = None
    windows: int = 0
    documents: int = 0
    bits_per_byte: float | None = None


@statistics
class Perplexities:
    """By source."""

    sources: dict[str, HeldOut] = field(default_factory=dict)


@stage("perplexity", kind="measure", section="scores", libraries=("torch", "tokenizers", "numpy"))
def perplexity(
    job: Job,
    *,
    model: Artifact,
    mixture: Artifact | None = None,
    tokens: dict[str, Artifact] | None = None,
    tokenizer: Artifact | None = None,
    seed: int,
) -> Perplexities:
    """A model's loss on the validation text of each source; in the statistics alone.

    A model trained here is asked the held-out windows that its `mixture` names; one that came in, the same text in its
    own tokens (own_tokens.py), decoded from the pipeline's `tokens` by the pipeline's `tokenizer`.
    """
    # As model/train.py does, and before torch starts: OpenMP's threads otherwise spin while they wait.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from model.score import load

    gpt, own, _ = load(model_folder(model), "cuda" if torch.cuda.is_available() else "cpu")
    if mixture is not None:
        return Perplexities(_scored(gpt, own, _of_mixture(gpt, mixture)))
    assert tokens is not None and tokenizer is not None
    return Perplexities(_scored(gpt, own, _in_own_tokens(gpt, own, tokens, tokenizer, seed)))


Sampled = tuple[str, list[Any], list[str]]  # a source, its windows, the document of each


def _of_mixture(gpt: Any, mixture: Artifact) -> Iterator[Sampled]:
    """The windows that the mixture names of each source."""
    with windows_of(mixture, gpt.architecture.context, gpt.architecture.vocabulary, 0) as windows:
        for source, held_out in windows.validation.items():
            yield source, list(held_out.read()), held_out.documents()


def _in_own_tokens(
    gpt: Any, own: Any, tokens: dict[str, Artifact], tokenizer: Artifact, seed: int
) -> Iterator[Sampled]:
    """As many windows of each source, in the model's own tokens."""
    from model.tokenizer import Tokenizer

    by = Tokenizer(tokenizer_file(tokenizer), end_of_text=end_of_text_of(tokenizer))
    for source, artifact in tokens.items():
        yield source, *sample_of(artifact, by, own, gpt.architecture.context, EVALUATED, seed)


def _scored(gpt: Any, own: Any, samples: Iterator[Sampled]) -> dict[str, HeldOut]:
    """Loss in nats per token, and its exponential, on each source's sample; sources without any are left out."""
    from model.held_out import estimate
    from model.score import window_losses

    scored = {}
    for source, windows, documents in samples:
        found = estimate(window_losses(gpt, windows), documents)
        if found is None:
            continue
        size = sum(len(own.decode(t for t in window[1:] if t != own.end_of_text).encode()) for window in windows)
        scored[source] = HeldOut(
            loss=round(found.loss, 6),
            perplexity=round(float(np.exp(found.loss)), 4),
            tokens=found.tokens,
            stderr=None if found.stderr is None else round(found.stderr, 6),
            windows=found.windows,
            documents=found.documents,
            bits_per_byte=round(found.loss * found.tokens / math.log(2) / size, 6) if size else None,
        )
    return scored
