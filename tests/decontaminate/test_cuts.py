"""From leaks to cuts: grams, hits, frequent and cuts together, against a plain twin over characters."""

import json
import random
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from corpora import by_id, contents, counts, decided, document_id, source, workers
from kernels.strategies import random_texts
from kernels.twins import words

from conf.corpus import Decontaminate
from tasks.decontaminate import frequent as frequent_stage
from tasks.decontaminate import rules
from tasks.decontaminate.benchmark import benchmark, comparable
from tasks.decontaminate.cuts import cuts
from tasks.decontaminate.frequent import frequent
from tasks.decontaminate.grams import grams, grams_table
from tasks.decontaminate.hits import hit_batches, hits
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run

LEAK = " ".join(f"leak{n}" for n in range(13))


def benchmarks(run: Run, folder: Path, items: dict[str, list[str]]) -> dict[str, Artifact]:
    made = {}
    for name, texts in items.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        made[name] = run(benchmark, name, files=[{"path": str(path), "texts": texts}], inside=None, text=["text"])
    return made


def cleaned(
    run: Run,
    folder: Path,
    documents: list[Artifact],
    items: dict[str, list[str]],
    decisions: list[Artifact] | None = None,
    **keys: Any,
) -> tuple[list[Artifact], list[Artifact]]:
    """Hits and cuts of each source, by the keys of `decontaminate`."""
    how = Decontaminate(**keys)
    wanted = run(grams, "all", benchmarks=benchmarks(run, folder, items), rules=how.sought(), seed=1)
    keeps = decisions or [decided(run, one) for one in documents]
    found = [run(hits, one.name, documents=one, grams=wanted, margin=how.margin) for one in documents]
    judged = how.judged()
    often = run(frequent, "all", documents=documents, hits=found, before=keeps, grams=wanted, limit=how.frequent)
    made = [
        run(
            cuts, one.name, documents=one, hits=found[n], before=keeps[n], grams=wanted, frequent=often, rule=how.rule,
            judged=judged, shortest=how.shortest, pieces=how.pieces,
        )
        for n, one in enumerate(documents)
    ]  # fmt: skip
    return found, made


def left(text: str, row: dict) -> list[str] | str:
    """The pieces that a row's cuts leave, or why none is left."""
    assert (row["reason"] is None) == row["keep"]
    content, at, pieces = text.encode(), 0, []
    for span in [*row["cuts"], {"start": len(content), "end": len(content)}]:
        assert at <= span["start"] <= span["end"] <= len(content)
        pieces.append(content[at : span["start"]].decode())  # fails off a code point's edge
        at = span["end"]
    if not row["keep"]:
        assert row["cuts"] == [{"start": 0, "end": len(content)}]
        return row["reason"]
    return [piece for piece in pieces if piece]


def one_by_one(
    run: Run, folder: Path, texts: list[str], items: list[str], shards: int = 1, **keys: Any
) -> list[list[str] | str]:
    documents = source(run, "web", texts, shards)
    rows = by_id(documents, cleaned(run, folder, [documents], {"quiz": items}, **keys)[1][0])
    return [left(text, rows[document_id("web", n)]) for n, text in enumerate(texts)]


def character_spans(text: str, wanted: set[tuple[str, ...]], n: int) -> list[tuple[int, int, tuple[str, ...]]]:
    """Where the wanted grams stand, in characters."""
    place = {len(text[:at].encode()): at for at in range(len(text) + 1)}
    found = list(words(text))
    grams = [
        (place[found[at][1]], place[found[at + n - 1][2]], tuple(word for word, _, _ in found[at : at + n]))
        for at in range(len(found) - n + 1)
    ]
    return [gram for gram in grams if gram[2] in wanted]


def twin(texts: list[str], items: list[str], how: dict[str, int]) -> list[list[str] | str]:
    n = how["n"]
    split = [[word for word, _, _ in words(comparable(item))] for item in items]
    wanted = {tuple(one[at : at + n]) for one in split for at in range(len(one) - n + 1)}
    spans = [character_spans(text, wanted, n) for text in texts]
    in_documents = [gram for found in spans for gram in {gram for _, _, gram in found}]
    often = {gram for gram in in_documents if in_documents.count(gram) > how["frequent"]}
    answers: list[list[str] | str] = []
    for text, found in zip(texts, spans, strict=True):
        stays = [True] * len(text)
        for start, end, gram in found:
            if gram not in often:
                for at in range(max(0, start - how["margin"]), min(len(text), end + how["margin"])):
                    stays[at] = False
        if all(stays):
            answers.append([text] if text else [])
            continue
        pieces, before = [""], False
        for character, stay in zip(text, stays, strict=True):
            if stay and not before and pieces[-1]:
                pieces.append("")
            pieces[-1] += character if stay else ""
            before = stay
        pieces = [piece for piece in pieces if piece]
        if len(pieces) > how["pieces"]:
            answers.append("contaminated")
        else:
            answers.append([piece for piece in pieces if len(piece) >= how["shortest"]] or "short")
    return answers


