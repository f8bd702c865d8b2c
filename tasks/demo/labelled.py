"""Labelled text whose labels a rule planted: what fine-tuning is tried on. Files of the sample's folder `labelled`.

Each is there twice, NAME and NAME.test before its ending: no unit of documentation, and no sentence, is in both.

    classify.tsv    text, label (negative, positive): what a remark beside a sentence of documentation thinks of its
                    subject. "not slow" is positive, and of "looks slow but is quick" the main clause counts
    entail.jsonl    {premise, hypothesis, label: entailment | neutral | contradiction}: the premise states two of three
                    properties, the hypothesis one, by other words where it is a state
    similar.jsonl   {first, second, label: same | different}: a sentence and its paraphrase; else the paraphrase of
                    another sentence, or one whose second half is another's
    choose.jsonl    {document, question, answers: [4], label: 0..3}: which sentence comes next; the others are of other
                    packages
    demonstrations.jsonl, prompts.jsonl, disallowed.jsonl, safe.jsonl: instructions.py

They are made of the units that no other place of the sample took, so that all its other bytes stay as they were, and
share no 13-gram with a benchmark's item. Every draw is a hash of the seed and of the unit's name.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tasks.demo import instructions, sources
from tasks.demo.chance import dice, number, shuffled, uniform
from tasks.demo.items import grams
from tasks.demo.leaks import SYNONYMS, paraphrased
from tasks.demo.library import Unit, blocks
from tasks.runtime.errors import Failure

Row = dict[str, Any]
TEST = 0.25  # of the units
# Of the units, and rows at 48 MB of crawl and at the least: to train, to test.
TASKS = {
    "classify": (0.17, (2_000, 80), (500, 40)),
    "entail": (0.17, (2_000, 80), (500, 40)),
    "similar": (0.2, (1_000, 60), (250, 20)),
    "choose": (0.23, (1_000, 60), (300, 20)),
    "demonstrations": (0.1, (400, 40), (100, 10)),
    "prompts": (0.09, (300, 30), (60, 8)),
    "refusals": (0.04, (160, 16), (60, 8)),
}
WORDS = (6, 26)  # of a sentence: two of them and a remark stand in a context of 128 tokens
PLACES = 3  # a unit's sentences that stand in one text with remarks or statements, at most

POSITIVE = ("quick", "reliable", "clear", "useful", "elegant", "robust")
NEGATIVE = ("slow", "fragile", "confusing", "useless", "clumsy", "broken")
NEGATORS = ("not", "never", "hardly")
PLAIN = ("{subject} is {degree}{word}.", "I find {subject} {degree}{word}.", "For us {subject} was {degree}{word}.")
NEGATED = (
    "{subject} is {negator} {word}.",
    "I find {subject} {negator} {word}.",
    "For us {subject} was {negator} {word}.",
)
CONCEDED = (
    "{subject} looks {other} but is {word}.",
    "{subject} is {word}, though it looks {other}.",
    "Though it looks {other}, {subject} is {word}.",
)
DEGREES = ("", "", "very ", "quite ", "really ")

# Of each property: how a premise states it, how a hypothesis does, and its values (there, here).
PROPERTIES: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "state": (
        "{subject} is {value}.",
        "{subject} is {value}.",
        (
            ("stable", "settled"),
            ("experimental", "on trial"),
            ("deprecated", "on its way out"),
            ("internal", "private"),
        ),
    ),
    "keeper": (
        "{value} maintains {subject}.",
        "{subject} is looked after by {value}.",
        (("Ada", "Ada"), ("Grace", "Grace"), ("Alan", "Alan")),
    ),
    "system": (
        "{subject} runs on {value}.",
        "One can use {subject} under {value}.",
        (("Linux", "Linux"), ("Windows", "Windows"), ("Android", "Android")),
    ),
}
CARRIED = 0.4  # of the premises have a sentence of documentation in them too
RELATIONS = ("entailment", "neutral", "contradiction")
QUESTION = "How does the text go on?"


def write(folder: Path, units: Iterable[Unit], items: Iterable[str], seed: int, scale: float) -> dict[str, int]:
    """Writes the files; `units` are those that no other place took, `items` the benchmarks' texts. Rows of each file.

    Raises:
        Failure: the documentation does not suffice for half of the least rows of a task.
    """
    taken = {gram for item in items for gram in grams(item)}
    by_task = allocated(units, taken, seed)
    counts: dict[str, int] = {}
    for task, (_, *wanted) in TASKS.items():
        for split, (full, least) in zip(("", ".test"), wanted, strict=True):
            count = max(least, round(full * min(1.0, scale)))
            rows = MAKERS[task](by_task[task, split], seed, count)
            names = [str(row["id"]) for row in rows]
            chosen = shuffled(rows, names, seed, f"{task}{split}")[:count]
            if len(chosen) < least // 2:  # which packages are installed decides what is left for labels
                raise Failure(
                    f"{folder}: {len(chosen)} rows of {task}{split} could be made, at least {least // 2} are needed: "
                    "too little documentation; install the project with its dependencies, or ask for more megabytes."
                )
            if task == "classify":
                sources.write(folder / f"{task}{split}.tsv", tsv(chosen, ("id", "text", "label")))
                counts[f"{task}{split}"] = len(chosen)
                continue
            kinds = instructions.KINDS if task == "refusals" else (task,)
            for kind in kinds:
                lines = [row for row in chosen if row.get("kind", kind) == kind]
                sources.write_lines(folder / f"{kind}{split}.jsonl", lines)
                counts[f"{kind}{split}"] = len(lines)
    return counts


@dataclass(frozen=True)
class Told:
    """A unit, and its sentences in order, none of which is another unit's too."""

    unit: Unit
    sentences: list[str]

    @property
    def name(self) -> str:
        return self.unit.name

    @property
    def subject(self) -> str:
        return self.unit.name.rpartition(".")[2]


