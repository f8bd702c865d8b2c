"""Labelled text of the demo: labels are what the rules say, no part of a text tells them alone, nothing leaks."""

import csv
import gzip
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from tasks.demo import instructions, labelled
from tasks.demo.leaks import paraphrased
from tasks.demo.library import Unit
from tasks.runtime.errors import Failure

Rows = dict[str, list[dict[str, Any]]]
GRAM = 13


def read(folder: Path) -> Rows:
    rows = {}
    for path in sorted(folder.iterdir()):
        with path.open(encoding="utf-8", newline="") as file:
            if path.suffix == ".tsv":
                rows[path.stem] = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
            else:
                rows[path.stem] = [json.loads(line) for line in file]
    return rows


@pytest.fixture(scope="module")
def small(made) -> Rows:
    """Of the small sample."""
    return read(made[0] / "labelled")


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Rows:
    """Of units that are made by arithmetic, as many as stand in the full sample."""
    folder = tmp_path_factory.mktemp("labelled")
    counts = labelled.write(folder, toy_units(1500), [], 1, 1.0)
    rows = read(folder)
    assert counts == {name: len(lines) for name, lines in rows.items()}
    return rows


WORDS = """the a of value list is returned given object index shape when each name and used from key order
array""".split()  # noqa: SIM905


def toy_units(count: int) -> list[Unit]:
    units = []
    for n in range(count):
        draw = np.random.default_rng(n)
        said = [" ".join(draw.choice(WORDS, draw.integers(7, 20))).capitalize() + f" u{n}s{s}." for s in range(8)]
        units.append(Unit(f"pack{n % 9}.mod{n % 40}.thing{n}", "function", f"pack{n % 9}", "", " ".join(said)))
    return units


def opinion(text: str) -> str:
    """The rule of classify, read from the text: the remark's main clause, turned round by a negator before its word."""
    word = rf"({'|'.join((*labelled.POSITIVE, *labelled.NEGATIVE))})"
    conceded = re.search(rf"looks {word} but is {word}\.|Though it looks {word}, \w+ is {word}\.", text)
    other_way = re.search(rf"\w+ is {word}, though it looks {word}\.", text)
    negated = re.search(rf"\b({'|'.join(labelled.NEGATORS)}) {word}\.", text)
    if conceded:
        main = conceded[2] or conceded[4]
    elif other_way:
        main = other_way[1]
    elif negated:
        return "negative" if negated[2] in labelled.POSITIVE else "positive"
    else:
        (main,) = re.findall(rf"\b(?:is|find \w+|was) (?:very |quite |really )?{word}\.", text)
    return "positive" if main in labelled.POSITIVE else "negative"


@pytest.mark.parametrize("sized", ["small", "full"])
def test_an_opinion_is_what_the_rule_says(sized: str, request) -> None:
    rows = request.getfixturevalue(sized)
    for name in ("classify", "classify.test"):
        assert [opinion(row["text"]) for row in rows[name]] == [row["label"] for row in rows[name]]
        share = Counter(row["label"] for row in rows[name])["positive"] / len(rows[name])
        assert abs(share - 0.5) < 2.6 * 0.5 / len(rows[name]) ** 0.5


STATES = {"stable": "settled", "experimental": "on trial", "deprecated": "on its way out", "internal": "private"}


def relation(premise: str, hypothesis: str) -> str:
    forms = {
        "state": (r"(\w+) is (stable|experimental|deprecated|internal)\.", r"(\w+) is ([a-z ]+)\."),
        "keeper": (r"(Ada|Grace|Alan|Barbara) maintains (\w+)\.", r"(\w+) is looked after by (\w+)\."),
        "system": (r"(\w+) runs on (Linux|Windows|Android|Solaris)\.", r"One can use (\w+) under (\w+)\."),
    }
    kind = next(kind for kind in ("keeper", "system", "state") if re.fullmatch(forms[kind][1], hypothesis))
    asked = set(re.fullmatch(forms[kind][1], hypothesis).groups())  # type: ignore[union-attr]
    stated = re.search(forms[kind][0], premise)
    if stated is None:
        return "neutral"
    return "entailment" if {STATES.get(said, said) for said in stated.groups()} == asked else "contradiction"


