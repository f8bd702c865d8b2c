"""`millrace compare --prompts`: a person says which of two models' answers is better, not knowing whose they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from flows.label import beside, named, per_cent, serve
from flows.models import Chosen, mistakes
from model import chat
from model.chat import ASSISTANT, END, chat_tokens
from tasks.labels.asked import Asked, prompts_in
from tasks.labels.page import page
from tasks.labels.ranking import Ranking, kept_at
from tasks.labels.rate import rate
from tasks.runtime.errors import Mistake

if TYPE_CHECKING:
    from model.tokenizer import Tokenizer


@dataclass(frozen=True)
class Options:
    """The command's options beside the models."""

    prompts: Path
    path: Path | None
    labeler: str | None
    port: int
    tokens: int
    temperature: float
    seed: int


def compare(out: Console, a: Chosen, b: Chosen, asked: Options, say: Callable[[str], None]) -> None:
    """Answers by both, the page, and how often A's are preferred.

    Raises:
        Mistake: prompts, or what is in the file already, that are not as they should be; a model compared with itself.
    """
    if a.name == b.name:
        raise Mistake(f"{a.name} is compared with itself: give two models")
    who = named(asked.labeler)
    prompts = prompts_in(asked.prompts, answered=False)
    kept = kept_at(asked.path or beside(asked.prompts, f"{a.name}-{b.name}-{who}"), say)
    try:
        say(f"{a.name} and {b.name} answer {len(prompts)} prompts")
        answers = [answered(model, prompts, asked) for model in (a, b)]
        pairs = [
            Asked(one.id, one.prompt, [of_a, of_b], [a.name, b.name])
            for one, of_a, of_b in zip(prompts, *answers, strict=True)
        ]
        ranking = Ranking(pairs, kept, who, asked.seed, full=False)
        serve(out, page(ranking.content()), ranking.doors, asked.port, say)
        show(out, list(kept.said.values()), a.name, b.name, asked.seed)
        out.print(
            f"{ranking.done()} of {len(pairs)} prompts are compared: {kept.path}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    finally:
        kept.close()


def answered(model: Chosen, prompts: Sequence[Asked], asked: Options) -> list[str]:
    """A model's answer to each; draws are by (seed, the prompt's id), so that it gives the same again."""
    from model.generate import Free, generate
    from model.sampling import LIKELIEST, Sampling

    gpt, tokenizer, _ = model.load()
    roles = roles_of(model.place)
    room = gpt.architecture.context - 1
    begun = [read(tokenizer, roles, one.messages)[-max(1, room - asked.tokens) :] for one in prompts]
    with mistakes():
        sampling = Sampling(asked.temperature) if asked.temperature else LIKELIEST
        keys = tuple(f"{model.name} {one.id}" for one in prompts)
        stop = (END,) if roles else ()
        made = generate(gpt, tokenizer, begun, Free(asked.tokens, stop, sampling=sampling, seed=asked.seed, keys=keys))
    return [texts[0] for texts in made]


def roles_of(folder: Path) -> dict[str, int]:
    """Ids of the tokens that a chat's tokenizer has for roles; {} of a model that has none."""
    from tasks.models.files import MODEL_FILES

    found = chat.roles_of((folder / MODEL_FILES[2]).read_bytes())
    return found if {ASSISTANT, END} <= found.keys() else {}


def read(tokenizer: "Tokenizer", roles: dict[str, int], messages: Sequence[dict[str, Any]]) -> list[int]:
    """Messages up to where the assistant begins; to a model without roles their texts, an empty line between."""
    if not roles:
        return tokenizer.encode("\n\n".join(one["content"] for one in messages))
    with mistakes():
        return chat_tokens(tokenizer, roles, messages)


def show(out: Console, records: Sequence[dict[str, Any]], a: str, b: str, seed: int) -> None:
    """How often A is preferred, with its interval."""
    told = rate(records, a, b, seed)
    if told.value is None:
        out.print("Nothing is compared yet.", highlight=False)
        return
    people = "1 person" if told.labelers == 1 else f"{told.labelers} people"
    out.print(
        f"{a} is better than {b} in {per_cent(told.value, told.within)}: {told.won} won, {told.lost} lost, "
        f"{told.equal} equal (half each), of {told.prompts} prompts by {people}",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