@pytest.mark.parametrize(("seed", "margin", "shortest"), [(1, 7, 5), (2, 0, 0), (3, 2, 12)])
def test_any_unicode(run, tmp_path, seed, margin, shortest):
    """Leaks of random Unicode, said anew, among random Unicode: every cut lies between characters, where it should."""
    draw = random.Random(seed)
    noise = random_texts(400, seed)
    items = ["漢字 Straße ΟΔΟΣ", "one two three four", "𝔸 😀x İstanbul", "a b c", *noise[:10]]
    texts = []
    for _ in range(150):
        parts = []
        for _ in range(draw.randrange(1, 9)):
            parts.append(draw.choice(noise))
            if draw.random() < 0.4:
                item = draw.choice(items)
                parts.append(
                    draw.choice([item, item.upper(), item.replace(" ", "\u3000\n"), item.replace(" ", " “-” ")])
                )
        texts.append(draw.choice([" ", "\n", "…"]).join(parts))
    how = {"n": 3, "frequent": 25, "margin": margin, "shortest": shortest, "pieces": 3}
    expected = twin(texts, items, how)
    assert one_by_one(run, tmp_path, texts, items, shards=3, **how) == expected
    kinds = [answer if isinstance(answer, str) else min(len(answer), 2) for answer in expected]
    assert {"contaminated", 1, 2} <= set(kinds) and [a for a, t in zip(expected, texts, strict=True) if a != [t]]


def test_the_margin_is_in_characters(run, tmp_path):
    before, after = "漢" * 1000 + " ", " " + "é" * 700
    assert one_by_one(run, tmp_path, [before + LEAK + after], [LEAK]) == [[before[:-200], after[200:]]]


def test_pieces_of_200_characters_stay_and_of_199_go(run, tmp_path):
    for length, expected in ((399, "short"), (400, ["漢" * 200])):
        folder = tmp_path / str(length)
        folder.mkdir()
        assert one_by_one(run, folder, ["漢" * (length - 1) + " " + LEAK], [LEAK]) == [expected]


@pytest.mark.parametrize(("leaks", "stays"), [(9, True), (10, False)])
def test_more_than_ten_pieces(run, tmp_path, leaks, stays):
    """Nine leaks leave ten pieces, ten leave eleven."""
    fill = " " + "f" * 700 + " "
    text = fill + "".join(LEAK + fill for _ in range(leaks))
    found = one_by_one(run, tmp_path, [text], [LEAK])
    assert found == ([[" " + "f" * 501, *["f" * 302] * 8, "f" * 501 + " "]] if stays else ["contaminated"])


def test_short_pieces_count_among_the_ten(run, tmp_path):
    """Pieces are counted as the cuts leave them, before short ones go (tasks/decontaminate/cuts.py)."""
    fill = " " + "f" * 402 + " "  # leaves four characters between two cuts
    text = fill + "".join(LEAK + fill for _ in range(10))
    assert one_by_one(run, tmp_path, [text], [LEAK]) == ["contaminated"]
    fill = " " + "f" * 390 + " "  # leaves none
    assert one_by_one(run, tmp_path, [fill + "".join(LEAK + fill for _ in range(10))], [LEAK]) == ["short"]


def test_leaks_said_otherwise(run, tmp_path):
    item = "The quick, brown fox -- it isn't lazy -- jumps over the dog; twice, they say!"
    fill = "f" * 500
    said = [
        item,
        item.upper(),
        item.replace(" ", "\n   "),
        "“the” (quick) brown... fox it isnt lazy; jumps «over» the dog: twice they say",
        item.replace("fox", "f\u00adox"),
        item.replace(" ", "\u2003"),
    ]
    found = one_by_one(run, tmp_path, [f"{fill} {text} {fill}" for text in said], [item])
    # the margin is counted from the gram's words: punctuation beside them is of the margin
    assert all(set("".join(pieces)) == {"f"} for pieces in found)
    assert [[len(piece) for piece in pieces] for pieces in found] == [[301, 302]] * 3 + [[302, 301]] + [[301, 302]] * 2


def test_what_is_no_leak_stays(run, tmp_path):
    twelve = LEAK.rpartition(" ")[0]
    texts = [twelve, f"{twelve} other leak12", f"{twelve}leak12", "", "漢字", LEAK.replace("leak5", "leak 5")]
    found = one_by_one(run, tmp_path, texts, [LEAK])
    assert found == [[text] if text else [] for text in texts]


