"""Texts that are likely to go wrong, for hypothesis and for Spark."""

import random

from hypothesis import strategies as st

# one or two of each break class, of each width in UTF-8, of each white space; what changes width in lower case
ODD = [
    *"ΣΣΣσςaAbB1 2-_'\".,;$%&#¢£İıIßẞſKÅȺⱥǅéÉ漢アあーｱ\u3099िकʰⅫⓐ̈́ͅ!¡«»„“”…€𐐀𐐨𝔸😀𞤀\U000e0001\U0010ffff",
    *"\t\n\x0b\f\r\x1c\x1d\x1e\x1f\x00\x7f\x85\xa0\xad\u1680\u2003\u2028\u2029\u200b\u202f\u205f\u2060\u3000",
    *"\u0300\u0308\u20dd\u0964\u0965\u066b\u066a\u0661\u2030\u2027\u180e\ufeff\ufffd\ue000",
]  # fmt: skip

# by the text, for a mixture by the character (and st.text) seldom makes two odd ones meet
TEXT = st.one_of(
    st.lists(st.sampled_from(ODD), max_size=40).map("".join),
    st.lists(st.one_of(st.sampled_from(ODD), st.characters(codec="utf-8")), max_size=40).map("".join),
    st.lists(st.sampled_from(["a", "b", "B.", "ΑΣ", "𝔸Σ", "-", "A'Σ", "Σ1"]), max_size=30).map(" ".join),
)
TEXTS = st.lists(st.one_of(TEXT, TEXT, TEXT, st.none()), max_size=6)


def random_texts(count: int, seed: int) -> list[str]:
    """Random texts of the same kind, without hypothesis: one batch for one Spark job."""
    source = random.Random(seed)
    texts = []
    for _ in range(count):
        plane = source.choice([0x80, 0x250, 0x3000, 0x10000, 0x20000, 0x110000])
        pick = source.random()
        text = []
        for _ in range(source.randrange(40)):
            if source.random() < pick:
                text.append(source.choice(ODD))
            else:
                code = source.randrange(plane)
                text.append(chr(code) if not 0xD800 <= code < 0xE000 else "Σ")
        texts.append("".join(text))
    return texts
