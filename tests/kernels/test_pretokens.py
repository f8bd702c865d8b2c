"""Where GPT-2's pattern cuts, against `tokenizers`' own; the table of classes; the table of counts."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from tasks.kernels import byte_counts, pretoken_classes
from tasks.kernels.buffers import buffers
from tasks.kernels.byte_counts import LONGEST, ByteCounts
from tasks.kernels.pretokens import pretokens

from .strategies import ODD

# What the pattern looks at: every white space of Unicode and what looks like one, contractions and what is none,
# numbers and letters of several scripts and kinds, marks, controls, code points that Unicode 16 and 17 brought
MEMBERS = [
    *"\t\n\x0b\f\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u2003\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000",
    *"\ufeff''sdmtlvreSDMTLVRE’aZé09²½Ⅷ٣३𝟘漢あ가ไ\u0301\u0e31\u20dd!.-_€©😀\x00\x7f\u1c89\u088f\ue000\ufffd\U0010ffff",
]
TEXT = st.one_of(
    st.lists(st.sampled_from(MEMBERS), max_size=30).map("".join),
    st.lists(st.sampled_from(["'s", "'ll", "'ve", "'LL", "'l", "'", " ", " \n", "it", "1", "!"])).map("".join),
    st.lists(st.one_of(st.sampled_from(MEMBERS + ODD), st.characters(codec="utf-8")), max_size=30).map("".join),
)
split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str


def reference(text: str) -> list[bytes]:
    return [text[start:end].encode() for _, (start, end) in split(text)]


def cut(text: str) -> list[bytes]:
    data = np.frombuffer(text.encode(), np.uint8)
    ends = pretokens(data, 0, len(data)).tolist()
    return [data[start:end].tobytes() for start, end in zip([0, *ends], ends, strict=False)]


def counted(texts: list[str], table: ByteCounts | None = None) -> dict[bytes, int]:
    table = table or ByteCounts()
    table.add_pretokens(*buffers(pa.array(texts, pa.large_string())))
    return met(table)


def met(table: ByteCounts) -> dict[bytes, int]:
    starts, data = table.starts.tolist(), table.data.tobytes()
    words = [data[start:end] for start, end in pairwise(starts)]
    assert len(set(words)) == len(words) == table.used
    return dict(zip(words, table.counts.tolist(), strict=True))


@given(TEXT)
def test_pretokens_are_those_of_tokenizers(text):
    assert cut(text) == reference(text)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("it's we'll I'VE 's", ["it", "'s", " we", "'ll", " I", "'", "VE", " '", "s"]),
        ("a  b", ["a", " ", " b"]),
        ("a \n b", ["a", " \n", " b"]),
        ("a\n\nb", ["a", "\n", "\n", "b"]),
        ("a \u3000b", ["a", " ", "\u3000", "b"]),
        ("a  ", ["a", "  "]),
        (" '", [" '"]),
        ("12ab½", ["12", "ab", "½"]),
        ("e\u0301", ["e", "\u0301"]),  # a mark is no letter
        ("\u200b \u1c89", ["\u200b", " \u1c89"]),  # a letter since Unicode 16
        ("'", ["'"]),
        ("'l", ["'", "l"]),
        ("", []),
    ],
)
def test_examples(text, pieces):
    assert [piece.decode() for piece in cut(text)] == pieces == [piece.decode() for piece in reference(text)]


def agree(codes: list[int]) -> None:
    """Beside a letter, a number and a mark each joins its own."""
    codes = [code for code in codes if not 0xD800 <= code < 0xE000]
    for start in range(0, len(codes), 256):
        text = "".join(f"a{c}1{c}!{c} " for c in map(chr, codes[start : start + 256]))
        assert cut(text) == reference(text), f"from U+{codes[start]:04X} on"


def test_where_classes_change_they_change_for_tokenizers():
    kinds = pretoken_classes.rows()
    assert np.bincount(kinds).tolist() == [971148, 141028, 1911, 25]
    changes = np.flatnonzero(np.diff(kinds))
    agree(np.unique(np.concatenate([changes, changes + 1, [0, 0x10FFFF]])).tolist())


@pytest.mark.long
def test_every_code_point_has_the_class_that_tokenizers_gives_it():
    agree(list(range(0x110000)))


@pytest.mark.long
def test_100_000_random_texts():
    draw = random.Random(1)
    planes = [0x80, 0x250, 0x3000, 0x10000, 0x20000, 0x110000]
    for _ in range(100_000):
        plane, share = draw.choice(planes), draw.random()
        codes = [ord(draw.choice(MEMBERS)) if draw.random() < share else draw.randrange(plane) for _ in range(30)]
        text = "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)
        assert cut(text) == reference(text), ascii(text)


def test_a_text_that_is_no_utf8_is_cut_within_its_bytes():
    for broken in (b"\xff", b"a\xe6\xbc", b"\xf0\x9f", b"\x80\x80 \xc3", b"\xf8abc", b"' \xe2"):
        data = np.frombuffer(broken + b"zzzz", np.uint8)
        ends = pretokens(data, 0, len(broken)).tolist()
        assert ends == sorted(set(ends)) and ends[-1] == len(broken)


@settings(deadline=None)  # pyarrow's first array waits for pandas
@given(st.lists(TEXT, max_size=20))
def test_counts_are_those_of_the_reference(texts):
    expected = Counter(word for text in texts for word in reference(text))
    assert counted(texts) == expected


def test_counts_grow_past_their_first_room():
    texts = [f"{n} w{n:x} {'y' * (n % 200)}" for n in range(9000)]
    expected = Counter(word for text in texts for word in reference(text))
    assert counted(texts) == expected and len(expected) > 1 << 12


def test_words_are_told_apart_past_their_first_eight_bytes():
    texts = [" abcdefgX", " abcdefgY", " abcdefg", " abcdefgXabcdefgX", " abcdefgXabcdefgY", "\x00", "\x00\x00"] * 2
    assert counted(texts) == dict.fromkeys([text.encode() for text in texts], 2)


def test_words_of_one_slot_are_two():
    """A table of few places, so that strings meet in it."""
    table = ByteCounts()
    table._table = table._table[:1024].copy()
    words = [f"{n}" for n in range(1000)]
    assert counted(words * 2, table) == {word.encode(): 2 for word in words}


@pytest.mark.parametrize(
    ("character", "a_piece"),
    [("a", LONGEST), ("漢", LONGEST // 3), ("!", LONGEST), (" ", LONGEST), ("😀", LONGEST // 4)],
)
def test_a_run_of_a_million_is_cut_between_characters(character, a_piece):
    whole, rest = divmod(10**6, a_piece)
    expected = Counter({(character * a_piece).encode(): whole})
    if rest:
        expected[(character * rest).encode()] += 1
    assert counted([character * 10**6]) == expected


def test_the_rest_of_a_cut_run_is_not_scanned_anew():
    """`!!!...!'s` is one run up to the s; its rest alone, where it is cut before 's, would be a contraction."""
    text = "!" * LONGEST + "'s"
    assert reference(text)[-1] == b"s"
    table = ByteCounts()
    table._buffer = table._buffer[: LONGEST + 8 + 1].copy()  # room for one piece, so that it stops at the cut
    assert counted([text], table) == {b"!" * LONGEST: 1, b"'": 1, b"s": 1}


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(1, 2**50)), max_size=30))
def test_strings_are_counted_by_weight(listed):
    table = ByteCounts()
    ends = np.cumsum([0, *(len(word) for word, _ in listed)]).astype(np.int64)
    data = np.frombuffer(b"".join(word for word, _ in listed), np.uint8)
    table.add(data, ends[:-1], ends[1:], np.array([count for _, count in listed], np.int64))
    expected: Counter[bytes] = Counter()
    for word, count in listed:
        expected[word] += count
    expected.pop(b"", None)
    assert met(table) == expected


def test_a_words_hash_is_the_same_wherever_it_stands():
    first, second = ByteCounts(), ByteCounts()
    counted(["one two three fourteen characters"], first)
    counted(["xx fourteen", " characters one three two one"], second)
    of = [dict(zip(met(table), table.hashes.tolist(), strict=True)) for table in (first, second)]
    both = of[0].keys() & of[1].keys()
    assert len(both) == 4 and all(of[0][word] == of[1][word] for word in both)


def test_the_longest_piece_of_what_is_no_utf8():
    data = np.full(LONGEST * 2 + 1, 0x80, np.uint8)
    assert byte_counts._piece(data, 0, len(data)) == LONGEST
