"""Rule gpt2 beside a plain count of 8-grams in a set."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.plain import words
from tasks.evaluation.rules import gpt2
from tasks.evaluation.rules.gpt2 import DIRTY_SHARE, WORDS, Gpt2, grams
from tasks.evaluation.rules.rule import Block, Items
from tasks.evaluation.sought import words_of

TEXT = st.lists(st.sampled_from(["a", "b", "Cc", "dé", "漢字", "-", "e'f", "1"]), max_size=40).map(" ".join)


def verdicts(items: list[str], texts: list[str]) -> list[tuple[str, int, int]]:
    rule = Gpt2.of({"quiz": Items([str(n) for n in range(len(items))], [item.encode() for item in items])}, 10_000)
    met = rule.nothing()
    for text in texts:
        rule.look(Block(text.encode()), met)
    return [tuple(verdict) for verdict in rule.verdicts("quiz", met)]


def plainly(items: list[str], texts: list[str]) -> list[tuple[str, int, int]]:
    def eights(text: str) -> list[tuple[str, ...]]:
        split = words(text)
        return [tuple(split[at : at + WORDS]) for at in range(len(split) - WORDS + 1)]

    known = {gram for text in texts for gram in eights(text)}
    found = []
    for item in items:
        mine = eights(item)
        of = sum(gram in known for gram in mine)
        state = "uncheckable" if not mine else "dirty" if of / len(mine) >= DIRTY_SHARE else "clean"
        found.append((state, len(mine), of))
    return found


@given(st.lists(TEXT, max_size=6), st.lists(TEXT, max_size=4))
def test_it_counts_what_a_set_of_grams_holds(items, texts):
    assert verdicts(items, texts) == plainly(items, texts)


def test_an_item_is_dirty_from_seven_grams_of_ten_on():
    item = " ".join(f"w{n}" for n in range(17))  # 10 grams
    for count, state in ((13, "clean"), (14, "dirty")):
        text = " ".join(f"w{n}" for n in range(count))
        assert verdicts([item], [text]) == [(state, 10, count - 7)]


def test_grams_do_not_depend_on_where_words_are_cut_for_hashing(monkeypatch):
    text = words_of(" ".join(f"word{n * n}" for n in range(400)).encode())
    whole = grams(text).tolist()
    assert len(set(whole)) == len(whole) == 393
    for size in (1, 7, 100):
        monkeypatch.setattr(gpt2, "AT_ONCE", size)
        assert grams(text).tolist() == whole
    assert grams(text[5:]).tolist() == whole[5:]
    assert grams(pa.array([], pa.binary())).tolist() == []


def test_words_of_one_letter_order_count():
    """A polynomial alone gives neighbours neighbouring hashes; none of these grams is taken for another."""
    texts = [" ".join("ab"[n >> bit & 1] for bit in range(8)) for n in range(256)]
    found = [int(grams(words_of(text.encode()))[0]) for text in texts]
    assert len(set(found)) == 256
