"""The scan of `clean`: blocks and single bytes give the same, at every place; bytes that are not UTF-8 harm nothing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels.clean import tidy
from tasks.sources.texts.characters import table
from tasks.sources.texts.clean import slow

ODD = [
    "  ",
    " \n",
    "\n\n\n",
    "\n \n",
    "\t",
    "\n\t",
    "é",
    "é ",
    "中",
    "😀",
    "\xa0",
    "\u3000",
    "\xad",
    "\u2028",
    "\x7f",
    "\x00",
]


def tidied(text: str, keep: bool = False) -> str:
    return tidy(text.encode(), table(), keep, 0).data.decode()


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("keep", [False, True])
def test_what_is_odd_is_met_at_every_place_of_a_block(odd, keep):
    for length in (3, 17, 18, 19, 40):
        calm = ("ab, c d\nefgh" * 4)[:length].strip()
        for place in range(len(calm) + 1):
            for second in (place, length // 2):
                text = calm[:place] + odd + calm[place:second] + odd + calm[max(place, second) :]
                assert tidied(text, keep) == slow(text, "keep" if keep else "standard", entities=False), (text, keep)


def test_a_tidy_text_is_given_back_itself():
    data = "def f(x):\n    if x:\n\n        return 'é, 中文'\n\tb c".encode()
    for keep in (False, True):
        assert tidy(data, table(), keep, 0).data is data


def test_spots_side_by_side_are_told_by_the_first_of_16_bytes_and_by_line():
    text = "═" * 10 + "\n═══\nÃ\n" + "é" * 20 + "&a;&b;"
    spots = tidy(text.encode(), table(), False, len(text.encode())).spots.tolist()
    assert spots == [3, 21, 34, 43, 84]


@pytest.mark.parametrize("count", [1, 64, 65, 1000])
def test_every_spot_is_told(count):
    text = "a&amp;\n" * count + "&a b; & &#; &" + "x" * 25 + "; &" + "y" * 24 + ";"
    places = [match.start() for match in re.finditer("&#?[0-9A-Za-z]{1,24};", text)]
    assert len(places) == count + 1
    assert tidy(text.encode(), table(), False, len(text)).spots.tolist() == places
    assert tidy(text.encode(), table(), False, 10).spots.tolist() == [place for place in places if place < 10]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"\xc3", b"\xe4\xb8", b"\xf0\x9f", b"\xff", b"\xf8\x90", b"\x80", b"a ", b"\n", "é中😀".encode()]
        )
    )
)
def test_bytes_that_are_not_utf8_harm_nothing(pieces):
    data = b"".join(pieces)
    for keep in (False, True):
        once = tidy(data, table(), keep, len(data)).data
        assert len(once) <= len(data)
        assert once == tidy(bytes(bytearray(data)), table(), keep, len(data)).data
