"""What is trained on: the pieces that cuts leave, their names and their split."""

import random

import numpy as np
from corpora import decided, document_id, source

from tasks.kernels.draw import uniform
from tasks.quality.keep import keep
from tasks.runtime.artifact import Artifact
from tasks.tokens.pieces import Piece, held_out, left, pieces


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


def test_left():
    assert left([{"start": 0, "end": 2}, {"start": 5, "end": 9}], 9) == [(2, 5)]
    assert left([{"start": 1, "end": 2}], 4) == [(0, 1), (2, 4)]
    assert left([{"start": 0, "end": 4}], 4) == []
