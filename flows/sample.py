"""`millrace sample`: texts that follow a prompt; drawn, or the best of a beam; or drafted by a smaller model."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from flows.models import Chosen, mistakes
from tasks.runtime.errors import Mistake

if TYPE_CHECKING:
    from model.gpt import GPT
    from model.sampling import Sampling
    from model.tokenizer import Tokenizer

MEASURED = 48  # tokens without the draft, to compare with: seconds, where a text is read in


@dataclass(frozen=True)
class Asked:
    """The command's options."""

    prompt: str
    tokens: int
    count: int
    temperature: float
    top_k: int | None
    top_p: float | None
    stop: list[str]
    seed: int
    beams: int | None

    def sampling(self) -> "Sampling":
        from model.sampling import Sampling

        with mistakes():
            return Sampling(self.temperature, self.top_k, self.top_p)


def show(out: Console, model: Chosen, draft: Chosen | None, asked: Asked, say: Callable[[str], None]) -> None:
    """Print the texts, each after its prompt; what is to be said of them goes to `say`.

    Raises:
        Mistake: options that contradict each other, or a draft of another tokenizer.
    """
    sampling = asked.sampling()
    gpt, tokenizer, about = model.load()
    if asked.beams is not None:
        texts = _beams(gpt, tokenizer, asked, draft)
    elif draft is not None:
        small, _, about_small = draft.load()
        if about["tokenizer_sha256"] != about_small["tokenizer_sha256"]:
            raise Mistake(f"the draft {draft.name} has another tokenizer than {model.name}: give one of the same")
        texts = _drafted(gpt, small, tokenizer, asked, sampling, say)
    else:
        from model.generate import complete

        texts = complete(
            gpt, tokenizer, asked.prompt, limit=asked.tokens, stop=asked.stop, count=asked.count, sampling=sampling,
            seed=asked.seed,
        )  # fmt: skip
    for number, text in enumerate(texts, 1):
        if len(texts) > 1:
            out.print(f"--- {number} of {len(texts)}", highlight=False, markup=False)
        out.print(asked.prompt + text, highlight=False, markup=False, soft_wrap=True, emoji=False)


def _beams(gpt: "GPT", tokenizer: "Tokenizer", asked: Asked, draft: Chosen | None) -> list[str]:
    from model.generate import Text, beam

    assert asked.beams is not None
    if draft is not None or (asked.temperature, asked.top_k, asked.top_p) != (1.0, None, None):
        raise Mistake("--beams draws nothing: it takes no --temperature, --top-k, --top-p or --draft")
    if asked.count > asked.beams:
        raise Mistake(f"--count {asked.count} of --beams {asked.beams}: a beam gives as many texts as it is wide")
    texts = []
    prompt = tokenizer.encode(asked.prompt)
    for ids, _ in beam(gpt, prompt, limit=asked.tokens, width=asked.beams)[: asked.count]:
        text = Text(tokenizer, asked.stop)
        for token in ids:
            text.add(token)
        texts.append(text.so_far)
    return texts


def _drafted(
    gpt: "GPT", small: "GPT", tokenizer: "Tokenizer", asked: Asked, sampling: "Sampling", say: Callable[[str], None]
) -> list[str]:
    from model import generate, speculative

    prompt, tally, texts = tokenizer.encode(asked.prompt), speculative.Tally(), []
    with mistakes():
        speculative.require_fits(gpt, small)
    for row in range(asked.count):
        text = generate.Text(tokenizer, asked.stop)
        for token in speculative.tokens(
            gpt, small, prompt, limit=asked.tokens, sampling=sampling, seed=asked.seed, row=row,
            end=tokenizer.end_of_text, tally=tally,
        ):  # fmt: skip
            text.add(token)
            if text.stopped:
                break
        texts.append(text.so_far)
    if tally.acceptance is None or not tally.made:
        say("nothing was drafted: the texts are too short")
        return texts
    began = time.monotonic()
    alone = sum(1 for _ in generate.tokens(gpt, prompt, limit=min(MEASURED, asked.tokens), sampling=sampling))
    without, with_draft = (time.monotonic() - began) / alone, tally.seconds / tally.made
    say(
        f"of the drafted tokens {tally.acceptance:.0%} were accepted ({tally.kept} of {tally.judged}): "
        f"{tally.made / tally.passes:.2f} tokens a pass of the large model; {with_draft * 1e3:.1f} ms a token, without "
        f"the draft {without * 1e3:.1f} (over {alone} tokens): {without / with_draft:.2f} times as fast"
    )
    return texts
