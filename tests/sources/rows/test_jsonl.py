"""JSONL: records, rejects with their place, arrays, odd JSON; parts that share no line and lose none."""

import gzip
import json
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.sources.input.lines import Line, lines
from tasks.sources.parts import Part, plan
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import FAULTS, Bad, Reject
from tasks.sources.rows.elements import elements
from tasks.sources.rows.json_objects import exact, quick
from tasks.sources.rows.jsonl import jsonl as read_jsonl
from tasks.sources.tally import Tally

FIELDS = {"text": "text", "id": "id", "url": "url", "date": "date", "title": "title"}


def jsonl(path, tally=None, where=None, fields=FIELDS, **limits):
    tally = tally or Tally()
    size = path.stat().st_size
    found = list(read_jsonl(path, Part("a", size), Reading("s", fields, limits, where=where or {}), tally))
    assert tally.counts["bytes"] == tally.counts["bytes_in_records"] + tally.counts["bytes_damaged"] == size
    assert (tally.counts["bytes_damaged"] > 0) == any(
        item.reason in FAULTS and item.length for item in found if isinstance(item, Reject)
    )
    return found


def write(path, data):
    path.write_bytes(data)
    return path


def texts(found):
    return [item.text for item in found if isinstance(item, Candidate)]


def rejects(found):
    return [(item.reason, item.detail) for item in found if isinstance(item, Reject)]


def test_records_and_what_is_wrong_with_lines(tmp_path):
    rows = [
        b'{"text": "one", "id": "a", "url": "http://x/1", "date": "2019-08-20T01:02:03Z", "title": "T"}',
        b"not json",
        b"",
        b'["a list"]',
        b'{"body": "no text"}',
        b'{"text": 5}',
        b'{"text": "bad \xff\xfe"}',
        b'{"text": "two", "id": 7, "date": 1566263000}',
        b"[" * 100_000,
        b'{"text": "long ' + b"x" * 5000 + b'"}',
        b'{"text": "last", "id": ""}',
    ]
    path = write(tmp_path / "a.jsonl", b"\r\n".join(rows))
    found = jsonl(path, payload=4000)
    good = [item for item in found if isinstance(item, Candidate)]
    assert [(row.id, row.text) for row in good] == [("a", "one"), ("7", "two"), (None, "last")]
    assert good[0][2:5] == ("http://x/1", datetime(2019, 8, 20, 1, 2, 3, tzinfo=UTC), {"title": "T"})
    bad = [item for item in found if isinstance(item, Reject)]
    assert [(reject.reason, reject.detail.split(":")[0]) for reject in bad] == [
        ("json", "line 2"),
        ("json", "line 4"),
        ("no-text", "line 5"),
        ("no-text", "line 6"),
        ("charset", "line 7"),
        ("too-large", "line 9"),
        ("too-large", "line 10"),
    ]
    assert (
        bad[-1].detail == "line 10: the line has 5019 bytes, more than 4000; raise `limits: {payload: …}` of the source"
    )
    data = path.read_bytes()
    for reject in bad:
        line = data[reject.offset : reject.offset + reject.length]
        assert line.rstrip(b"\r\n") == rows[int(reject.detail.split(":")[0][5:]) - 1]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lambda data: data])
def test_compressed_or_not(tmp_path, pack):
    data = b"".join(b'{"text": "text %d"}\n' % number for number in range(10_000))
    path = write(tmp_path / "a.jsonl.any", pack(data))
    assert texts(jsonl(path)) == [f"text {number}" for number in range(10_000)]