@pytest.mark.parametrize("sized", ["small", "full"])
def test_a_relation_is_what_the_statements_say(sized: str, request) -> None:
    rows = request.getfixturevalue(sized)
    for name in ("entail", "entail.test"):
        told = [relation(row["premise"], row["hypothesis"]) for row in rows[name]]
        assert told == [row["label"] for row in rows[name]]
    assert set(Counter(row["label"] for row in rows["entail"])) == set(labelled.RELATIONS)


def test_what_is_the_same_is_a_paraphrase_and_what_is_not_is_none(small: Rows, full: Rows) -> None:
    for rows in (*(small[name] for name in ("similar", "similar.test")), full["similar"]):
        for row in rows:
            said = (paraphrased(row["first"]), paraphrased(row["second"]))
            assert (row["second"] == said[0] or row["first"] == said[1]) == (row["label"] == "same")
        assert Counter(row["label"] for row in rows)["same"] / len(rows) == pytest.approx(0.5, abs=0.3)


def test_the_text_goes_on_as_it_does_in_the_documentation(full: Rows) -> None:
    follows = {}
    for unit in toy_units(1500):
        said = re.split(r"(?<=\.) ", unit.text)
        follows |= dict(pairwise(said))
    for row in full["choose"]:
        last = re.split(r"(?<=\.) ", row["document"])[-1]
        assert follows[last] == row["answers"][row["label"]] and len(set(row["answers"])) == 4
    places = Counter(row["label"] for row in full["choose"])
    assert set(places) == set(range(4)) and max(places.values()) < 0.33 * len(full["choose"])


def linear(train: list[str], labels: list[str], test: list[str], expected: list[str], words_together: int = 1) -> float:
    """Accuracy of logistic regression over words, or of so many in a row: what they alone tell."""
    words = CountVectorizer(binary=True, ngram_range=(1, words_together))
    learned = LogisticRegression(max_iter=500).fit(words.fit_transform(train), labels)
    return float(learned.score(words.transform(test), expected))


@pytest.mark.parametrize(
    ("task", "fields", "most"),
    [
        ("classify", ["text"], 0.8),
        ("entail", ["hypothesis"], 0.42),  # chance is a third
        ("entail", ["premise"], 0.42),
        ("entail", ["premise", "hypothesis"], 0.7),  # where both name the same there are fewer different names
        ("similar", ["first"], 0.8),  # a paraphrase has words of its own, but is "first" in half the rows
    ],
)
def test_words_alone_do_not_tell_a_label(full: Rows, task: str, fields: list[str], most: float) -> None:
    train, test = full[task], full[f"{task}.test"]
    texts = ([" ".join(row[field] for field in fields) for row in rows] for rows in (train, test))
    (read, asked), (labels, expected) = texts, ([row["label"] for row in rows] for rows in (train, test))
    assert linear(read, labels, asked, expected) < most


def test_a_word_and_the_one_before_it_tell_an_opinion(full: Rows) -> None:
    """So there is something to learn beyond words, and it can be learned from so many rows."""
    train, test = ([(row["text"], row["label"]) for row in full[name]] for name in ("classify", "classify.test"))
    told = (list(part) for rows in (train, test) for part in zip(*rows, strict=True))
    assert linear(*told, words_together=2) > 0.88


def test_the_longest_answer_is_the_right_one_no_oftener_than_others(full: Rows) -> None:
    longest = [max(range(4), key=lambda n: len(row["answers"][n].split())) == row["label"] for row in full["choose"]]
    assert np.mean(longest) < 0.35


def fulfils(answer: str, rule: dict[str, Any]) -> bool:
    ((kind, asked),) = rule.items()
    if kind == "ends_with":
        return answer.endswith(asked)
    if kind == "items":
        return len(re.split(r", | and ", answer)) == asked
    if kind == "words":
        return asked[0] <= len(answer.split()) <= asked[1]
    assert kind == "without"
    return not set(re.findall(r"\w+", answer.lower())) & set(asked)


