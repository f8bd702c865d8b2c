"""The audit: what is clean, dirty and uncheckable, by words that agree with the filter's."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from corpora import contents, counts, decided, document_id, source, workers
from hypothesis import given
from hypothesis import strategies as st
from kernels.strategies import ODD

from conf.corpus import Decontaminate
from tasks.decontaminate.benchmark import benchmark
from tasks.decontaminate.cuts import cuts
from tasks.decontaminate.frequent import frequent
from tasks.decontaminate.grams import grams
from tasks.decontaminate.hits import hits
from tasks.evaluation.decoded import Spelling, blocks
from tasks.evaluation.overlap import FILE, Overlapped, overlap, states_of
from tasks.evaluation.plain import letters, words
from tasks.evaluation.rules.gpt3 import gram_size
from tasks.evaluation.sought import Grams
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.runtime.shards import read_file
from tasks.tokens.tokenizer import tokenizer
from tasks.tokens.tokens import tokens

RULES = ("gpt3", "gpt2", "gpt4")
SPLIT = {"validation": 0.1, "seed": 1}
MEETING = [*ODD, *"abZ19 \n\t-‐'’`.\xad\u200d\u0301漢カｱﾞกำ"]
NEWER = 275  # of the code points tried below
FILL = " ".join(f"fill{n % 50}" for n in range(200))


def numbered(word: str, count: int) -> str:
    return " ".join(f"{word}{n}" for n in range(count))


def quiz(run: Run, folder: Path, name: str, texts: list[str]) -> Artifact:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return run(benchmark, name, files=[{"path": str(path), "texts": texts}], inside=None, text=["text"])


def tokenised(run: Run, documents: list[Artifact], decisions: list[Artifact]) -> tuple[dict[str, Artifact], Artifact]:
    named = {one.name: one for one in documents}
    cut = {one.name: decision for one, decision in zip(documents, decisions, strict=True)}
    shares = dict.fromkeys(named, 1 / len(named))
    by = run(tokenizer, "bpe", documents=named, decisions=cut, shares=shares, vocabulary=300, sample=20_000, **SPLIT)
    made = {
        name: run(tokens, name, documents=one, decision=cut[name], tokenizer=by, **SPLIT) for name, one in named.items()
    }
    return made, by


def audited(
    run: Run,
    documents: list[Artifact],
    benchmarks: dict[str, Artifact],
    decisions: list[Artifact] | None = None,
    rules: tuple[str, ...] = ("gpt3",),
) -> tuple[Artifact, dict[str, list[dict[str, Any]]]]:
    made, by = tokenised(run, documents, decisions or [decided(run, one) for one in documents])
    result = run(overlap, "all", tokens=made, tokenizer=by, benchmarks=benchmarks, rules=rules, seed=1)
    rows = read_file(result, FILE).to_pylist()
    return result, {name: [row for row in rows if row["benchmark"] == name] for name in benchmarks}


def training(name: str, number: int) -> list[int]:
    """Numbers of documents that are in the train split."""
    from tasks.tokens.pieces import held_out

    held = held_out([document_id(name, n) for n in range(number)], SPLIT["validation"], SPLIT["seed"])
    return np.flatnonzero(~held).tolist()


def test_states(run, tmp_path):
    seen, unseen = numbered("seen", 13), numbered("unseen", 13)
    benchmarks = {"quiz": quiz(run, tmp_path, "quiz", [seen, unseen, "of three words", numbered("long", 40)])}
    first, second = training("web", 20)[:2]
    texts = [FILL] * 20
    texts[first] += f"\n{seen.upper().replace(' ', ', ')}\n" + FILL
    texts[second] += " " + numbered("long", 40).replace("long0 ", "")
    result, rows = audited(run, [source(run, "web", texts, 3)], benchmarks)
    assert [(row["state"], row["source"]) for row in rows["quiz"]] == [
        ("dirty", "web"), ("clean", None), ("uncheckable", None), ("dirty", "web"),
    ]  # fmt: skip
    # three words are the 5th percentile of four lengths, but n is at least 8
    found = counts(result)
    # 6 grams of 13 words, 33 of 40: of these the document lacks the first one, which begins with the word left out
    assert found["rules"] == {
        "gpt3": {
            "quiz": {
                "items": 4, "n": 8, "clean": 1, "dirty": 2, "uncheckable": 1, "sought": 45, "found": 38,
                "mean_share": round((1 + 0 + 32 / 33) / 3, 6),
            }
        }
    }  # fmt: skip
    assert found["sources"] == {"gpt3": {"web": 2}}
    assert found["filter"]["bytes"] == 0 and found["arithmetic"] == {}


@pytest.mark.parametrize("kind", ["gpt1", "wordpiece"])
def test_an_item_is_looked_for_as_its_tokens_give_it_back(run, tmp_path, kind):
    """These kinds lose accents and case: an item with both is met all the same, and documents still end."""
    seen, unseen = numbered("Größé", 13), numbered("Ünseen", 13)
    benchmarks = {"quiz": quiz(run, tmp_path, "quiz", [seen, unseen])}
    texts = [FILL] * 20
    texts[training("web", 20)[0]] += f" — “{seen}” {FILL}"
    halves = numbered("Ünseen", 13).split()
    texts += [" ".join(halves[:7]), " ".join(halves[7:])] * 9
    documents = source(run, "web", texts)
    decision = {"web": decided(run, documents)}
    how = {"documents": {"web": documents}, "decisions": decision, "shares": {"web": 1.0}, "sample": 90_000, **SPLIT}
    by = run(tokenizer, kind, kind=kind, vocabulary=300, **how)
    made = {"web": run(tokens, "web", documents=documents, decision=decision["web"], tokenizer=by, **SPLIT)}
    result = run(overlap, "all", tokens=made, tokenizer=by, benchmarks=benchmarks, rules=RULES, seed=1)
    assert {rule: list(states.values()) for rule, states in states_of(result).items()} == {
        "gpt3": ["dirty", "clean"], "gpt2": ["dirty", "clean"], "gpt4": ["dirty", "clean"],
    }  # fmt: skip


def test_a_gram_counts_from_n_words_on(run, tmp_path):
    benchmarks = {"quiz": quiz(run, tmp_path, "quiz", [numbered("item", 13)] * 2 + [numbered("other", 30)])}
    (at,) = training("web", 10)[:1]
    for words_, state in ((12, "clean"), (13, "dirty")):
        texts = [FILL] * 10
        texts[at] += " " + numbered("item", words_) + " " + FILL
        result, rows = audited(run, [source(run, "web", texts)], benchmarks)
        assert counts(result)["rules"]["gpt3"]["quiz"]["n"] == 13
        assert [row["state"] for row in rows["quiz"]] == [state, state, "clean"]


def test_grams_do_not_cross_documents(run, tmp_path):
    item = numbered("item", 13).split()
    benchmarks = {"quiz": quiz(run, tmp_path, "quiz", [" ".join(item)])}
    texts = [" ".join(item[:7]), " ".join(item[7:])] * 20
    _, rows = audited(run, [source(run, "web", texts)], benchmarks)
    assert [row["state"] for row in rows["quiz"]] == ["clean"]


def test_validation_text_makes_nothing_dirty(run, tmp_path):
    item = numbered("item", 13)
    benchmarks = {"quiz": quiz(run, tmp_path, "quiz", [item])}
    held = set(range(40)) - set(training("web", 40))
    assert held
    texts = [FILL + " " + item if n in held else FILL for n in range(40)]
    assert audited(run, [source(run, "web", texts)], benchmarks)[1]["quiz"][0]["state"] == "clean"


def test_the_first_source_is_named(run, tmp_path):
    item = numbered("item", 13)
    benchmarks = {"quiz": quiz(run, tmp_path, "quiz", [item])}
    documents = [source(run, name, [FILL + (" " + item) * has] * 10) for name, has in (("a", 0), ("b", 1), ("c", 1))]
    result, rows = audited(run, documents, benchmarks)
    assert rows["quiz"][0]["source"] == "b" and counts(result)["sources"]["gpt3"] == {"a": 0, "b": 1, "c": 0}


def test_a_leak_that_was_not_filtered_shows(run, tmp_path):
    """The filter knows one benchmark; a second one is added to a model already trained."""
    known, new = numbered("known", 13), numbered("new", 13)
    benchmarks = {name: quiz(run, tmp_path, name, [text]) for name, text in (("first", known), ("second", new))}
    documents = source(run, "web", [" ".join([FILL, known, FILL, new, FILL])] * 9)
    how = Decontaminate()
    wanted = run(grams, "all", benchmarks={"first": benchmarks["first"]}, rules=how.sought(), seed=None)
    found = run(hits, "web", documents=documents, grams=wanted, margin=200)
    keeps = decided(run, documents)
    often = run(frequent, "all", documents=[documents], hits=[found], before=[keeps], grams=wanted, limit=10)
    judge = {"grams": wanted, "frequent": often, "rule": "gpt3", "judged": how.judged(), "shortest": 200, "pieces": 10}
    cut = run(cuts, "web", documents=documents, hits=found, before=keeps, **judge)
    _, rows = audited(run, [documents], benchmarks, [cut])
    assert (rows["first"][0]["state"], rows["second"][0]["state"]) == ("clean", "dirty")
    _, rows = audited(run, [documents], benchmarks)
    assert (rows["first"][0]["state"], rows["second"][0]["state"]) == ("dirty", "dirty")


def test_bytes_do_not_depend_on_workers_and_sharding(run, tmp_path):
    item = numbered("item", 13)
    texts = [FILL + (f" {item}" if n % 5 == 0 else "") for n in range(30)]
    found = []
    for name, shards, engine in (("one", 1, run.engine), ("two", 3, workers(2))):
        other = Run(tmp_path / name, engine)
        benchmarks = {"quiz": quiz(other, tmp_path, "quiz", [item, "short", numbered("clean", 20)])}
        found.append(contents(audited(other, [source(other, "web", texts, shards)], benchmarks, rules=RULES)[0]))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("lengths", "n"),
    [([5] * 100, 8), ([8] * 100, 8), ([10] * 100, 10), ([13] * 100, 13), ([500] * 100, 13), ([9] * 10 + [50] * 90, 9),
     ([9] * 4 + [50] * 96, 13), ([1], 8)],
)  # fmt: skip
def test_gram_size_is_the_5th_percentile_within_8_and_13(lengths, n):
    assert gram_size(lengths) == n


def test_what_each_rule_calls_dirty(run, tmp_path):
    """One leak a way: whole; in capitals; every ninth word another; spaces gone; and nothing of it."""
    names = ("whole", "capitals", "changed", "spaceless", "absent")
    items = {name: numbered(name, 40) for name in names}
    items["changed"] = numbered("c", 40)  # 8 of these words have less than 50 letters
    benchmarks = {"quiz": quiz(run, tmp_path, "quiz", list(items.values()))}
    said = {
        "whole": items["whole"],
        "capitals": items["capitals"].upper(),
        "changed": " ".join("other" if n % 9 == 8 else word for n, word in enumerate(items["changed"].split())),
        "spaceless": items["spaceless"].replace(" ", ""),
        "absent": "",
    }
    texts = [FILL] * 20
    for place, name in zip(training("web", 20), names, strict=False):
        texts[place] += f"\n{said[name]}\n{FILL}"
    result, rows = audited(run, [source(run, "web", texts, 3)], benchmarks, rules=RULES)
    states = {
        rule: {name: row["state"] for name, row in zip(names, of_rule, strict=True)}
        for rule in RULES
        if (of_rule := [row for row in rows["quiz"] if row["rule"] == rule])
    }
    assert states["gpt3"] == {
        "whole": "dirty", "capitals": "dirty", "changed": "clean", "spaceless": "clean", "absent": "clean",
    }  # fmt: skip
    # Every ninth word: of 33 grams of 8 words, those between are left, 1 in 9
    assert states["gpt2"] == states["gpt3"]
    assert states["gpt4"] == {
        "whole": "dirty", "capitals": "clean", "changed": "clean", "spaceless": "dirty", "absent": "clean",
    }  # fmt: skip
    found = {
        (row["rule"], name): (row["sought"], row["found"]) for name, row in zip(names * 3, rows["quiz"], strict=True)
    }
    assert found["gpt2", "whole"] == (33, 33) and found["gpt2", "changed"] == (33, 4)
    assert found["gpt4", "whole"] == (3, 3) and found["gpt4", "absent"] == (3, 0)
    told = result.counts(Overlapped)
    assert told.rules["gpt2"]["quiz"].mean_share == pytest.approx((33 + 33 + 4) / 33 / 5, abs=1e-6)
    assert told.filter.hashes == 27 and told.filter.held <= 27 * 5 * 33 and 0 < told.filter.rate <= 1e-8


def test_a_rule_alone_says_what_it_says_beside_others(run, tmp_path):
    item = numbered("item", 20)
    benchmarks = {"quiz": quiz(run, tmp_path, "quiz", [item, "short", numbered("clean", 20)])}
    texts = [FILL] * 20
    texts[training("web", 20)[0]] += f" {item}"
    documents = source(run, "web", texts)
    together = states_of(audited(run, [documents], benchmarks, rules=RULES)[0])
    assert list(together) == list(RULES)
    for rule in RULES:
        assert states_of(audited(run, [documents], benchmarks, rules=(rule,))[0]) == {rule: together[rule]}


def test_sums_of_an_arithmetic_benchmark_are_searched_as_such(run, tmp_path):
    problems = [(98, "plus", 45), (7, "minus", 23), (556, "plus", 497), (1, "plus", 2)]
    asked = [f"Q: What is {a} {word} {b}? A: {a + b}" for a, word, b in problems]
    benchmarks = {"sums": quiz(run, tmp_path, "sums", asked), "quiz": quiz(run, tmp_path, "quiz", [numbered("x", 20)])}
    texts = [FILL] * 20
    first, second = training("web", 20)[:2]
    texts[first] += " 98 + 45 = 143, 7 minus 23; 1556 + 497 = and 1 + 23 ="
    texts[second] += " so 98 plus 45 is 143"
    result, _ = audited(run, [source(run, "web", texts, 2)], benchmarks)
    assert counts(result)["arithmetic"] == {"sums": {"problems": 4, "sign": 1, "word": 2, "either": 2}}


# ---- the looking


@given(st.lists(st.integers(-1, 3), max_size=60), st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=8), st.integers(1, 4))  # fmt: skip  # noqa: E501
def test_grams_are_met_where_they_stand(text, items, n):
    grams = Grams.of([np.array(item, np.int32) for item in items], n)
    known = {tuple(item[at : at + n]) for item in items for at in range(len(item) - n + 1)}
    assert sorted(map(tuple, grams.numbers.tolist())) == sorted(known)
    found = grams.numbers[grams.met(np.array(text, np.int32))]
    expected = {tuple(text[at : at + n]) for at in range(len(text) - n + 1)} & known
    assert sorted(map(tuple, found.tolist())) == sorted(expected)


def test_grams_of_one_sum_are_told_apart():
    grams = Grams.of([np.array([1, 2, 3, 4], np.int32)], 2)
    same = Grams(2, grams.numbers, np.repeat(grams.sums[:1], 3), grams.table)
    for place, gram in enumerate(grams.numbers):
        sums = Grams.of([gram], 2).sums  # of the text's gram: all are given the sum of this one
        table = np.ones(len(grams.table), bool)
        found = Grams(2, same.numbers, np.repeat(sums, 3), table).met(gram.astype(np.int32))
        assert found.tolist() == [place]


def test_blocks_are_whole_documents(monkeypatch):
    monkeypatch.setattr("tasks.evaluation.decoded.BLOCK", 5)
    ids = np.array([1, 1, 9, 1, 1, 1, 1, 1, 1, 9, 9, 1, 9, 1, 1, 1, 9], np.uint16)
    parts = list(blocks(ids, 9))
    assert np.concatenate(parts).tolist() == ids.tolist()
    assert [part.tolist()[-1] for part in parts] == [9] * len(parts)
    assert [len(part) for part in parts] == [10, 7]
    assert [part.tolist() for part in blocks(np.array([], np.uint16), 9)] == []


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_spelling_is_the_librarys(text):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    model = Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = decoders.ByteLevel()
    model.add_tokens(sorted(pre_tokenizers.ByteLevel.alphabet()))
    spelling = Spelling.of(model, {})
    spelt = [spelling.decode(np.array([number])) for number in range(256)]
    assert sorted(spelt) == [bytes([n]) for n in range(256)]
    numbers = [spelt.index(bytes([byte])) for byte in text.encode()]
    assert spelling.decode(np.array(numbers, np.uint16)).decode() == text
    assert model.decode(numbers, skip_special_tokens=False) == text
    assert Spelling.of(model, {7: b"instead"}).decode(np.array([7, *numbers]))[:7] == b"instead"


# ---- the same words as the filter's kernel


def hashes(texts: list[str]) -> list[list[int]]:
    """The kernel's hash of every word of every text."""
    from tasks.kernels import ngrams as kernel

    found = kernel.grams(pa.array(texts, pa.large_string()), 1)
    rows: list[list[int]] = [[] for _ in texts]
    for row, gram in zip(found.row.tolist(), found.gram.tolist(), strict=True):
        rows[row].append(gram)
    return rows