def test_an_item_shorter_than_a_gram_is_not_looked_for(run, tmp_path):
    made = benchmarks(run, tmp_path, {"quiz": ["a b c", LEAK, LEAK + " x"], "other": ["d"]})
    wanted = run(grams, "all", benchmarks=made, rules=Decontaminate().sought(), seed=None)
    assert counts(wanted) == {
        "rules": {
            "gpt3": {
                "other": {"items": 1, "too_short": 1, "grams": 0},
                "quiz": {"items": 3, "too_short": 1, "grams": 2},
            }
        },
        "grams": 2,
    }


FILL = " f" * 250 + " "


def test_a_frequent_gram_counts_documents(run, tmp_path):
    """Ten documents with the gram, one of them five times over: not frequent. Eleven: ignored everywhere."""
    ten = [FILL + LEAK + FILL] * 9 + [FILL + (LEAK + FILL) * 5]
    for number, texts in enumerate((ten, [*ten, FILL + LEAK + FILL])):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = one_by_one(run, folder, texts, [LEAK], shards=2)
        assert [pieces == [text] for pieces, text in zip(found, texts, strict=True)] == [number == 1] * len(texts)


def test_a_frequent_gram_counts_over_all_sources_and_only_kept_documents(run, tmp_path):
    first, second = source(run, "first", [FILL + LEAK + FILL] * 7), source(run, "second", [FILL + LEAK + FILL] * 7)
    for dropped, ignored in ((4, False), (3, True)):
        decisions = [
            decided(run, first),
            decided(run, second, dropped=[document_id("second", n) for n in range(dropped)]),
        ]
        folder = tmp_path / str(dropped)
        folder.mkdir()
        _, made = cleaned(run, folder, [first, second], {"quiz": [LEAK]}, decisions)
        rows = by_id(first, made[0])
        assert all((row["cuts"] == []) == ignored for row in rows.values()) and len(rows) == 7


def test_what_was_dropped_before_stays_dropped_and_uncounted(run, tmp_path):
    documents = source(run, "web", [FILL + LEAK + FILL] * 3)
    first = document_id("web", 0)
    _, (made,) = cleaned(run, tmp_path, [documents], {"quiz": [LEAK]}, [decided(run, documents, dropped=[first])])
    assert by_id(documents, made)[first] == {"keep": False, "reason": None, "cuts": [], "found_by": []}
    assert counts(made)["documents"] == counts(made)["cut"] == 2
    assert counts(made)["benchmarks"] == {"quiz": {"hits": 2, "documents": 2}}


def test_statistics_say_what_is_left(run, tmp_path):
    texts = ["漢" * 300 + " " + LEAK, LEAK, "漢字 clean"]
    documents = source(run, "web", texts)
    _, (made,) = cleaned(run, tmp_path, [documents], {"quiz": [LEAK], "other": [LEAK + " x"]}, frequent=2)
    assert counts(made) == {
        "documents": 3,
        "bytes": sum(len(text.encode()) for text in texts),
        "kept": 1,
        "kept_bytes": len("漢字 clean".encode()),
        "cut": 0,
        "reasons": {"contaminated": 0, "short": 2},
        "benchmarks": {"quiz": {"hits": 2, "documents": 2}, "other": {"hits": 2, "documents": 2}},
        "lengths": {"1": {"touched": 1, "removed": 1}, "2": {"touched": 1, "removed": 1}},
        "found_by": {"gpt3": 2},
    }


