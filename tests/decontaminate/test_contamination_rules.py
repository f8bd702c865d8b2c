"""Which hits count by each rule, against plain twins over words and letters; what is stored, and how much of it."""

import random
from collections import Counter
from math import ceil
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import by_id, counts, document_id, source
from decontaminate.test_cuts import FILL, LEAK, benchmarks, cleaned
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conf.corpus import Decontaminate
from tasks.decontaminate import rules
from tasks.decontaminate.benchmark import items_of
from tasks.decontaminate.grams import grams, grams_table
from tasks.decontaminate.hits import HITS, hits_of
from tasks.decontaminate.rules import Wanted, _of_items
from tasks.kernels.comparison import words
from tasks.kernels.draw import uniform
from tasks.kernels.ngrams import grams as grams_of
from tasks.report import contamination
from tasks.report.given import Given
from tasks.report.section import Counted

ITEM = " ".join(f"item{n}" for n in range(20))


def split(text: str) -> list[str]:
    return [word for word, _, _ in words(text)]


def found_by(run, folder, texts: list[str], items: list[str], shards: int = 1, **keys: Any) -> list[list[str]]:
    documents = source(run, "web", texts, shards)
    _, (made,) = cleaned(run, folder, [documents], {"quiz": items}, **keys)
    rows = by_id(documents, made)
    return [rows[document_id("web", n)]["found_by"] for n in range(len(texts))]


def edited(text: str, every: int) -> str:
    """With each word at these places another."""
    return " ".join(f"other{n}" if n % every == every // 2 else word for n, word in enumerate(text.split()))


def test_each_rule_finds_what_it_is_for(run, tmp_path):
    short = "eight words make the least of all items"
    texts = {
        "verbatim": f"{FILL} {ITEM} {FILL}",
        "in capitals": f"{FILL} {ITEM.upper()} {FILL}",
        "other marks": f"{FILL} {ITEM.replace(' ', ', ')} {FILL}",
        "half": f"{FILL} {' '.join(ITEM.split()[:8])} {FILL}",
        "every thirteenth word another": f"{FILL} {edited(ITEM, 13)} {FILL}",
        "short, whole": f"{FILL} {short} {FILL}",
        "clean": FILL,
    }
    found = found_by(run, tmp_path, list(texts.values()), [ITEM, short], beside=["gpt2", "gpt4", "gap"])
    assert dict(zip(texts, found, strict=True)) == {
        "verbatim": ["gpt3", "gap", "gpt2", "gpt4"],
        "in capitals": ["gpt3", "gap", "gpt2"],  # GPT-4's rule folds no case
        "other marks": ["gpt3", "gap", "gpt2", "gpt4"],
        "half": ["gpt2"],
        "every thirteenth word another": ["gap", "gpt2", "gpt4"],
        "short, whole": ["gap", "gpt2", "gpt4"],
        "clean": [],
    }


def test_a_short_item_is_looked_for_whole_from_so_many_words_on(run, tmp_path):
    short, shorter = "nine words are enough for it to be found", "eight words would be one too few here"
    texts = [
        f"{FILL}{short}{FILL}",
        f"{FILL}{shorter}{FILL}",
        f"{FILL}{short.removesuffix(' found')}{FILL}",
        f"{FILL}{LEAK}{FILL}",
    ]
    found = found_by(run, tmp_path, texts, [short, shorter, LEAK], least=9)
    assert found == [["gpt3"], [], [], ["gpt3"]]
    (wanted,) = [each for each in run.artifacts if each.stage == "grams"]
    assert counts(wanted)["rules"]["gpt3"]["quiz"] == {"items": 3, "too_short": 1, "grams": 2}
    assert sorted(grams_table(wanted, ["length"]).column("length").to_pylist()) == [9, 13]


def test_three_substrings_of_fifty_letters_are_drawn_by_seed_and_item(run, tmp_path):
    """Of each item long enough, at places that a draw of its id gives; a shorter one is looked for whole."""
    items = [ITEM * 3, ITEM * 2 + " b", "short"]
    made, drawn = benchmarks(run, tmp_path, {"quiz": items}), {}
    rules = Decontaminate(rule="gpt4").sought()
    ids = dict(zip(items, (row["item"] for row in items_of(made["quiz"]).to_pylist()), strict=True))
    for seed in (0, 1, 2):
        table = grams_table(run(grams, "all", benchmarks=made, rules=rules, seed=seed))
        expected = {(ids["short"], 5, int(letters(items[2], 5)[0]))}
        for item in items[:2]:
            every = letters(item, 50)
            draws = [uniform([ids[item]], seed, f"grams {number}")[0] for number in range(3)]
            expected |= {(ids[item], 50, int(every[int(draw * len(every))])) for draw in draws}
        names = ("item", "length", "gram")
        assert set(zip(*(table[name].to_pylist() for name in names), strict=True)) == expected
        assert len(expected) == len(table) == 7
        drawn[seed] = expected
    assert len({frozenset(each) for each in drawn.values()}) == 3


def letters(text: str, n: int) -> np.ndarray:
    """The hashes of all its grams of n letters and digits."""
    return grams_of(pa.array([text], pa.large_string()), n, "letters").gram.view(np.int64)


WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=14).map(" ".join)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, min_size=1, max_size=5, unique=True), st.data())
def test_the_gap_rule_is_its_plain_twin(run, tmp_path_factory, texts, items, data):
    share, n = data.draw(st.sampled_from([0.2, 0.5, 1.0])), data.draw(st.integers(2, 3))
    limit = data.draw(st.sampled_from([1, 3, 100]))
    least = n + data.draw(st.integers(0, 2))
    how = {"rule": "gap", "n": n, "least": least, "share": share, "frequent": limit}
    folder = tmp_path_factory.mktemp("gap")
    found = found_by(run, folder, texts, items, shards=2, **how)

    def grams(text: str) -> set[tuple[str, ...]]:
        split_text = split(text)
        return {tuple(split_text[at : at + n]) for at in range(len(split_text) - n + 1)}

    wanted = {item: grams(item) for item in items if len(split(item)) >= least}
    known = set().union(*wanted.values())
    number = Counter(gram for text in texts for gram in grams(text) & known)
    often = {gram for gram, documents in number.items() if documents > limit}
    expected = []
    for text in texts:
        leaks = [
            needed
            for needed in (each - often for each in wanted.values())
            if needed and len(needed & grams(text)) >= max(ceil(share * len(needed)), min(len(needed), least - n + 1))
        ]
        expected.append(["gap"] if leaks else [])
    assert found == expected


