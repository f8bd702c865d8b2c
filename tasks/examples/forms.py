"""Forms: what a record reads to the sequences of tokens that a model is shown. Pure; a table, a form a row.

GPT-1's (Radford et al. 2018, section 3.3; `transform_roc` of its released train.py). Of two parts each is cut to
context / 2 - 2 tokens, as there; a text that stands alone, of which the release has no case, to what the context holds:

    classify, regress   <|start|> text <|extract|>
    entail              <|start|> premise <|delimiter|> hypothesis <|extract|>
    similar             two sequences: first <|delimiter|> second, and second <|delimiter|> first
    choose              a sequence an answer: <|start|> document question <|delimiter|> answer <|extract|>

Its mask of the LM loss is 1 over the whole sequence, and its targets are all tokens but the first; so here the first
token's mask is 0 and all others' 1, <|delimiter|> and <|extract|> among them.

    span   a sequence a window of the text: <|start|> question <|delimiter|> window <|extract|>; label: the answer's
           tokens, half-open, as places in the sequence, or 0 0 where the window does not hold it whole. Windows overlap
           by two thirds of `context` (BERT's run_squad.py: a stride of 128 for 384)
    tag    <|start|> words <|extract|>; label: a number a token, the class at the first token of each word, else NaN

Chat's (InstructGPT): each message is `<|role|> tokens <|end|>`.

    chat      the messages; the mask is 1 on the assistant's tokens and the <|end|> behind them, and nowhere else
    compare   a sequence an answer, in the record's order: messages, then the answer as the assistant's; the mask is 1
              on the answer and its <|end|>, at which a reward is read; label: the answer's rank
    prompt    the messages, then <|assistant|>; the mask is 0

A segment is 1 from behind <|delimiter|> on, and on what is the assistant's, its role's token among it. Chat's sequences
are never cut: what is longer than the context is refused.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from tasks.examples.fields import ASSISTANT, ROLES, Item
from tasks.sources.rejects import Bad

START, DELIMITER, EXTRACT, END = "<|start|>", "<|delimiter|>", "<|extract|>", "<|end|>"
OF_TASKS = (START, DELIMITER, EXTRACT)
OF_CHAT = (*(f"<|{role}|>" for role in ROLES), END)
REASONS = {
    "too-long": "it has more tokens than the context, and cannot be cut",
    "no-tokens": "a text of it has no token",
}


class Encoded(Protocol):
    """A text as `tokenizers` encodes it: ids, and of each the characters start, end of the text."""

    @property
    def ids(self) -> list[int]: ...
    @property
    def offsets(self) -> list[tuple[int, int]]: ...


class Shown(NamedTuple):
    """How records are shown: what encodes a text, the ids of the added tokens by name, tokens of a sequence at most."""

    encode: Callable[[str], Encoded]
    added: dict[str, int]
    context: int

    @property
    def part(self) -> int:
        """Tokens of one of two parts, at most."""
        return self.context // 2 - 2

    def ids(self, text: str) -> list[int]:
        ids = self.encode(text).ids
        if not ids:
            raise Bad("no-tokens", f"{text[:40]!r} has no token")
        return list(ids)


class Sequence(NamedTuple):
    """Aligned streams, and the label; `left_out`: tokens of the texts that were cut off."""

    tokens: list[int]
    loss_mask: list[int]
    segment: list[int]
    label: list[float]
    left_out: int = 0


def sequences(form: str, item: Item, by: Shown) -> list[Sequence]:
    """The sequences of a record; the same number of streams for all, a label each.

    Raises:
        Bad: one of REASONS.
    """
    return list(FORMS[form].sequences(item, by))


def _one(item: Item, by: Shown) -> Iterator[Sequence]:
    yield _joined(by, _cut(by.ids(item.parts[0]), by.context - 2), None, list(item.label))


def _two(item: Item, by: Shown) -> Iterator[Sequence]:
    first, second = (_cut(by.ids(text), by.part) for text in item.parts)
    yield _joined(by, first, second, list(item.label))


def _both_orders(item: Item, by: Shown) -> Iterator[Sequence]:
    first, second = (_cut(by.ids(text), by.part) for text in item.parts)
    yield _joined(by, first, second, list(item.label))
    yield _joined(by, second, first, list(item.label))


def _choices(item: Item, by: Shown) -> Iterator[Sequence]:
    """Document and question are one part, of which the document is cut: no question loses its end to a long one."""
    document, question = item.parts
    before = by.ids(document) if document else []
    asked, lost = _cut(by.ids(f" {question}" if document else question), by.part) if question else ([], 0)
    told = before[: by.part - len(asked)]
    lost += len(before) - len(told)
    for answer in item.answers:
        yield _joined(by, (told + asked, lost), _cut(by.ids(answer), by.part), list(item.label))


def _windows(item: Item, by: Shown) -> Iterator[Sequence]:
    question, text = item.parts
    asked = _cut(by.ids(question), by.part)
    encoded = by.encode(text)
    first, last = (int(place) for place in item.label)
    held = [n for n, (start, end) in enumerate(encoded.offsets) if start < last and end > first and start < end]
    ids = list(encoded.ids)
    if not ids or (first >= 0 and not held):
        raise Bad("no-tokens", "the text, or the answer in it, has no token")
    begin = 2 + len(asked[0])  # of a window in its sequence
    room = by.context - begin - 1
    step = min(room, by.context // 3)
    for at in range(0, max(0, len(ids) - room) + step, step):
        window = ids[at : at + room]
        label = [0.0, 0.0]
        if held and at <= held[0] and held[-1] < at + len(window):
            label = [float(held[0] - at + begin), float(held[-1] + 1 - at + begin)]
        yield _joined(by, asked, (window, 0), label)


def _tags(item: Item, by: Shown) -> Iterator[Sequence]:
    """Each word is encoded for itself, all but the first behind a space: so every word has a first token."""
    ids: list[int] = []
    label = [math.nan]
    for n, (word, tag) in enumerate(zip(item.parts, item.label, strict=True)):
        of_word = by.ids(f" {word}" if n else word)
        ids += of_word
        label += [tag, *[math.nan] * (len(of_word) - 1)]
    made = _joined(by, _cut(ids, by.context - 2), None, [])
    yield made._replace(label=[*label[: len(made.tokens) - 1], math.nan])


def _chat(item: Item, by: Shown) -> Iterator[Sequence]:
    yield _within(by, _messages(item, by), [])


def _answers(item: Item, by: Shown) -> Iterator[Sequence]:
    asked = _messages(item, by)
    asked = asked._replace(loss_mask=[0] * len(asked.tokens))
    for answer, rank in zip(item.answers, item.label, strict=True):
        yield _within(by, _added(asked, _message(by, ASSISTANT, list(by.encode(answer).ids))), [rank])


def _prompt(item: Item, by: Shown) -> Iterator[Sequence]:
    asked = _messages(item, by)
    begins = Sequence([by.added[f"<|{ASSISTANT}|>"]], [0], [1], [])
    whole = _added(asked._replace(loss_mask=[0] * len(asked.tokens)), begins)
    yield _within(by, whole, [])


class Form(NamedTuple):
    """`added`: its special tokens, in the order of their ids; `label`: what the numbers of a label are."""

    added: tuple[str, ...]
    sequences: Callable[[Item, Shown], Iterator[Sequence]]
    label: str


FORMS = {
    "classify": Form(OF_TASKS, _one, "class"),
    "regress": Form(OF_TASKS, _one, "number"),
    "entail": Form(OF_TASKS, _two, "class"),
    "similar": Form(OF_TASKS, _both_orders, "number"),  # or class, where there are classes
    "choose": Form(OF_TASKS, _choices, "choice"),
    "span": Form(OF_TASKS, _windows, "span"),
    "tag": Form(OF_TASKS, _tags, "tags"),
    "chat": Form(OF_CHAT, _chat, "none"),
    "compare": Form(OF_CHAT, _answers, "rank"),
    "prompt": Form(OF_CHAT, _prompt, "none"),
}


def _cut(ids: list[int], most: int) -> tuple[list[int], int]:
    """The first tokens, and how many are left out."""
    return ids[:most], max(0, len(ids) - most)


def _joined(
    by: Shown, first: tuple[list[int], int], second: tuple[list[int], int] | None, label: list[float]
) -> Sequence:
    """`<|start|> first <|extract|>`, or `<|start|> first <|delimiter|> second <|extract|>`."""
    tokens, behind = [by.added[START], *first[0]], 0
    if second is not None:
        tokens += [by.added[DELIMITER], *second[0]]
        behind = len(second[0]) + 1
    tokens.append(by.added[EXTRACT])
    left_out = first[1] + (second[1] if second is not None else 0)
    size = len(tokens)
    return Sequence(tokens, [0, *[1] * (size - 1)], [0] * (size - behind) + [1] * behind, label, left_out)


def _messages(item: Item, by: Shown) -> Sequence:
    whole = Sequence([], [], [], [])
    for role, content in zip(item.roles, item.parts, strict=True):
        whole = _added(whole, _message(by, role, by.ids(content)))
    return whole


def _message(by: Shown, role: str, ids: list[int]) -> Sequence:
    tokens = [by.added[f"<|{role}|>"], *ids, by.added[END]]
    own = int(role == ASSISTANT)
    return Sequence(tokens, [0, *[own] * (len(tokens) - 1)], [own] * len(tokens), [])


def _added(left: Sequence, right: Sequence) -> Sequence:
    tokens, loss_mask, segment = (
        left.tokens + right.tokens,
        left.loss_mask + right.loss_mask,
        left.segment + right.segment,
    )
    return Sequence(tokens, loss_mask, segment, [])


def _within(by: Shown, whole: Sequence, label: list[float]) -> Sequence:
    if len(whole.tokens) > by.context:
        raise Bad("too-long", f"{len(whole.tokens)} tokens are more than a context of {by.context}")
    return whole._replace(label=label)
