"""Counts of what looks like personal data, against regular expressions and by hand."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels.pii import COLUMNS, counts_of

from . import pii_twin as twin
from .strategies import TEXTS

PIECES = st.sampled_from(
    [
        *("@", ".", ",", ":", "::", "+", "-", " ", "(", ")", "/", "%", "\n", "é", "a", "Z", "x1", "com", "f", "0", "7"),
        *("john.doe", "example.com", "a@b.co", "8.8.8.8", "192.168.0.1", "1.2.3", "255", "256", "08", "172.32.0.1"),
        *("2001:4860:4860::8888", "2001:db8::1", "2a00:1450", "fe80::1", "1:2:3:4:5:6:7:8", "std::", "12:30:45"),
        *("+49", "30", "901820", "(415) 555-2671", "415.555.2671", "415 555", "2671", "+1 (415) 555-2671"),
        *("GB29 NWBK 6016 1331 9268 19", "DE89370400440532013000", "DE89", "3704", "NO9386011117947"),
        *("4111 1111 1111 1111", "378282246310005", "5555555555554444", "4111", "1111", "30569309025904"),
    ]
)
MADE = st.lists(PIECES, max_size=12).map("".join)


def rows(texts: list[str | None]) -> list[dict[str, int]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in counts_of(pa.array(texts, pa.large_string())).tolist()]


@settings(max_examples=400)
@given(st.one_of(TEXTS, st.lists(MADE, max_size=4), st.lists(st.text("0123456789 -+().@:abDE", max_size=40))))
def test_counts(texts: list[str | None]) -> None:
    assert rows(texts) == [twin.counts(text or "") for text in texts]


@pytest.mark.parametrize(
    ("column", "text", "count"),
    [
        ("emails", "Write to jane.doe+news@mail.example.co.uk, or to bob@example.org.", 2),
        ("emails", "@home, a@b, a@localhost, x@y.1, user@-, at example.com", 0),
        ("emails", "a@b.com@c.org", 2),
        ("ipv4", "8.8.8.8, (1.1.1.1) and 93.184.216.34.", 3),
        ("ipv4", "10.0.0.1 127.0.0.1 192.168.1.1 172.20.3.4 169.254.1.1 100.100.0.1 0.0.0.0 239.1.1.1", 0),
        ("ipv4", "version 1.2.3.4.5, v8.8.8.8, 8.8.8.256, 08.8.8.8, 8.8.8", 0),
        ("ipv6", "2001:4860:4860::8888 and 2a00:1450:4001:81b:0:0:0:200e: both", 2),
        ("ipv6", "std::vector, 12:30:45, ::1, fe80::1, 2001:db8::1, a::b::c, 2001:4860:4860::88888", 0),
        ("phones", "+49 30 901820, +14155552671, +1 (415) 555-2671 or (415) 555-2671 or 1-415-555-2671", 5),
        ("phones", "+1234567, 115-555-2671, 2019-2020, 415-555-26711, 3.14159265", 0),
        ("ibans", "GB29 NWBK 6016 1331 9268 19 and DE89370400440532013000, NO9386011117947.", 3),
        ("ibans", "GB28 NWBK 6016 1331 9268 19, DE8937040044053201300, XX89370400440532013000", 0),
        ("cards", "4111 1111 1111 1111, 3782-822463-10005, 5555555555554444, 30569309025904", 4),
        (
            "cards",
            "4111 1111 1111 1112, 1111111111111111, 41111111111111110000, 4111111111111111a, 0.4111111111111111",
            0,
        ),
    ],
)
def test_by_hand(column: str, text: str, count: int) -> None:
    assert rows([text])[0][column] == count
    assert rows([text]) == [twin.counts(text)]


def test_hostile_texts_end() -> None:
    """A megabyte of each, of which a quadratic matcher would take hours."""
    hostile = ["1 " * 500_000, "a@" * 500_000, "a." * 250_000 + "@" + "b." * 250_000, ":" * 1_000_000, "1.1." * 250_000]
    hostile += ["(222) " * 170_000, "+1" * 500_000, "DE89 " * 200_000, "a:" * 500_000, "1" * 1_000_000]
    assert [sum(row.values()) for row in rows(hostile)] == [0] * len(hostile)
