"""Prompts as tokens: solved examples, question and answers, as many examples as the model's context holds.

The boundary of tokens between context and answer is lm-evaluation-harness's: blanks at the context's end belong to the
answer; context + answer are encoded as one text, and what exceeds the context's own tokens is the answer's. Where the
answer would have no token of its own, it is encoded by itself.

Nothing is cut. Where a prompt does not fit, the example of most tokens leaves first (of equals, the first), as GPT-3
fits K to its context; an item that does not fit without any is not asked, and its fault says by how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from model.tokenizer import Tokenizer
from tasks.evaluation.asking.way import Question, Unaskable, Way

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Prompt:
    """One item's prompt. `pairs`: of each answer its context and its own tokens; none of free form."""

    text: str
    shots: int
    tokens: Ids  # of `text`
    pairs: tuple[tuple[Ids, Ids], ...]


def prompt(way: Way, question: Question, examples: Sequence[str], tokenizer: Tokenizer, context: int) -> Prompt:
    """The prompt of an item after those of its solved `examples` that fit; `context`: tokens that the model reads.

    Of free form, examples leave `way.length` tokens for the answer; without any, one is enough, and the answer may end
    where the context does.

    Raises:
        Unaskable: an answer is empty, or the item does not fit without any example.
    """
    kept = list(examples)
    sizes = [len(tokenizer.encode(example + way.between)) for example in kept]
    room = context + len(kept)  # a token is gained at most where two texts meet
    while sum(sizes) > room:  # these leave before anything is encoded as one text
        _leave(sizes, kept)
    while True:
        made = _made(way, question, kept, tokenizer)
        if way.form == "free":
            needed = len(made.tokens) + (way.length if kept else 1)
        else:
            needed = max(len(before) + len(answer) for before, answer in made.pairs) - 1  # the last is not read
        if needed <= context:
            return made
        if not kept:
            raise Unaskable("too long", f"it needs {needed} tokens, and the model reads {context}")
        _leave(sizes, kept)


def _leave(sizes: list[int], kept: list[str]) -> None:
    """Take out the longest."""
    out = sizes.index(max(sizes))
    del sizes[out], kept[out]


def _made(way: Way, question: Question, examples: Sequence[str], tokenizer: Tokenizer) -> Prompt:
    text = question.description + "".join(example + way.between for example in examples) + question.question
    scored = [scored_text(way, question, answer) for answer in question.answers]
    if way.form == "rest" and way.scored == "rest":
        made = [pair(tokenizer, text + answer, rest) for answer, rest in zip(question.answers, scored, strict=True)]
    else:
        delimiter = way.delimiter if way.form != "rest" else ""
        made = pairs(tokenizer, text, [delimiter + answer for answer in scored])
    return Prompt(text, len(examples), tuple(tokenizer.encode(text)), tuple(made))


def scored_text(way: Way, question: Question, answer: str) -> str:
    """The text that is scored of an answer, without the delimiter: what a reading per byte divides by."""
    if way.form != "rest":
        return answer
    return question.rest if way.scored == "rest" else answer + question.rest


def pair(tokenizer: Tokenizer, context: str, answer: str) -> tuple[Ids, Ids]:
    """The tokens of a context and of the answer that follows it.

    Raises:
        Unaskable: the answer is empty.
    """
    (only,) = pairs(tokenizer, context, [answer])
    return only


def pairs(tokenizer: Tokenizer, context: str, answers: Sequence[str]) -> list[tuple[Ids, Ids]]:
    """As `pair`, of each answer that follows one context, which is encoded once."""
    kept = context.rstrip()
    before = tuple(tokenizer.encode(kept))
    found = []
    for answer in answers:
        follows = context[len(kept) :] + answer
        if not follows:
            raise Unaskable("empty", "an answer is empty, and nothing stands between it and the question")
        whole = tokenizer.encode(kept + follows)
        found.append((before, tuple(whole[len(before) :] or tokenizer.encode(follows))))
    return found