def test_only_grams_of_items_that_leak_are_cut(run, tmp_path):
    """Of an item that is not there, some grams are; of one that is, the places of its grams go."""
    other = " ".join(f"other{n}" for n in range(20))
    piece = " ".join(other.split()[:6])
    text = f"{FILL * 2}{piece}{FILL * 2}{ITEM}{FILL * 2}"
    documents = source(run, "web", [text])
    _, (made,) = cleaned(run, tmp_path, [documents], {"quiz": [ITEM, other]}, rule="gap")
    (row,) = by_id(documents, made).values()
    (span,) = row["cuts"]
    at = text.index(ITEM)
    assert (span["start"], span["end"]) == (at - 200, at + len(ITEM) + 200)


def test_what_many_items_share_is_no_sign_of_any(run, tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "SHARED", 3)
    instruction = "choose the best of these answers and say in one word why"
    items = [f"{instruction} {' '.join(f'q{n}x{k}' for k in range(14))}" for n in range(4)]
    texts = [
        f"{FILL}{instruction}{FILL}",
        f"{FILL}{items[2]}{FILL}",
        f"{FILL}{items[2].removeprefix(instruction)}{FILL}",
    ]
    assert found_by(run, tmp_path, texts, items, rule="gap") == [[], ["gap"], ["gap"]]


@pytest.mark.parametrize("pairs", [1, 7, 1 << 16])
def test_documents_are_judged_by_themselves_however_many_at_once(run, tmp_path, monkeypatch, pairs):
    monkeypatch.setattr(rules, "PAIRS", pairs)
    texts = [f"{ITEM} {FILL}", FILL, f"{edited(ITEM, 5)} {FILL}", " ".join(ITEM.split()[:8]), ITEM] * 2
    assert found_by(run, tmp_path, texts, [ITEM], rule="gap") == [["gap"], [], [], [], ["gap"]] * 2