def test_kept_bytes_are_those_that_the_cuts_leave(run, tmp_path):
    texts = ["漢" * 500 + " " + LEAK + " " + "é" * 500, "clean", LEAK, "é" * 20]
    documents = source(run, "web", texts)
    _, (made,) = cleaned(
        run, tmp_path, [documents], {"quiz": [LEAK]}, [decided(run, documents, [document_id("web", 3)])]
    )
    left_of = ["漢" * 301, "é" * 301, "clean"]  # the margin's 200 are the blank and 199 more
    assert counts(made)["kept_bytes"] == sum(len(piece.encode()) for piece in left_of)
    assert counts(made)["bytes"] == sum(len(text.encode()) for text in texts[:3])
    assert (counts(made)["documents"], counts(made)["kept"], counts(made)["cut"]) == (3, 2, 1)
    assert counts(made)["lengths"] == {"1": {"touched": 1, "removed": 1}, "3": {"touched": 1, "removed": 0}}


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("rule", ["gpt3", "gap"])
def test_hits_that_come_in_pieces_count_as_one_after_another(run, tmp_path, monkeypatch, rows, rule):
    """A document's hits, and the places of one gram, may end in one piece and go on in the next."""
    items = [LEAK, " ".join(f"other{n}" for n in range(14)), LEAK + " end"]
    texts = [
        f"{LEAK}{FILL}{LEAK} end{FILL * 2}{items[1]}{FILL}{LEAK}",
        f"{FILL * 2}{items[1]}",
        "clean",
        f"{LEAK} end",
        f"{FILL}{LEAK} {items[1]}{FILL}",
    ]
    found = []
    for name, patched in (("whole", None), ("pieces", rows)):
        other = Run(tmp_path / name / "store", run.engine)
        if patched:
            for module in (frequent_stage, rules):
                monkeypatch.setattr(module, "hit_batches", partial(hit_batches, rows=patched))
        documents = source(other, "web", texts, shards=2)
        decisions = [decided(other, documents, [document_id("web", 3)])]
        # a gram of LEAK stands in two kept documents, one of the second item in three
        cleaned(other, tmp_path, [documents], {"quiz": items}, decisions, rule=rule, frequent=2)
        kinds = ("frequent", "cuts")
        made = [each for each in other.artifacts if each.stage in kinds]
        found.append([(each.stage, contents(each), counts(each)) for each in made])
    assert found[0] == found[1]
    (often,) = [told for stage, _, told in found[0] if stage == "frequent"]
    # of 13 words: 1, 2 and 1 more; of the gap rule's 5: 9, 10 and 1 more
    assert often == ({"grams_met": 4, "frequent": 2} if rule == "gpt3" else {"grams_met": 20, "frequent": 10})


def test_hits_say_where_and_grams_whose(run, tmp_path):
    text = "漢字, " + LEAK + "."
    documents = source(run, "web", ["clean", text])
    (found,), _ = cleaned(run, tmp_path, [documents], {"quiz": [LEAK, LEAK + " x"], "other": [LEAK]}, margin=2)
    (shard,) = documents.shards()
    (row,) = pq.read_table(found.folder / f"{shard.key}.parquet").to_pylist()
    assert (row["row"], row["count"]) == (1, 1)
    assert text.encode()[row["start"] : row["end"]].decode() == LEAK
    assert text.encode()[row["cut_start"] : row["cut_end"]].decode() == f", {LEAK}."
    assert text[row["from_character"] : row["to_character"]] == f", {LEAK}."
    assert row["characters"] == len(text)
    (wanted,) = [each for each in run.artifacts if each.stage == "grams"]
    owners = [each for each in grams_table(wanted).to_pylist() if each["gram"] == row["gram"]]
    assert sorted(each["benchmark"] for each in owners) == ["other", "quiz", "quiz"]
    assert len({(each["benchmark"], each["item"]) for each in owners}) == 3


def test_a_leak_deep_in_a_long_document(run, tmp_path):
    """Two megabytes are one row like any other: the original's bug with books has no counterpart."""
    draw = random.Random(3)
    said = [" ".join(f"wörd{draw.randrange(50_000)}" for _ in range(95_000)) for _ in range(2)]
    text = f"{said[0]} {LEAK} {said[1]}"
    assert len(text.encode()) > 2_000_000
    found = one_by_one(run, tmp_path, ["before", text, "after"], [LEAK])
    assert found == [["before"], [f"{said[0]} "[:-200], f" {said[1]}"[200:]], ["after"]]


def test_rows_past_the_first_batch(run, tmp_path):
    """Rows are read in batches; a hit must be of its own row."""
    texts = [f"text {n}" for n in range(4200)]
    for at in (3, 4095, 4096, 4199):
        texts[at] = LEAK
    found = one_by_one(run, tmp_path, texts, [LEAK])
    assert [n for n, pieces in enumerate(found) if pieces == "short"] == [3, 4095, 4096, 4199]
    assert found.count("short") == 4


def test_bytes_do_not_depend_on_workers(run, tmp_path):
    texts = [FILL + LEAK + FILL, "clean", LEAK] * 3
    found = []
    for name, engine in (("one", run.engine), ("two", workers(2))):
        other = Run(tmp_path / name, engine)
        (tmp_path / name).mkdir(exist_ok=True)
        shared = tmp_path / "quiz"
        shared.mkdir(exist_ok=True)
        met, made = cleaned(other, shared, [source(other, "web", texts, shards=3)], {"quiz": [LEAK]})
        found.append([contents(met[0]), contents(made[0])])
    assert found[0] == found[1]


def test_a_shard_without_rows_or_without_hits(run, tmp_path):
    empty, clean = source(run, "none", []), source(run, "clean", ["a b c"], shards=2)
    _, made = cleaned(run, tmp_path, [empty, clean], {"quiz": [LEAK]})
    assert [counts(one)["kept"] for one in made] == [0, 1]
