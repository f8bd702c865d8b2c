"""What is trained on: the pieces that cuts leave, their names and their split."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from corpora import decided, document_id, source
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels.draw import uniform
from tasks.quality.keep import keep
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run
from tasks.tokens.pieces import Piece, held_out, piece_batches, pieces


def listed(documents: Artifact, decision: Artifact, validation: float = 0.0, seed: int = 1) -> list[Piece]:
    return [piece for shard in documents.shards() for piece in pieces(shard, decision, validation, seed)]


def spans_of(text: str, draw: random.Random) -> list[tuple[int, int]]:
    """Some disjoint, ordered spans of the text, in bytes, on code points."""
    edges = sorted(draw.sample(range(len(text) + 1), min(len(text) + 1, 2 * draw.randrange(1, 5)) // 2 * 2))
    byte = [len(text[:at].encode()) for at in edges]
    return list(zip(byte[::2], byte[1::2], strict=True))


def test_pieces_and_cuts_make_the_text(run):
    draw = random.Random(1)
    texts = ["".join(draw.choice("aé漢😀\n ") for _ in range(draw.randrange(1, 40))) for _ in range(50)]
    ids = [document_id("web", n) for n in range(50)]
    cuts = {id: spans_of(text, draw) for id, text in zip(ids, texts, strict=True)}
    documents = source(run, "web", texts)
    found = listed(documents, decided(run, documents, cuts=cuts))
    cut_in_the_middle = 0
    for id, text in zip(ids, texts, strict=True):
        mine = [piece for piece in found if piece.id.partition("#")[0] == id]
        assert [piece.id for piece in mine] == [f"{id}#{n}" for n in range(len(mine))]
        assert all(piece.text for piece in mine)
        content, at, again = text.encode(), 0, b""
        waiting = [piece.text.encode() for piece in mine]
        for start, end in [*cuts[id], (len(content), len(content))]:
            if start > at:
                again += waiting.pop(0)
            again += content[start:end]
            at = end
        assert again == content and not waiting
        cut_in_the_middle += len(mine) > 1
    assert cut_in_the_middle > 20


def test_a_document_without_cuts_keeps_its_id(run):
    documents = source(run, "web", ["one", "two", "three"], shards=2)
    decision = decided(run, documents, dropped=[document_id("web", 1)])
    assert {(piece.id, piece.text) for piece in listed(documents, decision)} == {
        (document_id("web", 0), "one"),
        (document_id("web", 2), "three"),
    }


def test_a_decision_that_cuts_nothing_will_do(run):
    documents = source(run, "web", ["one", "two"], languages=["en", "de"])
    plain = {"before": None, "scores": None, "pareto": None, "threshold": None, "seed": 1}
    decision = run(keep, "web", documents=documents, languages=["en"], **plain)
    assert listed(documents, decision) == [Piece(document_id("web", 0), "one", False)]


def test_cuts_outlive_a_decision_behind_them_that_knows_no_cuts(run):
    documents = source(run, "web", ["one two", "three", "four"], languages=["en", "de", "en"])
    cut = decided(run, documents, dropped=[document_id("web", 2)], cuts={document_id("web", 0): [(0, 4)]})
    plain = {"scores": None, "pareto": None, "threshold": None, "seed": 1}
    last = run(keep, "web", documents=documents, before=cut, languages=["en"], **plain)
    assert listed(documents, last) == [Piece(document_id("web", 0) + "#0", "two", False)]


def test_the_split_is_the_documents_own(run):
    """All pieces of a document are on one side, the same whatever the sharding."""
    texts = [f"begin {n} middle {n} end" for n in range(300)]
    cuts = {document_id("web", n): [(6, 8)] for n in range(0, 300, 2)}
    found = []
    for shards in (1, 4):
        documents = source(run, "web", texts, shards)
        found.append({piece.id: piece for piece in listed(documents, decided(run, documents, cuts=cuts), 0.3, 5)})
    assert found[0] == found[1] and len(found[0]) == 450
    sides: dict[str, set[bool]] = {}
    for piece in found[0].values():
        sides.setdefault(piece.id.partition("#")[0], set()).add(piece.validation)
    assert all(len(side) == 1 for side in sides.values())
    ids = [document_id("web", n) for n in range(300)]
    expected = uniform(ids, 5, "split") < 0.3
    assert [sides[id] == {True} for id in ids] == expected.tolist()
    assert 60 < expected.sum() < 120
    other = held_out(np.array(ids).tolist(), 0.3, 6)
    assert (other != expected).any()


def test_rows_past_the_first_batch(run):
    """Rows are read in batches; ids, texts and cuts must stay together."""
    texts = [f"text {n}" for n in range(5000)]
    documents = source(run, "web", texts)
    found = listed(documents, decided(run, documents, cuts={document_id("web", 4999): [(0, 5)]}))
    assert [piece.text for piece in found[:-1]] == texts[:-1]
    assert found[-1] == Piece(document_id("web", 4999) + "#0", "4999", False)
    (shard,) = documents.shards()
    wanted = np.zeros(5000, bool)
    wanted[[3, 4500]] = True
    some = pieces(shard, decided(run, documents), 0.0, 1, wanted)
    assert [piece.text for piece in some] == ["text 3", "text 4500"]


def plain(id: str, text: str, cuts: list[tuple[int, int]]) -> list[tuple[str, str]]:
    """(id, text) of a document's pieces, one by one: the twin of what is done for whole columns."""
    if not cuts:
        return [(id, text)]
    content = text.encode()
    edges = [0, *(edge for span in cuts for edge in span), len(content)]
    left = [content[a:b].decode() for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    return [(f"{id}#{number}", piece) for number, piece in enumerate(left)]


@st.composite
def documents_and_cuts(draw: st.DrawFn) -> list[tuple[str, list[tuple[int, int]], bool]]:
    rows = []
    for text in draw(st.lists(st.text("aé漢😀\0\n", max_size=12), min_size=1, max_size=12)):
        edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
        byte = [len(text[:at].encode()) for at in edges[: len(edges) // 2 * 2]]
        rows.append((text, list(zip(byte[::2], byte[1::2], strict=True)), draw(st.booleans())))
    return rows


@settings(max_examples=60, deadline=None)
@given(documents_and_cuts())
def test_columns_hold_what_the_documents_give_one_by_one(rows):
    with TemporaryDirectory() as folder:
        run = Run(Path(folder) / "store", LocalEngine(1))
        documents = source(run, "web", [text for text, _, _ in rows])
        ids = [document_id("web", n) for n in range(len(rows))]
        cuts = {id: spans for id, (_, spans, _) in zip(ids, rows, strict=True)}
        decision = decided(run, documents, [id for id, row in zip(ids, rows, strict=True) if row[2]], cuts)
        (shard,) = documents.shards()
        batches = list(piece_batches(shard, decision, 0.5, 1))
    expected = [
        (place, *piece)
        for place, (id, (text, spans, dropped)) in enumerate(zip(ids, rows, strict=True))
        if not dropped
        for piece in plain(id, text, spans)
    ]
    found = [zip(b.rows.tolist(), b.ids.to_pylist(), b.text.to_pylist(), strict=True) for b in batches]
    assert [row for batch in found for row in batch] == expected
    for batch in batches:
        assert (batch.ids.type, batch.text.type) == (pa.string(), pa.large_string())
        assert batch.validation.tolist() == held_out([ids[row] for row in batch.rows.tolist()], 0.5, 1).tolist()


@pytest.mark.parametrize("spans", [[(1, 2)], [(0, 2)], [(0, 4), (3, 5)], [(3, 99)], [(4, 3)]])
def test_cuts_that_are_no_cuts_of_the_text_are_told(run, spans):
    """Half a character would be encoded as its bytes, and no reader would find the text that was cut."""
    documents = source(run, "web", ["whole", "漢 and more"])
    decision = decided(run, documents, cuts={document_id("web", 1): spans})
    with pytest.raises(Failure, match=f"{document_id('web', 1)}.*edge at byte .*decision that cuts anew"):
        listed(documents, decision)