def test_a_broken_stream_gives_what_was_before(tmp_path):
    data = b"".join(b'{"text": "text %d"}\n' % (number * 7919 % 10007) for number in range(10_000))
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(data)[:-1000])
    tally = Tally()
    *rows, reject = jsonl(path, tally)
    assert len(rows) > 8000
    assert (reject.reason, reject.offset + reject.length) == ("truncated", path.stat().st_size)
    assert tally.counts["bytes_damaged"] == reject.length > 0


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (b'\xef\xbb\xbf{"text": "mark"}', "text", "mark"),
        (b'{"text": "first", "text": "last"}', "text", "last"),
        (b'{"text": "t", "id": NaN, "title": Infinity}', "id", None),
        (b'{"text": "t", "id": 123456789012345678901234567890}', "id", "123456789012345678901234567890"),
        (b'{"text": "t", "title": -98765432109876543210}', "meta", {"title": "-98765432109876543210"}),
        (b'{"text": "half \\ud83d, whole \\ud83d\\ude00"}', "text", "half \ufffd, whole \U0001f600"),
        (b'{"text": "nul \\u0000."}', "text", "nul \0."),
        (b'{"text": "t", "url": "http://\xff/"}', "url", ""),
        (b'{"text": "\xc3\xa9 \\ud800", "url": "http://\xff/"}', "text", "é \ufffd"),
        (b'{"text": "t", "id": "\xffa"}', "id", "0xff61"),
        (b'  {"text": "space"}\t ', "text", "space"),
        (b'{"text": "deep", "more": ' + b"[" * 500 + b"]" * 500 + b"}", "text", "deep"),
    ],
)
def test_odd_json_is_read_as_it_is_meant(tmp_path, line, field, value):
    (found,) = jsonl(write(tmp_path / "a.jsonl", line))
    assert getattr(found, field) == value


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (
            b'{"text": "a"}{"text": "b"}',
            "json",
            "line 1: Extra data: line 1 column 14 (char 13); one value a line is read",
        ),
        (b'{"text": "\xff"}', "charset", "line 1: not UTF-8 at byte 0 of the field 'text'"),
        (b'\xff{"text": "a"}', "charset", "line 1: not UTF-8 at byte 0 of the line, and not JSON"),
        (b'{"text": "tab\tin"}', "json", "line 1: Invalid control character at: line 1 column 14 (char 13)"),
        (b'{"text": "\0"}', "json", "line 1: Invalid control character at: line 1 column 11 (char 10)"),
        (b"null", "json", "line 1: a JSON NoneType, not an object"),
    ],
)
def test_what_is_no_record_says_why(tmp_path, line, reason, detail):
    assert rejects(jsonl(write(tmp_path / "a.jsonl", line))) == [(reason, detail)]


def test_lists_in_lists_without_end_are_a_reject(tmp_path):
    line = b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}"
    found = jsonl(write(tmp_path / "a.jsonl", line + b'\n{"a": {"b": "t"}}'), fields={**FIELDS, "text": "a.b"})
    assert (texts(found), rejects(found)) == (["t"], [("json", "line 1: lists are nested too deep")])


def test_lines_that_end_in_cr_alone(tmp_path):
    data = b'{"text": "one"}\r{"text": "two"}\rnot json\r\r{"text": 3}\r{"text": "four"}\rend'
    found = jsonl(write(tmp_path / "a.jsonl", data))
    assert texts(found) == ["one", "two", "four"]
    places = [
        (item.reason, data[item.offset : item.offset + item.length]) for item in found if isinstance(item, Reject)
    ]
    assert places == [("json", b"not json\r"), ("no-text", b'{"text": 3}\r'), ("json", b"end")]
    assert all(item.offset + item.length <= len(data) for item in found)


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_characters_are_refused_by_name(tmp_path, charset):
    path = write(tmp_path / "a.jsonl", '{"text": "one"}\n{"text": "two"}\n'.encode(charset))
    (reject,) = jsonl(path)
    name = charset[:6].upper()
    assert (reject.reason, reject.length) == ("charset", path.stat().st_size)
    assert reject.detail == f"the file is {name}; make it UTF-8 first: iconv -f {name} -t UTF-8"