def said_again(text: str) -> str:
    """The audit's words as a text; it has Hangul's letters apart."""
    return " ".join(unicodedata.normalize("NFC", word) for word in words(text))


def test_every_code_point_counts_as_in_the_kernel():
    """Of long runs of one kind (ideographs, syllables, private use, nothing) every 61st."""
    several = {*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x18000), *range(0x1B000, 0x20000)}
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000 and (code in several or code % 61 == 0)]
    texts = [f"a{chr(code)}b" for code in codes]
    differ = {
        code for code, mine, theirs in zip(codes, hashes([*map(said_again, texts)]), hashes(texts), strict=True)
        if mine != theirs
    }  # fmt: skip
    assert not [hex(code) for code in differ if assigned(chr(code))]
    # the rest are of those that Unicode 14 added, which the kernel's 13 does not know
    assert unicodedata.unidata_version != "14.0.0" or len(differ) == NEWER


@given(st.lists(st.text(st.one_of(st.sampled_from(MEETING), st.characters(codec="utf-8")), max_size=60), max_size=6))
def test_words_agree_with_the_kernel(texts):
    texts = ["".join(c for c in text if c in ODD or assigned(c)) for text in texts]
    assert hashes([said_again(text) for text in texts]) == hashes(texts)


def said_in_letters(texts: list[str]) -> list[list[int]]:
    """The filter kernel's hash of every letter or digit of every text."""
    from tasks.kernels import ngrams as kernel

    found = kernel.grams(pa.array(texts, pa.large_string()), 1, "letters")
    rows: list[list[int]] = [[] for _ in texts]
    for row, gram in zip(found.row.tolist(), found.gram.tolist(), strict=True):
        rows[row].append(gram)
    return rows


@given(st.lists(st.text(st.one_of(st.sampled_from(MEETING), st.characters(codec="utf-8")), max_size=60), max_size=6))
def test_letters_agree_with_the_kernel(texts):
    texts = ["".join(c for c in text if c in ODD or assigned(c)) for text in texts]
    kept = [letters(text.encode()).decode() for text in texts]
    assert [len(row) for row in said_in_letters(texts)] == [len(text) for text in kept]
    assert said_in_letters(kept) == said_in_letters(texts)


def assigned(character: str) -> bool:
    """In Unicode 3.2 already, so in every Python's."""
    return unicodedata.ucd_3_2_0.category(character) != "Cn"
