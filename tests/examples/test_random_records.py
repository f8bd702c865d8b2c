"""Whatever a record's texts are: streams are aligned, no text gets a special token, tables are read as written."""

import csv
import io
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from corpora import workers
from examples_made import tokenizer_made
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.examples import FIELDS
from tasks.examples.fields import Item, item_of
from tasks.examples.forms import FORMS, Shown, sequences
from tasks.examples.records import Asked, Found, records
from tasks.examples.vocabulary import encoder, with_added
from tasks.runtime.run import Run
from tasks.sources.input.hashed import as_listed
from tasks.sources.parts import Part
from tasks.sources.rejects import Bad, Reject
from tasks.tokens.tokenizer import tokenizer_file

SPECIALS = ["<|start|>", "<|delimiter|>", "<|extract|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"]
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.lists(st.sampled_from([*SPECIALS, "mill ", "漢", "\u202e", "\0"]), max_size=8).map("".join),
).filter(str.strip)


@cache
def tokenizer() -> bytes:
    with TemporaryDirectory() as folder:
        return tokenizer_file(tokenizer_made(Run(Path(folder) / "store", workers(1)))).read_bytes()


@cache
def shown(form: str, context: int) -> Shown:
    _, added = with_added(tokenizer(), FORMS[form].added)
    return Shown(encoder(tokenizer()), added, context)


@st.composite
def valid_records(draw: Any) -> tuple[str, dict[str, Any]]:
    form = draw(st.sampled_from(sorted(FORMS)))
    one = texts
    several = st.lists(one, min_size=2, max_size=4)
    made = {
        "classify": {"text": one, "label": st.sampled_from(["no", "yes"])},
        "regress": {"text": one, "label": st.floats(-5, 5)},
        "entail": {"premise": one, "hypothesis": one, "label": st.sampled_from(["no", "yes"])},
        "similar": {"first": one, "second": one, "label": st.sampled_from(["no", "yes"])},
        "choose": {"document": one, "question": one, "answers": several, "label": st.integers(0, 1)},
        "span": {"question": one, "text": one, "answer": st.none()},
        "tag": {"words": several, "tags": st.just(["no", "yes"])},
        "chat": {"prompt": one, "answer": one},
        "compare": {"prompt": one, "answers": several, "ranks": st.just([1, 2])},
        "prompt": {"prompt": one},
    }[form]
    record = {key: draw(strategy) for key, strategy in made.items()}
    if form == "span":
        start = draw(st.integers(0, len(record["text"]) - 1))
        record |= {"answer": record["text"][start : start + 9], "start": start}
    if form == "compare":
        record["ranks"] = draw(st.permutations(range(1, len(record["answers"]) + 1)))
    if form == "tag":
        record["tags"] = ["no"] * len(record["words"])
    return form, record


@settings(max_examples=150, deadline=None)
@given(valid_records(), st.sampled_from([8, 33, 512]))
def test_streams_are_aligned_and_no_text_gets_a_special_token(made: tuple[str, dict[str, Any]], context: int) -> None:
    form, record = made
    classes = ("no", "yes") if FIELDS[form].classes == "must" or form == "similar" else ()
    by = shown(form, context)
    try:
        rows = sequences(form, item_of(record, form, {key: key for key in FIELDS[form].all}, classes), by)
    except Bad as bad:
        assert bad.reason in ("too-long", "no-tokens") and (context < 512 or bad.reason == "no-tokens")
        return
    special = set(by.added.values())
    order = list(by.added)
    for row in rows:
        assert len(row.tokens) == len(row.loss_mask) == len(row.segment) <= context
        assert set(row.loss_mask) | set(row.segment) <= {0, 1} and row.loss_mask[0] == 0
        assert sorted(row.segment) == row.segment
        found = [order[token - min(special)] for token in row.tokens if token in special]
        if form in ("chat", "compare", "prompt"):
            expected = ["<|user|>", "<|end|>", "<|assistant|>", "<|end|>"]
            assert found == (expected[:3] if form == "prompt" else expected)
            assert bool(sum(row.loss_mask)) == (form != "prompt")
        else:
            between = [] if form in ("classify", "regress", "tag") else ["<|delimiter|>"]
            assert found == ["<|start|>", *between, "<|extract|>"]
            assert sum(row.loss_mask) == len(row.tokens) - 1
    if form == "similar":
        assert _parts(rows[0].tokens, by) == _parts(rows[1].tokens, by)[::-1]
    if form == "span":
        assert any(row.label != [0.0, 0.0] for row in rows) or context < 64
    if context == 512:
        assert not sum(row.left_out for row in rows)


