"""Records of named values: fields inside others, what is wanted of them, dates; the same from any kind of file."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.runtime.errors import Mistake
from tasks.sources.dates import moment
from tasks.sources.reading import Reading
from tasks.sources.rejects import Bad
from tasks.sources.rows.fields import MISSING, Unreadable, find
from tasks.sources.rows.record import Inexact, Wanted, candidate
from tasks.sources.rows.where import conditions
from tasks.sources.tally import Tally

DEEP = {
    "a": {"b": {"c": 1}, "n": None},
    "a.b": {"d": 2},
    "a.b.e": 3,
    "turns": [{"text": "one"}, {"other": 0}, {"text": None}, {"text": "two", "more": [{"x": 1}, {"x": 2}]}],
    "none": [],
    ".": 5,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b.c", 1),
        ("a.b.d", 2),
        ("a.b.e", 3),
        ("a.b", {"d": 2}),
        ("a.n", None),
        ("a.n.x", MISSING),
        ("a.x", MISSING),
        ("turns.text", ["one", None, "two"]),
        ("turns.more.x", [[1, 2]]),
        ("turns.nothing", MISSING),
        ("none.x", []),
        (".", 5),
        ("x", MISSING),
    ],
)
def test_a_path_leads_through_objects_and_lists_and_a_literal_key_wins(path, value):
    assert find(DEEP, path) == value


def read(record, exact=True, limits=None, where=None, **fields):
    tally = Tally()
    wanted = Wanted.of(Reading("s", {"id": "id", "url": "url", **fields}, limits or {}, where=where or {}))
    return candidate(record, wanted, 0, 1, tally, exact), dict(tally.unread)


@pytest.mark.parametrize(
    ("text", "record", "expected"),
    [
        ("text", {"text": "plain"}, "plain"),
        ("text", {"text": ""}, ""),
        ("text", {"text": []}, ""),
        ("turns.text", {"turns": []}, ""),
        ("text", {"text": ["one", None, ["two"]]}, "one\ntwo"),
        ("body.content", {"body": {"content": "deep"}}, "deep"),
        ("turns.text", {"turns": [{"text": "Who?"}, {"text": None}, {"text": "I."}]}, "Who?\nI."),
        (["title", "body"], {"title": "T", "body": "B"}, "T\n\nB"),
        (["title", "body"], {"title": None, "body": "B"}, "B"),
        (["title", "body"], {"title": "T", "body": ""}, "T"),
        (["a.b", "c"], {"a": {"b": ["1", "2"]}, "c": "3"}, "1\n2\n\n3"),
    ],
)
def test_the_text_of_a_record(text, record, expected):
    found, unread = read(record, text=text)
    assert (found.text, unread) == (expected, {})


@pytest.mark.parametrize(
    ("text", "record", "reason", "detail"),
    [
        ("text", {}, "no-text", "no field 'text'"),
        ("text", {"text": None}, "no-text", "null in the field 'text'"),
        ("text", {"text": 5}, "no-text", "a number in the field 'text', not a string"),
        ("text", {"text": ["a", {}]}, "no-text", "an object in the field 'text', not a string"),
        ("text", {"text": Unreadable("a duration")}, "no-text", "a duration in the field 'text', not a string"),
        ("text", {"text": b"ab\xff"}, "charset", "not UTF-8 at byte 2 of the field 'text'"),
        (["a", "b"], {}, "no-text", "no field 'a', nor text in ['b']"),
        (["a", "b"], {"a": "good", "b": 1}, "no-text", "a number in the field 'b', not a string"),
    ],
)
def test_a_record_without_a_text(text, record, reason, detail):
    with pytest.raises(Bad) as bad:
        read(record, text=text)
    assert (bad.value.reason, bad.value.detail) == (reason, detail)


def test_a_text_past_the_limit_is_counted_in_bytes():
    assert read({"text": "é" * 50}, limits={"payload": 100})[0].text == "é" * 50
    with pytest.raises(
        Bad, match=r"the text has 102 bytes, more than 100; raise `limits: \{payload: …\}` of the source"
    ):
        read({"text": "é" * 51}, limits={"payload": 100})


def test_what_cannot_be_read_beside_a_text_is_left_out_and_counted():
    record = {
        "text": "t",
        "url": b"http://\xff",
        "date": "yesterday",
        "title": {"a": 1},
        "id": Unreadable("a duration"),
    }
    found, unread = read(record)
    assert (found.id, found.url, found.date, found.meta) == (None, "", None, {"title": ""})
    assert unread == {"id": 1, "url": 1, "date": 1, "title": 1}
    assert read({"text": "t", "titel": "x"}, text=["title", "text"])[1] == {"text.title": 1}


@pytest.mark.parametrize("nothing", [None, "", float("nan"), []])
def test_nothing_is_not_counted(nothing):
    found, unread = read({"text": "t", "url": nothing, "date": nothing, "title": nothing, "id": nothing})
    assert (found.id, found.url, found.date, found.meta, unread) == (None, "", None, {"title": ""}, {})


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        ("a", "a"),
        (7, "7"),
        (2**70, str(2**70)),
        (7.5, "7.5"),
        (Decimal("12345678901234567890123"), "12345678901234567890123"),
        (b"\xff\x00", "0xff00"),
        ({"$oid": "5f", "n": None}, '{"$oid": "5f"}'),
        ([1, "é"], '[1, "é"]'),
        (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), '"2020-01-02T03:04:05Z"'),
    ],
)
def test_an_id_is_a_string(value, identity):
    assert read({"text": "t", "id": value})[0].id == identity


def test_a_number_that_may_have_lost_digits_is_asked_for_again():
    for record in ({"id": 1e30}, {"id": {"n": [1e30]}}, {"title": 1e30}):
        with pytest.raises(Inexact):
            read({"text": "t", **record}, exact=False)
    with pytest.raises(Inexact):
        read({"text": "t", "n": 1e30}, exact=False, where={"n": 1})
    assert read({"text": "t", "id": 1.5e18, "other": 1e30}, exact=False)[0].id == "1.5e+18"


@pytest.mark.parametrize(
    ("asked", "holds", "fails"),
    [
        ("en", ["en", ["de", "en"]], ["EN", None, MISSING, [], {}, b"en"]),
        (1, [1, 1.0, Decimal("1.00")], ["1", True, 1.5, None, MISSING, float("nan")]),
        (0.5, [0.5, Decimal("0.5")], [1, "0.5"]),
        (True, [True], [1, "true", False]),
        (None, [None, MISSING], ["", 0, False, "null"]),
        (["a", 2, None], ["a", 2, None, MISSING], ["b", 3, [None, None, "c"][2:]]),
        ({"min": 3}, [3, 10**30, 3.0, Decimal("3.1"), [1, 5]], [2.999, "5", True, None, MISSING, float("nan")]),
        ({"max": 3}, [3, -1], [3.001, "2"]),
        ({"min": 3, "max": 10}, [3, 10], [2, 11]),
        ({"min": "2019"}, ["2019-01-01", datetime(2019, 1, 1, tzinfo=UTC)], ["2018-12-31", 2020]),
        ({"max": date(2019, 1, 1)}, ["2018", datetime(998, 1, 1, tzinfo=UTC)], ["2019-01-01T00:00:00Z"]),
    ],
)
def test_conditions_compare_values_as_json_has_them(asked, holds, fails):
    (condition,) = conditions("s", {"field": asked})
    assert [value for value in holds if not condition.holds(value)] == []
    assert [value for value in fails if condition.holds(value)] == []


def test_what_is_not_wanted_says_which_value_and_names_the_record():
    where = {"language": "en", "score": {"min": 3}, "sub.name": ["a", "b"]}
    good = {"text": "t", "language": "en", "score": 3, "sub": {"name": "a"}, "url": "http://x/", "id": 5}
    assert read(good, where=where)[0].text == "t"
    for change, detail in (
        ({"language": "de"}, """'language' is "de" <http://x/>"""),
        ({"score": 2, "url": None}, "'score' is 2 <5>"),
        ({"sub": {}}, "no field 'sub.name' <http://x/>"),
        ({"language": "x" * 200, "text": None}, f"""'language' is "{"x" * 59}… <http://x/>"""),
        ({"score": Unreadable("a duration")}, "'score' is a duration <http://x/>"),
    ):
        with pytest.raises(Bad) as bad:
            read({**good, **change}, where=where)
        assert (bad.value.reason, bad.value.detail) == ("where", detail)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"least": 3},
        {"min": None},
        {"min": True},
        {"min": 3, "max": "a"},
        {"min": 4, "max": 3},
        [],
        [[1]],
        [{"a": 1}],
    ],
)
def test_a_condition_that_is_none_is_a_mistake_before_anything_is_read(asked):
    with pytest.raises(Mistake, match=r"source s: where: score: .*; a condition is a value, a list of values, or"):
        Reading("s", where={"score": asked})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"body": "x"}, r"fields \['body'\] are unknown"),
        ({"text": None}, "text: None is not the name of a field, or a list of them"),
        ({"text": []}, r"text: \[\] is not"),
        ({"text": ["a", ""]}, "text: .* is not the name of a field, or a list of them"),
        ({"url": ["a"]}, r"url: \['a'\] is not the name of a field$"),
    ],
)
def test_a_field_that_is_no_name_is_a_mistake(fields, message):
    with pytest.raises(Mistake, match=message):
        Reading("s", fields)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2019-08-20", datetime(2019, 8, 20, tzinfo=UTC)),
        ("20190820", datetime(2019, 8, 20, tzinfo=UTC)),
        ("2019", datetime(2019, 1, 1, tzinfo=UTC)),
        ("2019-08", datetime(2019, 8, 1, tzinfo=UTC)),
        (" 2019-08-20T01:02:03.987654321Z\n", datetime(2019, 8, 20, 1, 2, 3, tzinfo=UTC)),
        ("2019-08-20 01:02:03+02:00", datetime(2019, 8, 19, 23, 2, 3, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-0.5, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (1566263000, datetime(2019, 8, 20, 1, 3, 20, tzinfo=UTC)),
        ("1566263000", datetime(2019, 8, 20, 1, 3, 20, tzinfo=UTC)),
        ("1566263000.9", datetime(2019, 8, 20, 1, 3, 20, tzinfo=UTC)),
        (Decimal("1566263000.9"), datetime(2019, 8, 20, 1, 3, 20, tzinfo=UTC)),
        (date(2019, 8, 20), datetime(2019, 8, 20, tzinfo=UTC)),
        (253402300799, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_moments(value, expected):
    assert moment(value) == expected
    assert moment(value).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        *["yesterday", None, True, [], {}, b"2019", 1e30, float("nan"), float("inf"), 253402300800, 2**200, "2019-13"],
        *[1851, 1851.0, "1512123012000", 1512123012000, "1" * 5000],  # years, milliseconds, neither
        *["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"],  # in UTC, other years
    ],
)
def test_what_is_no_moment_is_none_and_never_a_wrong_one(value):
    assert moment(value) is None


@given(st.one_of(st.text(), st.integers(), st.floats(), st.decimals(), st.datetimes(), st.text("0123456789-:TZ. +W")))
def test_any_value_is_a_moment_of_the_years_1_to_9999_or_none(value):
    found = moment(value)
    assert found is None or (found.tzinfo is UTC and found.microsecond == 0)