# ---- what is stored


def shared_instruction(items: int) -> tuple[list[str], str]:
    instruction = " ".join(f"instruction{n}" for n in range(20))
    return [f"{instruction} {n}" for n in range(items)], (f"{instruction} {FILL}" * 40)


def test_a_page_is_not_multiplied_by_the_items_that_share_a_gram(run, tmp_path):
    """1,000 items with one instruction, and a page that says it over and over: once 7,000,000 rows."""
    items, page = shared_instruction(1000)
    documents = source(run, "web", [page])
    (found,), (made,) = cleaned(run, tmp_path, [documents], {"quiz": items})
    (shard,) = documents.shards()
    table = hits_of(found, shard)
    assert table.num_rows == 8 * 40 and set(table.column("count").to_pylist()) == {1}
    assert counts(made)["benchmarks"] == {"quiz": {"hits": 320, "documents": 1}}


def test_places_of_a_gram_that_touch_are_one_row(run, tmp_path):
    text = (LEAK + " ") * 30_000
    documents = source(run, "web", ["clean", text, "漢字 " * 300 + LEAK])
    (found,), (made,) = cleaned(run, tmp_path, [documents], {"quiz": [LEAK, LEAK + " " + LEAK]})
    (shard,) = documents.shards()
    table = hits_of(found, shard)
    assert sum(table.column("count").to_pylist()) == counts(found)["hits"] == 30_000 * 13 - 12 + 1
    # 13 grams, each once for 65,536 places or so
    assert table.num_rows == counts(found)["rows"] <= 13 * 7 + 1
    rows = by_id(documents, made)
    assert rows[document_id("web", 1)]["reason"] == "short"
    assert len(rows[document_id("web", 2)]["cuts"]) == 1


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000), margin=st.integers(0, 30), limit=st.integers(1, 4))
def test_places_told_as_one_lose_nothing_whatever_is_frequent(run, tmp_path_factory, seed, margin, limit):
    """Cuts from hits, against cuts from every place by itself."""
    draw = random.Random(seed)
    items = [" ".join(f"{word}{n}" for n in range(4)) for word in ("a", "é", "漢")]
    texts = [
        " ".join(
            draw.choice([*items, "x", "y z", items[0][: draw.randrange(11)]]) for _ in range(draw.randrange(1, 40))
        )
        for _ in range(6)
    ]
    documents = source(run, f"web{seed}x{margin}x{limit}", texts)
    how = {"n": 3, "least": 3, "margin": margin, "shortest": 0, "pieces": 1000, "frequent": limit}
    _, (made,) = cleaned(run, tmp_path_factory.mktemp("one"), [documents], {"quiz": items}, **how)
    rows = by_id(documents, made)
    wanted = {tuple(split(item)[at : at + 3]) for item in items for at in range(len(split(item)) - 2)}
    grams = [
        [(tuple(w for w, _, _ in window), window[0][1], window[-1][2]) for window in windows(text)] for text in texts
    ]
    holding = Counter(gram for each in grams for gram in {gram for gram, _, _ in each})
    for number, text in enumerate(texts):
        gone = np.zeros(len(text), bool)
        for gram, start, end in grams[number]:
            if gram in wanted and holding[gram] <= limit:
                begin, stop = (len(text.encode()[:at].decode()) for at in (start, end))
                gone[max(0, begin - margin) : stop + margin] = True
        row = rows[document_id(documents.name, number)]
        cut = np.zeros(len(text), bool)
        for span in row["cuts"]:
            begin, stop = (len(text.encode()[: span[edge]].decode()) for edge in ("start", "end"))
            cut[begin:stop] = True
        assert cut.tolist() == gone.tolist()


def windows(text: str) -> list[list[tuple[str, int, int]]]:
    found = list(words(text))
    return [found[at : at + 3] for at in range(len(found) - 2)]