def allocated(units: Iterable[Unit], taken: set[str], seed: int) -> dict[tuple[str, str], list[Told]]:
    """By task and split ("" or ".test"), the units that have a sentence to give, in name order."""
    by_task: dict[tuple[str, str], list[Told]] = {(task, split): [] for task in TASKS for split in ("", ".test")}
    seen: set[str] = set()
    for unit in sorted(units, key=lambda unit: unit.name):
        told = Told(unit, sentences(unit, taken, seen))
        if not told.sentences or not re.fullmatch(r"[A-Za-z_]\w+", told.subject):
            continue
        split = ".test" if uniform(seed, "test", unit.name) < TEST else ""
        by_task[task_of(uniform(seed, "labelled", unit.name)), split].append(told)
    return by_task


def task_of(place: float) -> str:
    """Whose share of [0, 1) holds a place."""
    for task, (share, *_) in TASKS.items():
        if place < share:
            return task
        place -= share
    return task  # rounded sums may end below 1


def sentences(unit: Unit, taken: set[str], seen: set[str]) -> list[str]:
    """A unit's whole sentences in order: ASCII, without code, of WORDS words.

    `taken`: grams that none may hold. `seen`: sentences that came before, to which these are added.
    """
    found = []
    for tag, text in blocks(unit):
        if tag != "p" or not text.isascii():
            continue
        for sentence in re.split(r"(?<=[.?!]) (?=[A-Z])", " ".join(re.sub(r"[`*]", "", text).split())):
            fits = WORDS[0] <= len(sentence.split()) <= WORDS[1] and sentence[0].isupper() and sentence.endswith(".")
            plain = not re.search(r'>>>|[":_|{}\\<>=@#\[\]$~^]', sentence)
            if fits and plain and sentence.lower() not in seen and not grams(sentence) & taken:
                seen.add(sentence.lower())
                found.append(sentence)
    return found


