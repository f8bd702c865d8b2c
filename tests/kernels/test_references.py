"""Character references: the kernel beside html.unescape."""

from html import unescape
from html.entities import html5

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels.references import reference

ENDS = st.sampled_from([";", "", "x", " ", "=", "&", "#"])
NUMBERS = st.one_of(st.integers(0, 0x300), st.integers(0xD700, 0x110010), st.integers(0, 10**40))
REFERENCES = st.one_of(
    st.builds(lambda name, end: f"&{name.rstrip(';')}{end}", st.sampled_from(sorted(html5)), ENDS),
    st.builds(lambda number, end: f"&#{number}{end}", NUMBERS, ENDS),
    st.builds(lambda number, x, end: f"&#{x}{number:x}{end}", NUMBERS, st.sampled_from("xX"), ENDS),
    st.text(st.sampled_from("&#;xXaltgmp0123"), max_size=8),
)


def read(text: str) -> str:
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    out, at = "", 0
    while at < len(codes):
        if codes[at] != ord("&"):
            out, at = out + chr(codes[at]), at + 1
            continue
        first, second, at = reference(codes, at)
        out += "".join(chr(code) for code in (first, second) if code)
    return out


@settings(max_examples=1000, deadline=None)
@given(st.lists(REFERENCES, max_size=5).map("".join))
def test_the_kernel_reads_as_the_standard_library(text):
    assert read(text) == unescape(text)


def test_every_name():
    for name in html5:
        assert read(f"&{name}") == html5[name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&amp;lt;", "&lt;"),
        ("&notit;", "¬it;"),
        ("&#150;&#x1F600;", "–😀"),
        ("&;&#;&#x;&", "&;&#;&#x;&"),
        ("&#0;", "\ufffd"),
    ],
)
def test_fixed(text, expected):
    assert read(text) == expected