def test_hits_are_in_order_and_in_few_row_groups(run, tmp_path):
    documents = source(run, "web", [f"{LEAK} {FILL}" * (n % 3) for n in range(5000)])
    (found,), _ = cleaned(run, tmp_path, [documents], {"quiz": [LEAK]})
    (shard,) = documents.shards()
    table = hits_of(found, shard)
    assert table.schema.equals(HITS)
    places = list(zip(table.column("row").to_pylist(), table.column("cut_start").to_pylist(), strict=True))
    assert places == sorted(places) and len(places) == 5000 - 1
    assert pq.read_metadata(found.folder / f"{shard.key}.parquet").num_row_groups == 1


def test_the_bits_of_an_item_are_counted_once_a_document():
    wanted = Wanted(
        np.array([3, 5]), np.ones(2, bool), np.array([0, 1, 1]), np.array([0, 2, 3]), None, np.array([1, 2])
    )
    held, items = _of_items(np.array([4, 4, 9]), np.array([0, 1, 1]), wanted, wanted.needed)
    assert held.tolist() == [True, True, False] and items.tolist() == [0, 1]


def test_rules_beside_change_no_cut(run, tmp_path):
    texts = [f"{FILL}{ITEM}{FILL}", f"{FILL}{edited(ITEM, 9)}{FILL}", "clean"]
    documents = source(run, "web", texts)
    columns = []
    for name, keys in (("alone", {}), ("beside", {"beside": ["gpt4", "gap", "gpt2"]})):
        folder = tmp_path / name
        folder.mkdir()
        _, (made,) = cleaned(run, folder, [documents], {"quiz": [ITEM]}, **keys)
        columns.append([(row["keep"], row["cuts"]) for row in by_id(documents, made).values()])
    assert columns[0] == columns[1]


def test_a_rules_judgement_looks_for_nothing_anew(run, tmp_path):
    """What decides which hits count is no parameter of grams or hits: changing it costs a decision."""
    documents, quiz = source(run, "web", [ITEM]), {"quiz": [ITEM]}
    for keys in ({"rule": "gap"}, {"rule": "gap", "share": 0.9}, {"rule": "gap", "frequent": 5, "pieces": 3}):
        cleaned(run, tmp_path, [documents], quiz, **keys)
    stages = Counter((each.stage, each.fingerprint) for each in run.artifacts)
    made = Counter(stage for stage, _ in stages)
    assert (made["grams"], made["hits"], made["cuts"]) == (1, 1, 3)
    both = [Decontaminate(rule=rule, beside=[other]) for rule, other in (("gpt3", "gap"), ("gap", "gpt3"))]
    assert both[0].sought() == both[1].sought()


def test_the_report_tells_what_each_rule_finds(run, tmp_path):
    texts = [f"{FILL}{ITEM}{FILL}", f"{FILL}{edited(ITEM, 13)}{FILL}", f"{FILL}{ITEM.upper()}{FILL}", "clean"]
    documents = source(run, "web", texts)
    (found,), (made,) = cleaned(run, tmp_path, [documents], {"quiz": [ITEM, "too short"]}, beside=["gpt4", "gap"])
    fits = {each.stage: {"all": each} for each in run.artifacts if each.stage in ("grams", "frequent")}
    given = Given({"web": documents}, {"web": {"hits": found}}, {"web": (made,)}, fits, {}, {}, frozenset())
    shards = [Counted(shard, contamination.count(shard)) for shard in given.shards()]
    content = contamination.gather(None, given, shards)
    assert content["rule"] == "gpt3"
    (row,) = content["benchmarks"]
    assert (row["items"], row["too_short"], row["hit"], row["documents"], row["cut"]) == (2, 1, 1, 2, 2)
    assert [(row["rule"], row["documents"], row["shared"], row["alone"]) for row in content["rules"]] == [
        ("gap", 3, 2, 0), ("gpt3", 2, 2, 0), ("gpt4", 2, 1, 0),
    ]  # fmt: skip
    assert "Rule gpt3 (cuts): 2 documents, 0 by no other rule" in list(contamination.lines(content))
