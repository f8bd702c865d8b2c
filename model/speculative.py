"""Speculative decoding: a small model drafts some tokens ahead, the large one reads them all in one pass.

Of each drafted token x, with q the draft's law and p the large model's: it is kept with probability min(1, p(x)/q(x));
the first that is not is replaced by a draw from max(0, p - q), brought to sum 1, and what was drafted behind it is
dropped. Where all are kept the pass gives one token more. What comes out has the large model's own law, whatever the
draft says (Leviathan et al., 2023, algorithm 1 and appendix A.1; Chen et al., 2023, algorithm 2); temperature, top-k
and top-p are part of both laws.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from model.generate import beginning
from model.gpt import GPT
from model.reader import Reader
from model.sampling import Sampling, drawn, generator

AHEAD = 4  # tokens drafted a pass: Leviathan et al., figure 2, has 3 to 5 for acceptance of .6 to .8 and a cheap draft


@dataclass
class Tally:
    """What a speculation has come to."""

    made: int = 0  # tokens
    passes: int = 0  # of the large model
    judged: int = 0  # drafted tokens that the large model judged; those behind a refused one are not
    kept: int = 0
    seconds: float = 0.0

    @property
    def acceptance(self) -> float | None:
        """The share of judged tokens that were kept: an estimate of Leviathan's alpha. None where none was judged."""
        return self.kept / self.judged if self.judged else None


def require_fits(target: GPT, draft: GPT) -> None:
    """Raise ValueError where a draft's tokens are not the large model's; that they are one tokenizer's, the caller
    knows."""
    if target.architecture.vocabulary != draft.architecture.vocabulary or target.end_of_text != draft.end_of_text:
        raise ValueError("the draft has another vocabulary than the model: give one of the same tokenizer")


def tokens(
    target: GPT, draft: GPT, prompt: Sequence[int], *, limit: int, sampling: Sampling = Sampling(), seed: int = 1,
    row: int = 0, end: int | None = None, ahead: int = AHEAD, tally: Tally | None = None,
) -> Iterator[int]:  # fmt: skip
    """As generate.tokens, of the same law; other tokens for the same seed, but at temperature 0. `tally` is added to.

    ValueError where the vocabularies differ.
    """
    require_fits(target, draft)
    tally = Tally() if tally is None else tally
    draw = generator(seed, row)
    large, small = Reader(target), Reader(draft)
    text = beginning(target, prompt)
    stop = len(text) + limit
    while len(text) < stop:
        began, before = time.monotonic(), len(text)
        drafts = []  # the laws that the tokens behind `before` were drawn from
        for _ in range(min(ahead, stop - before - 1, large.room(before))):
            drafts.append(sampling.law(small.logits([text])[0, -1]))
            text.append(drawn(drafts[-1], draw))
        laws = [sampling.law(logits) for logits in large.logits([text], last=len(drafts) + 1)[0]]
        kept = before
        token: int | None = None
        for p, q in zip(laws, drafts, strict=False):
            x = text[kept]
            tally.judged += 1
            if float(torch.rand((), generator=draw, dtype=torch.float64)) * q[x] >= p[x]:
                rest = (p - q).clamp_min(0)
                # p and q equal to the last bits leave nothing: then x is as good a draw of p, and this has no weight.
                token = drawn(rest / rest.sum(), draw) if rest.sum() > 0 else x
                break
            tally.kept += 1
            kept += 1
        if token is None:
            token = drawn(laws[-1], draw)
        del text[kept:]
        large.forget(kept)
        small.forget(kept)
        text.append(token)
        tally.passes += 1
        tally.seconds += time.monotonic() - began
        for new in text[before:]:
            if new == end:
                return
            tally.made += 1
            yield new