@pytest.mark.parametrize("sized", ["small", "full"])
def test_demonstrations_fulfil_their_rules_and_refuse_what_is_disallowed(sized: str, request) -> None:
    rows = request.getfixturevalue(sized)
    disallowed = [bad for bad, _ in instructions.PURPOSES]
    for row in rows["demonstrations"] + rows["demonstrations.test"]:
        system, user, assistant = row["messages"]
        assert [one["role"] for one in row["messages"]] == ["system", "user", "assistant"] and system["content"]
        assert all(fulfils(assistant["content"], rule) for rule in row["rules"]), row
        bad = any(user["content"].endswith(f" to {purpose}?") for purpose in disallowed)
        assert (assistant["content"] == instructions.REFUSAL) == bad
    assert {row["category"] for row in rows["demonstrations"]} == {"describe", "brief", "three", "without", "refuse"}
    for row in rows["prompts"] + rows["prompts.test"]:
        assert [one["role"] for one in row["messages"]] == ["system", "user"] and row["rules"]
    for kind in ("disallowed", "safe"):
        assert len(rows[kind]) > 1 and len(rows[f"{kind}.test"]) > 1
        for row in rows[kind] + rows[f"{kind}.test"]:
            bad = any(row["messages"][-1]["content"].endswith(f" to {purpose}?") for purpose in disallowed)
            assert row["kind"] == kind == ("disallowed" if bad else "safe")


def sentences_of(row: dict[str, Any]) -> set[str]:
    """A row's sentences that documentation may have brought."""
    texts = [row.get(key, "") for key in ("text", "premise", "document", "first", "second")]
    texts += [*row.get("answers", ()), *(one["content"] for one in row.get("messages", ()) if one["role"] != "system")]
    return {sentence for text in texts for sentence in re.split(r"(?<=[.?!]) (?=[A-Z])", text) if sentence}


def test_no_unit_is_in_two_files_and_no_sentence_in_train_and_test(made, small: Rows) -> None:
    holders: dict[str, set[str]] = {}
    for name, rows in small.items():
        for row in rows:
            holders.setdefault(row["id"].partition("#")[0], set()).add(name.replace("safe", "disallowed"))
        assert len({row["id"] for row in rows}) == len(rows)
    assert {len(names) for names in holders.values()} == {1}
    for task in labelled.TASKS:
        task = "safe" if task == "refusals" else task
        train, test = ({s for row in small[name] for s in sentences_of(row)} for name in (task, f"{task}.test"))
        common = train & test - {instructions.REFUSAL, "Answer in one sentence."}
        assert not {s for s in common if not re.match(r"(Name|Which) three things|What is|\w+, \w+ and", s)}
    folder = made[0]
    with gzip.open(folder / "wikipedia.jsonl.gz", "rt") as articles, gzip.open(folder / "webtext.jsonl.gz") as pages:
        places = {json.loads(line)["title"] for line in articles}
        places |= {json.loads(line)["url"].rpartition("/")[2] for line in pages}
    for path in (folder / "books1").iterdir():
        places |= {chapter.partition("\n")[0] for chapter in path.read_text().split("\n\n\n")}
    assert places and not places & set(holders)


def test_no_item_of_a_benchmark_stands_in_it(made, small: Rows) -> None:
    folder = made[0] / "benchmarks"
    items = [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]
    texts = [row["query"] if "query" in row else f"{row['context']} {row['continuation']}" for row in items]

    def grams(text: str) -> set[tuple[str, ...]]:
        split = "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()
        return {tuple(split[i : i + GRAM]) for i in range(len(split) - GRAM + 1)}

    asked = set().union(*map(grams, texts))
    told = set().union(*(grams(s) for rows in small.values() for row in rows for s in sentences_of(row)))
    assert asked and told and not asked & told


def test_a_sentence_with_an_items_gram_is_left_out() -> None:
    unit = toy_units(1)[0]
    whole = re.split(r"(?<=\.) ", unit.text)
    item = next(sentence for sentence in whole if len(sentence.split()) >= GRAM)
    with_all = labelled.allocated([unit], set(), 1)
    without = labelled.allocated([unit], labelled.grams(item), 1)
    (one,), (other,) = ([told for units in by.values() for told in units] for by in (with_all, without))
    assert set(one.sentences) - set(other.sentences) == {item}


def test_rows_do_not_depend_on_the_order_of_units(tmp_path: Path) -> None:
    units = toy_units(400)
    for name, order in (("one", units), ("other", units[::-1])):
        labelled.write(tmp_path / name, order, [], 7, 0.2)
    one, other = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other"))
    assert one == other and len(one) == 16
    labelled.write(tmp_path / "third", units, [], 8, 0.2)
    assert not [path for path in (tmp_path / "third").iterdir() if path.read_bytes() == one[path.name]]


def test_too_little_documentation_is_a_failure_that_names_the_task(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"rows of classify could be made, at least 40 are needed: too little"):
        labelled.write(tmp_path, toy_units(10), [], 1, 0.08)
