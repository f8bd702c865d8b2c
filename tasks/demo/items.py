"""The small benchmarks: cloze (the last word of a passage, LAMBADA's form) and choice (which module?).

Items come from documentation that stands nowhere else in the sample; those that share a 13-gram (lower
case, no punctuation) with any other text, or with each other, are dropped before anything is planted.
"""

import re
from collections.abc import Iterable
from typing import Any

from tasks.demo.chance import dice, number, shuffled
from tasks.demo.library import Unit, blocks, prose

Items = dict[str, list[dict[str, Any]]]  # rows per benchmark
GRAM = 13
CLOZE_WORDS = (22, 80)
SHORT_EVERY = 10  # one choice item in so many is too short for a 13-gram: uncheckable, and meant to be


def plain_words(text: str) -> list[str]:
    """Words as decontamination sees them (GPT-3, appendix C): lower case, no punctuation, split on space."""
    return "".join(ch if ch.isalnum() or ch.isspace() else "" for ch in text.lower()).split()


def grams(text: str) -> set[str]:
    words = plain_words(text)
    return {" ".join(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)}


def candidates(units: list[Unit], seed: int) -> Items:
    """Items of both benchmarks, at most one per unit, in an order of hashes; `text` is what a leak shows."""
    cloze: list[dict[str, Any]] = []
    choice: list[dict[str, Any]] = []
    described: list[tuple[Unit, str]] = []
    for unit in units:
        passage = cloze_of(unit)
        if passage and number(seed, "benchmark", unit.name) % 8 < 5:
            cloze.append({"name": unit.name, "text": passage})
        elif unit.kind in ("class", "function") and unit.name.count(".") >= 2:
            sentence = first_sentence(unit)
            if 9 <= len(plain_words(sentence)) <= 40:
                described.append((unit, sentence))
    modules = sorted({unit.name.rpartition(".")[0] for unit, _ in described})
    if len(modules) >= 4:
        for unit, sentence in described:
            module, _, short = unit.name.rpartition(".")
            draw = dice(seed, "choices", unit.name)
            choices = draw.sample([other for other in modules if other != module], 3)
            gold = draw.randrange(4)
            choices.insert(gold, module)
            query = f"{sentence} Which module provides {short}?"
            text = f"{query} {module}"
            choice.append({"name": unit.name, "text": text, "query": query, "choices": choices, "gold": gold})
    orders: Items = {"cloze": cloze, "choice": choice}
    return {kind: shuffled(rows, [str(row["name"]) for row in rows], seed, kind) for kind, rows in orders.items()}


def cloze_of(unit: Unit) -> str:
    """The unit's first run of whole sentences of 22 to 80 words whose last word stands in it before."""
    for tag, text in blocks(unit):
        if tag != "p" or not text.isascii() or re.search(r">>>|[`*:_|{}\\<>=@#\[\]]", text):
            continue
        sentences: list[str] = []
        for sentence in re.split(r"(?<=[.?!]) (?=[A-Z])", " ".join(text.split())):
            sentences.append(sentence)
            passage = " ".join(sentences)
            size = len(passage.split())
            last = re.search(r" ([a-z]{4,})\.$", passage)
            if size > CLOZE_WORDS[1]:
                break
            if size >= CLOZE_WORDS[0] and last and passage[0].isupper():
                return passage
    return ""


def first_sentence(unit: Unit) -> str:
    text = next((text for tag, text in blocks(unit) if tag == "p"), "")
    sentence = re.split(r"(?<=\.) (?=[A-Z])", " ".join(re.sub(r"[`*]", "", text).split()))[0]
    return sentence if sentence.endswith(".") and sentence.isascii() and ":" not in sentence else ""


def hit_grams(work: tuple[list[Unit], frozenset[str]]) -> set[str]:
    """Those of the grams that stand in the units' documentation, raw or as prose. For a pool's worker."""
    units, wanted = work
    starts = {gram.rpartition(" ")[0].partition(" ")[0] for gram in wanted}
    hit = set()
    for unit in units:
        for text in (unit.text, prose(unit)):
            words = plain_words(text)
            for i, word in enumerate(words):
                if word in starts and (gram := " ".join(words[i : i + GRAM])) in wanted:
                    hit.add(gram)
    return hit


def settled(offered: Items, hit: set[str], counts: dict[str, int]) -> Items:
    """The benchmarks: the first `counts` items that share no gram with other text (`hit`) or each other."""
    taken: set[str] = set()
    chosen: Items = {}
    for kind, rows in offered.items():
        chosen[kind] = []
        uncheckable = 0
        for row in rows:
            item_grams = grams(row["text"])
            checkable = len(plain_words(row["query"] if "query" in row else row["text"])) >= GRAM
            if item_grams & hit or item_grams & taken or len(chosen[kind]) == counts[kind]:
                continue
            if not checkable:
                if uncheckable * SHORT_EVERY >= len(chosen[kind]):
                    continue
                uncheckable += 1
            taken |= item_grams
            chosen[kind].append(row | {"checkable": checkable})
    return chosen


def records(kind: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of a benchmark's file."""
    if kind == "choice":
        return [{key: row[key] for key in ("query", "choices", "gold")} for row in rows]
    lines = []
    for row in rows:
        context, _, last = row["text"].rpartition(" ")
        lines.append({"context": context, "continuation": last.rstrip(".")})
    return lines