RECORDS = [{"text": f'te"x\\t [{number}] {{é', "id": number, "more": [{"a": []}]} for number in range(50)]


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: data])
@pytest.mark.parametrize(
    "written",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2, ensure_ascii=False),
        "\ufeff[" + ",\r\n".join(json.dumps(record) for record in RECORDS) + "]",
        "\n".join(json.dumps(record, indent=1) for record in RECORDS),
        "{\n" + "".join(json.dumps(record) for record in RECORDS)[1:],
    ],
)
def test_a_file_that_is_an_array_or_has_objects_over_many_lines(tmp_path, written, pack):
    found = jsonl(write(tmp_path / "a.json", pack(written.encode())))
    assert [(item.id, item.text) for item in found] == [(str(record["id"]), record["text"]) for record in RECORDS]


def test_a_bad_value_of_an_array_costs_itself_alone(tmp_path):
    values = [
        b'{"text": "a"}',
        b'{"text": b}',
        b"5",
        b'"str{ing"',
        b'{"text": "' + b"x" * 3000 + b'"}',
        b'{"text": "c"}',
    ]
    data = b"[" + b", ".join(values) + b"]"
    found = jsonl(write(tmp_path / "a.json", data), payload=1000)
    assert texts(found) == ["a", "c"]
    bad = [item for item in found if isinstance(item, Reject)]
    assert [data[item.offset : item.offset + item.length] for item in bad] == values[1:5]
    assert [item.reason for item in bad] == ["json", "json", "json", "too-large"]
    assert [item.detail.split(":")[0] for item in bad] == ["value 2", "value 3", "value 4", "value 5"]


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b'[{"text": "a"}, {"text": "b', "the file ends inside a value"),
        (b'[{"text": "a"}, ', "the file ends inside an array"),
        (
            gzip.compress(b'[{"text": "a"},' + b"".join(b' {"n": %d},' % n for n in range(9000)))[:-30],
            "the file ends inside the gzip member at byte 0",
        ),
    ],
)
def test_an_array_that_breaks_off_says_so(tmp_path, data, detail):
    found = jsonl(write(tmp_path / "a.json", data))
    assert texts(found) == ["a"]
    assert rejects(found)[-1] == ("truncated", detail)


def test_an_array_is_not_cut_into_parts_and_lines_are(tmp_path):
    for name, data, parts in (("a.json", json.dumps(RECORDS), 1), ("b.jsonl", '{"text": "t"}\n' * 300, 2)):
        path = write(tmp_path / name, data.encode())
        file = {"path": str(path), "size": path.stat().st_size}
        assert (len(plan([file], "jsonl", 3000)) > 1) == (parts > 1)


def test_a_long_value_is_passed_over_in_linear_time(tmp_path):
    value = b'{"text": "' + b"\\\\x" * 4_000_000 + b'"}'
    start = time.process_time()
    found = jsonl(write(tmp_path / "a.json", b"[" + value + b', {"text": "a"}]'), payload=100_000)
    assert (texts(found), rejects(found)[0][0]) == (["a"], "too-large")
    assert time.process_time() - start < 30  # it takes a tenth of a second; with the square of the steps, minutes


def test_records_that_are_not_wanted_are_listed_and_no_damage(tmp_path):
    records = [
        '{"text": "a", "n": 1}',
        '{"text": "b", "n": 2, "id": 9}',
        '{"text": "c"}',
        f'{{"text": "d", "n": {10**20}}}',
    ]
    found = jsonl(write(tmp_path / "a.jsonl", "\n".join(records).encode()), where={"n": [1, 10**20]})
    assert texts(found) == ["a", "d"]
    assert rejects(found) == [("where", "'n' is 2 <9>"), ("where", "no field 'n' <>")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
RECORD = st.dictionaries(st.sampled_from(["text", "id", "url", "date", "title", "n"]), JSON, max_size=6)


@settings(max_examples=300, deadline=None)
@given(RECORD, st.booleans(), st.data())
def test_orjson_and_json_agree(tmp_path_factory, record, ascii, data):
    """The two ways to a record give the same candidate or reject, also where a byte of it is another."""
    line = bytearray(json.dumps(record, ensure_ascii=ascii).encode("utf-8", "surrogatepass").replace(b"\n", b" "))
    for _ in range(data.draw(st.integers(0, 2))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255).filter(lambda byte: byte != 10))
    path = write(tmp_path_factory.mktemp("twins") / "a.jsonl", bytes(line))
    where = data.draw(st.sampled_from([{}, {"n": {"min": 0}}, {"n": [None, 1, "a"]}]))
    found = jsonl(path, where=where)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.sources.rows.jsonl.quick", lambda data: None)
        assert repr(jsonl(path, where=where)) == repr(found)