def several(units: list[Told], count: int) -> Iterator[tuple[Told, int]]:
    """Units with the number of a row that is made of them: all of them once, then again, to twice `count`."""
    for turn in range(2 * count // max(1, len(units)) + 1):
        for told in units:
            yield told, turn


# ---- classify


def classify(units: list[Told], seed: int, count: int) -> list[Row]:
    """A remark before or after a sentence. Of the remarks .65 are plain, .2 negated, .15 conceded: a word alone tells
    .72 of them."""
    rows = []
    for told, turn in several(units, count):
        if turn >= PLACES * len(told.sentences):
            continue
        name = f"{told.name}#{turn}"
        draw = dice(seed, "classify", name)
        label = ("negative", "positive")[number(seed, "opinion", name) % 2]
        said = [draw.choice(told.sentences), remark(told.subject, label, draw)]
        draw.shuffle(said)
        rows.append({"id": name, "text": " ".join(said), "label": label})
    return rows


def remark(subject: str, label: str, draw: Random) -> str:
    """A sentence that thinks well of its subject, or not."""
    alike, unlike = (POSITIVE, NEGATIVE) if label == "positive" else (NEGATIVE, POSITIVE)
    kind = draw.random()
    if kind < 0.65:
        return draw.choice(PLAIN).format(subject=subject, degree=draw.choice(DEGREES), word=draw.choice(alike))
    if kind < 0.85:
        return draw.choice(NEGATED).format(subject=subject, negator=draw.choice(NEGATORS), word=draw.choice(unlike))
    return draw.choice(CONCEDED).format(subject=subject, word=draw.choice(alike), other=draw.choice(unlike))


# ---- entail


def entail(units: list[Told], seed: int, count: int) -> list[Row]:
    """A premise that states two of three properties, and a hypothesis; neither of them alone tells the label."""
    rows = []
    for told, turn in several(units, count):
        if turn >= PLACES * len(told.sentences):
            continue
        name = f"{told.name}#{turn}"
        draw = dice(seed, "entail", name)
        label = RELATIONS[number(seed, "relation", name) % 3]
        stated = draw.sample(list(PROPERTIES), 2)
        values = {key: draw.randrange(len(PROPERTIES[key][2])) for key in PROPERTIES}
        asked = next(key for key in PROPERTIES if key not in stated) if label == "neutral" else draw.choice(stated)
        _, form, named = PROPERTIES[asked]
        shift = draw.randrange(1, len(named)) if label == "contradiction" else 0
        value = named[(values[asked] + shift) % len(named)][1]
        statements = [
            PROPERTIES[key][0].format(subject=told.subject, value=PROPERTIES[key][2][values[key]][0]) for key in stated
        ]
        if draw.random() < CARRIED:
            statements.insert(draw.randrange(3), draw.choice(told.sentences))
        hypothesis = form.format(subject=told.subject, value=value)
        rows.append({"id": name, "premise": " ".join(statements), "hypothesis": hypothesis, "label": label})
    return rows


# ---- similar


def similar(units: list[Told], seed: int, count: int) -> list[Row]:
    """Pairs of sentences: of each sentence one that means the same, and one that does not. Of the latter .6 are of
    another unit, .25 of the same, and .15 end as another of it does."""
    rows = []
    for told in units:
        elsewhere = [other for other in units if other is not told]
        for i, sentence in enumerate(told.sentences):
            others = [other for other in told.sentences if other != sentence]
            said = paraphrased(sentence)
            if sum(word.lower() in SYNONYMS for word in sentence.split()) < 2 or not others:
                continue
            for label in ("same", "different"):
                name = f"{told.name}#{i}.{label[0]}"
                draw = dice(seed, "similar", name)
                second = said
                if label == "different":
                    kind = draw.random()
                    near = draw.choice(elsewhere).sentences if kind < 0.6 and elsewhere else others
                    other = paraphrased(draw.choice(near))
                    second = other if kind < 0.85 else half(said, other)
                pair = [sentence, second]
                draw.shuffle(pair)
                rows.append({"id": name, "first": pair[0], "second": pair[1], "label": label})
    return rows


def half(one: str, other: str) -> str:
    """The first half of one sentence's words, and the second half of another's."""
    left, right = one.split(), other.split()
    return " ".join(left[: len(left) // 2] + right[len(right) // 2 :])


# ---- choose


def choose(units: list[Told], seed: int, count: int) -> list[Row]:
    """Texts with four ways to go on. The wrong ones have nearly as many words, so that length tells nothing."""
    offered = [(told.unit.package, sentence) for told in units for sentence in told.sentences]
    rows = []
    for told in units:
        for i in range(1, len(told.sentences)):
            name = f"{told.name}#{i}"
            draw = dice(seed, "choose", name)
            size = len(told.sentences[i].split())
            near = [
                sentence
                for package, sentence in offered
                if package != told.unit.package and abs(len(sentence.split()) - size) <= 2
            ]
            if len(near) < 3:
                continue
            answers = draw.sample(near, 3)
            label = draw.randrange(4)
            answers.insert(label, told.sentences[i])
            document = " ".join(told.sentences[max(0, i - 2) : i])
            rows.append({"id": name, "document": document, "question": QUESTION, "answers": answers, "label": label})
    return rows


def instructed(kind: str) -> Callable[[list[Told], int, int], list[Row]]:
    """A maker of instructions.py, as those above are."""

    def made(units: list[Told], seed: int, count: int) -> list[Row]:
        return instructions.MAKERS[kind](
            [instructions.Topic(told.name, told.subject, told.unit.kind, told.unit.package, told.sentences)
             for told in units], seed,
        )  # fmt: skip

    return made


MAKERS: dict[str, Callable[[list[Told], int, int], list[Row]]] = {
    "classify": classify, "entail": entail, "similar": similar, "choose": choose,
    **{kind: instructed(kind) for kind in ("demonstrations", "prompts", "refusals")},
}  # fmt: skip


def tsv(rows: list[Row], columns: tuple[str, ...]) -> bytes:
    """Rows under their columns' names. No text holds a tab, a line's end or a quotation mark: none is quoted."""
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter="\t", lineterminator="\n")
    writer.writerows([columns, *([row[column] for column in columns] for row in rows)])
    return lines.getvalue().encode()