@settings(max_examples=150, deadline=None)
@given(texts, texts)
def test_cutting_takes_from_the_ends_alone(premise: str, hypothesis: str) -> None:
    item = Item((premise, hypothesis), (1.0,))
    (whole,), (cut,) = (sequences("entail", item, shown("entail", context)) for context in (4096, 16))
    parts = [_parts(row.tokens, shown("entail", 16)) for row in (whole, cut)]
    assert [part[:6] for part in parts[0]] == parts[1]
    assert cut.left_out == sum(map(len, parts[0])) - sum(map(len, parts[1]))


def _parts(tokens: list[int], by: Shown) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for token in tokens[1:-1]:
        if token == by.added["<|delimiter|>"]:
            found.append([])
        else:
            found[-1].append(token)
    return found


# ---- tables

cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12)
table = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=5))


def read(content: bytes, name: str) -> list[Found | Reject]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        part = Part(name, len(content))
        with as_listed(part, path, "jsonl") as listed:
            return list(records(listed.source, path, part, Asked([], [])))


@settings(max_examples=150, deadline=None)
@given(table, st.sampled_from(["\n", "\r\n"]))
def test_csv_is_read_as_it_is_written(rows: list[list[str]], end: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    names = [f"c{n}" for n in range(len(rows[0]) if rows else 1)]
    writer.writerows([names, *rows])
    found = read(out.getvalue().encode(), "a.csv")
    assert [one.value for one in found if isinstance(one, Found)] == [
        dict(zip(names, row, strict=True)) for row in rows
    ]
    assert len(found) == len(rows)


@settings(max_examples=150, deadline=None)
@given(table, st.booleans())
def test_tsv_is_read_as_it_is_written_with_quotes_or_without(rows: list[list[str]], quoted: bool) -> None:
    rows = [[cell.replace("\t", " ").replace("\n", " ") for cell in row] for row in rows]
    out = io.StringIO()
    names = [f"c{n}" for n in range(len(rows[0]) if rows else 1)]
    if quoted:
        csv.writer(out, delimiter="\t", lineterminator="\n").writerows([names, *rows])
    else:
        rows = [[cell.replace('""', '"') for cell in row] for row in rows]
        out.write("".join("\t".join(row) + "\n" for row in [names, *rows]))
    expected = [dict(zip(names, row, strict=True)) for row in rows if quoted or row != [""]]
    found = read(out.getvalue().encode(), "a.tsv")
    assert [one.value for one in found if isinstance(one, Found)] == expected and len(found) == len(expected)


lines = st.one_of(
    st.lists(st.integers(32, 255), max_size=30).map(bytes),
    st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=3).map(
        lambda value: json.dumps(value).encode()
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(lines, max_size=8), st.booleans())
def test_no_line_is_lost(given_lines: list[bytes], ends: bool) -> None:
    content = b"\n".join([b'{"first": 1}', *given_lines]) + b"\n" * ends
    found = read(content, "a.jsonl")
    full = [n for n, line in enumerate([b"{}", *given_lines], 1) if line.strip()]
    assert len(found) == len(full)
    for number, one in zip(full, found, strict=True):
        assert one.line == number if isinstance(one, Found) else one.detail.startswith(f"line {number}: ")