@settings(max_examples=300, deadline=None)
@given(RECORD)
def test_a_quick_object_is_the_exact_one_but_for_large_integers(record):
    line = json.dumps(record).encode()
    found = quick(line)
    if found is not None:
        assert repr(found) == repr(json.loads(line, parse_int=lambda digits: _as_orjson(int(digits))))
    try:
        exact(line)
    except Bad as bad:
        assert bad.reason == "json"


def _as_orjson(number):
    return number if -(2**63) <= number < 2**64 else float(number)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=30),
    st.lists(st.integers(0, 300), max_size=4),
    st.booleans(),
)
def test_parts_share_no_line_and_lose_none(tmp_path_factory, made, cuts, ended):
    content = b"{" + b"\n".join(made) + b"\n" * ended
    path = write(tmp_path_factory.mktemp("parts") / "a.jsonl", content)
    size = path.stat().st_size
    edges = sorted({0, size, *(cut for cut in cuts if cut < size)})
    parts = [list(lines(path, start, end)) for start, end in pairwise(edges)]
    whole = list(lines(path))
    assert [line for part in parts for line in part] == whole
    assert sum(line.length for line in whole) == sum(line.stored for line in whole) == size
    assert all(line.data == content[line.offset :][: line.length].rstrip(b"\r\n") for line in whole)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=20), st.integers(1, 20))
def test_lines_past_the_limit_keep_their_place(tmp_path_factory, made, limit):
    content = b"\n".join(made)
    path = write(tmp_path_factory.mktemp("limit") / "a.jsonl.gz", gzip.compress(content))
    found = list(lines(path, limit=limit))
    assert all(isinstance(line, Line) for line in found)
    assert b"".join(content[line.offset :][: line.length] for line in found) == content
    assert all((line.data is None) == (line.length > limit) for line in found)


@settings(max_examples=200, deadline=None)
@given(st.lists(JSON, max_size=8), st.sampled_from([None, 1]), st.data())
def test_any_array_gives_its_objects_in_their_order(tmp_path_factory, made, indent, data):
    made = [{"text": "first"}, *made]
    content = bytearray(json.dumps(made, indent=indent).encode())
    path = write(tmp_path_factory.mktemp("array") / "a.json", bytes(content))
    objects = [value for value in made if isinstance(value, dict)]
    found = [line for line in elements(path) if line.data.startswith(b"{")]
    inner = [value for value in made if isinstance(value, list)]
    if not inner:  # a list within the array is looked into
        assert repr([json.loads(line.data) for line in found]) == repr(json.loads(json.dumps(objects)))
    assert all(bytes(content[line.offset : line.offset + line.length]) == line.data for line in found)
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    jsonl(path)  # no exception, and every byte accounted for


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_to_jsonl_is_a_row_or_a_reject(tmp_path_factory, data):
    records = [json.dumps({"id": number, "text": f"text é {number}"}, ensure_ascii=False) for number in range(8)]
    content = bytearray("\n".join(records).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(1, len(content) - 1))] = data.draw(
            st.integers(0, 255).filter(lambda byte: byte != 10)
        )
    path = write(tmp_path_factory.mktemp("damage") / "a.jsonl", bytes(content))
    found = jsonl(path)
    assert all(isinstance(item, Candidate) or item.reason in ("json", "charset", "no-text") for item in found)
    untouched = [line for line in records if line.encode() in bytes(content).split(b"\n")]
    assert all(json.loads(line)["text"] in texts(found) for line in untouched)
