"""Parquet: cells of any type; rows, row groups, files that cannot be read; the same records give the same in JSONL."""

import json
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.sources.parts import Part, plan
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import DAMAGE, Reject
from tasks.sources.rows import batches
from tasks.sources.rows.cells import values
from tasks.sources.rows.columns import needed
from tasks.sources.rows.fields import MISSING, Unreadable, find
from tasks.sources.rows.jsonl import jsonl as read_jsonl
from tasks.sources.rows.parquet import parquet as read_parquet
from tasks.sources.tally import Tally

FIELDS = {"text": "text", "id": "id", "url": "url", "date": "date", "title": "title"}


def read(path, tally=None, start=0, end=None, where=None, limits=None, **fields):
    """What is found: a row of the file is in one candidate or reject, and every byte is accounted for."""
    part = Part("a", path.stat().st_size, start, end)
    tally = tally or Tally()
    found = list(read_parquet(path, part, Reading("s", {**FIELDS, **fields}, limits or {}, where=where or {}), tally))
    assert tally.counts["bytes"] == tally.counts["bytes_in_records"] + tally.counts["bytes_damaged"] == part.size
    at = found[0].offset if found else 0
    for item in found:
        assert item.offset == at
        at += item.length or 0
    return found


def table(tmp_path, columns, **more):
    path = tmp_path / "a.parquet"
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **more)
    return path


def one(tmp_path, column, name="date"):
    """The candidate, or reject, of a row of which one field is that array's only cell."""
    tally = Tally()
    columns = {"text": pa.array(["t"]), **{name: column}}
    (found,) = read(table(tmp_path, columns), tally)
    return found, dict(tally.unread)


def strings(*cells, type=pa.string()):
    """A column of strings whose bytes need not be UTF-8."""
    binary = pa.array(cells, pa.large_binary() if type == pa.large_string() else pa.binary())
    return pa.Array.from_buffers(type, len(cells), binary.buffers())


def rejects(found):
    return [(item.offset, item.reason, item.detail) for item in found if isinstance(item, Reject)]


def texts(found):
    return [item.text for item in found if isinstance(item, Candidate)]


def test_rows_and_row_groups(tmp_path):
    when = datetime(2020, 1, 1, tzinfo=UTC)
    columns = {"text": ["one", None, "three", "four"], "id": [1, 2, 3, 4], "date": [when] * 4}
    path = table(tmp_path, columns, row_group_size=2)
    found = read(path, url=None)
    assert [(row.text, row.id, row.date) for row in found if isinstance(row, Candidate)] == [
        ("one", "1", when),
        ("three", "3", when),
        ("four", "4", when),
    ]
    assert rejects(found) == [(1, "no-text", "row 1: null in the field 'text'")]
    assert texts(read(path, start=1, end=2)) == ["three", "four"]
    (reject,) = read(path, text="body")
    assert reject == Reject("a", 0, 4, "no-text", "no column 'body'; the file has text, id, date")
    (reject,) = read(path, start=1, end=2, text="body")
    assert (reject.offset, reject.length) == (2, 2)


BIG = [0, 1_566_263_000, -1, None, 253_402_300_799, 253_402_300_800, -62_135_596_800, -62_135_596_801]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "Mars/Olympus_Mons"])
def test_dates_of_any_unit_and_zone(tmp_path, unit, zone):
    parts = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    numbers = [None if second is None else second * parts + parts // 2 for second in BIG]
    numbers = [number if number is None or abs(number) < 2**63 else None for number in numbers]
    column = pa.array(numbers, pa.int64()).view(pa.timestamp(unit, zone))
    tally = Tally()
    found = read(table(tmp_path, {"text": ["t"] * len(BIG), "date": column}), tally)
    right = [
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second) if second is not None else None
        for second in BIG[:5]
    ]
    right += [None, datetime(1, 1, 1, tzinfo=UTC), None]
    assert [row.date for row in found] == [
        None if number is None else moment for number, moment in zip(numbers, right, strict=True)
    ]
    assert tally.unread["date"] == sum(
        number is not None and moment is None for number, moment in zip(numbers, right, strict=True)
    )


def test_int96_dates_past_2262_are_not_read_as_others(tmp_path):
    column = pa.array([datetime(9999, 12, 31), datetime(2019, 8, 20)], pa.timestamp("us"))
    path = table(tmp_path, {"text": ["a", "b"], "date": column}, use_deprecated_int96_timestamps=True)
    assert [row.date.year for row in read(path)] == [9999, 2019]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([date(2019, 8, 20)]), datetime(2019, 8, 20, tzinfo=UTC)),
        (pa.array([date(2019, 8, 20)], pa.date64()), datetime(2019, 8, 20, tzinfo=UTC)),
        (pa.array([2**31 - 1], pa.int32()).view(pa.date32()), None),
        (pa.array(["2019-08-20T10:00:00+10:00"]), datetime(2019, 8, 20, tzinfo=UTC)),
        (pa.array(["2019-08-20"]).dictionary_encode(), datetime(2019, 8, 20, tzinfo=UTC)),
        (pa.array([1566259200]), datetime(2019, 8, 20, tzinfo=UTC)),
        (pa.array([1566259200.75]), datetime(2019, 8, 20, tzinfo=UTC)),
        (pa.array([Decimal("1566259200.75")]), datetime(2019, 8, 20, tzinfo=UTC)),
        (pa.array([1566259200000]), None),
        (pa.array([timedelta(days=18000)]), None),
        (pa.array([time(1, 2, 3)]), None),
        (pa.array([[date(2019, 8, 20)]]), None),
        (pa.array([{"a": 1}]), None),
        (strings(b"2019\xff"), None),
    ],
)
def test_what_is_a_date(tmp_path, column, expected):
    found, unread = one(tmp_path, column)
    assert (found.date, unread) == (expected, {} if expected else {"date": 1})


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"http://x/"]),
        pa.array([b"http://x/"], pa.large_binary()),
        pa.array([b"http://x/"], pa.binary(9)),
        pa.array([b"http://x/"], pa.binary_view()),
        pa.array(["http://x/"], pa.large_string()),
        pa.array(["http://x/"], pa.string_view()),
        pa.array(["http://x/"]).dictionary_encode(),
        pa.array([b"http://x/"]).dictionary_encode(),
        pa.array([["http://x/"]]),
    ],
)
@pytest.mark.parametrize("field", ["url", "title", "id", "text"])
def test_strings_and_binaries_are_strings(tmp_path, column, field):
    found, unread = one(tmp_path, column, field)
    value = found.meta["title"] if field == "title" else getattr(found, field)
    assert value == ('["http://x/"]' if field == "id" and pa.types.is_list(column.type) else "http://x/")
    assert unread == {}


@pytest.mark.parametrize(
    "column",
    [
        strings(b"caf\xe9", b"ok", None, "é".encode()),
        strings(b"caf\xe9", b"ok", None, "é".encode(), type=pa.large_string()),
        pa.array([b"caf\xe9", b"ok", None, "é".encode()]),
        pa.array([b"caf\xe9", b"ok", None, "é".encode()]).dictionary_encode(),
    ],
)
def test_text_and_url_that_are_not_utf8(tmp_path, column):
    found = read(table(tmp_path, {"text": column}))
    assert texts(found) == ["ok", "é"]
    assert rejects(found) == [
        (0, "charset", "row 0: not UTF-8 at byte 3 of the field 'text'"),
        (2, "no-text", "row 2: null in the field 'text'"),
    ]
    tally = Tally()
    found = read(table(tmp_path, {"text": ["t"] * 4, "url": column, "id": column}), tally)
    assert [(row.url, row.id) for row in found] == [("", "0x636166e9"), ("ok", "ok"), ("", None), ("é", "é")]
    assert tally.unread == {"url": 1}


def test_ids_of_any_type(tmp_path):
    of = uuid.UUID("12345678-1234-5678-1234-567812345678")
    for column, identity in (
        (pa.array([of.bytes], pa.uuid()), str(of)),
        (pa.array([b"\xff" * 16], pa.binary(16)), "0x" + "ff" * 16),
        (pa.array([2**64 - 1], pa.uint64()), str(2**64 - 1)),
        (pa.array([Decimal("12345678901234567890123")]), "12345678901234567890123"),
        (pa.array([1.5], pa.float16()), "1.5"),
        (pa.array([True]), "true"),
        (pa.array([{"$oid": "5f", "n": None}]), '{"$oid": "5f"}'),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), '{"k": 1}'),
        (pa.array(["a"], pa.json_()) if hasattr(pa, "json_") else pa.array(["a"]), "a"),
        (pa.nulls(1), None),
    ):
        assert one(tmp_path, column, "id")[0].id == identity


def test_fields_inside_others_and_only_their_columns_are_read(tmp_path, monkeypatch):
    columns = pa.table(
        {
            "body": [{"content": "one", "size": 1}, {"content": None, "size": 2}, None, {"content": "four", "size": 4}],
            "turns": [[{"text": "a", "n": 1}, {"text": "b", "n": 2}], [], None, [{"text": None, "n": 3}]],
            "about": [{"x": {"score": number, "pad": "p" * 100}} for number in (5, 6, 7, 8)],
            "more": ["m"] * 4,
            "body.content": ["literal", None, "l3", "l4"],
        }
    )
    asked = []
    inner = batches.batches

    def watched(path, file, group, leaves):
        asked.append([file.schema.column(leaf).path for leaf in leaves])
        return inner(path, file, group, leaves)

    monkeypatch.setattr("tasks.sources.rows.parquet.batches", watched)
    path = table(tmp_path, columns.drop(["body.content"]))
    assert texts(read(path, text="body.content", where={"about.x.score": {"max": 7}})) == ["one"]
    assert asked.pop() == ["body.content", "about.x.score"]
    assert texts(read(path, text="turns.text")) == ["a\nb", "", ""]
    assert asked.pop() == ["turns.list.element.text"]
    found = read(path, text=["body.content", "turns.text", "more", "typo"])
    assert texts(found) == ["one\n\na\nb\n\nm", "m", "m", "four\n\nm"]
    assert texts(read(table(tmp_path, columns), text="body.content")) == ["literal", "l3", "l4"]


def test_where_and_its_rejects(tmp_path):
    columns = {
        "text": ["a", "b", "c", None],
        "n": [1, 2, None, 2],
        "tags": [["x"], ["x", "y"], None, []],
        "url": ["u"] * 4,
    }
    path = table(tmp_path, columns)
    tally = Tally()
    found = read(path, tally, where={"n": {"min": 2}})
    assert texts(found) == ["b"]
    assert rejects(found) == [
        (0, "where", "'n' is 1 <u>"),
        (2, "where", "'n' is null <u>"),
        (3, "no-text", "row 3: null in the field 'text'"),
    ]
    assert 0 < tally.counts["bytes_damaged"] < path.stat().st_size / 3  # of the last row alone
    assert texts(read(path, where={"tags": "y"})) == ["b"]
    assert rejects(read(path, where={"nowhere": 1}))[0] == (0, "where", "no field 'nowhere' <u>")


def test_two_columns_of_one_name_cannot_be_told_apart(tmp_path):
    path = table(
        tmp_path, pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array([1])], ["text", "text", "n"])
    )
    assert rejects(read(path)) == [(0, "parquet", "two columns are named 'text'; which one is meant cannot be told")]
    assert texts(read(table(tmp_path, pa.Table.from_arrays([pa.array(["a"])] * 3, ["text", "n", "n"])))) == ["a"]


def test_a_damaged_row_group_costs_its_own_rows_and_bytes(tmp_path):
    columns = {"text": [str(number) * 50 for number in range(4000)]}
    path = table(
        tmp_path, columns, row_group_size=1000, write_page_checksum=True, compression="none", use_dictionary=False
    )
    group = pq.read_metadata(path).row_group(1)
    data = bytearray(path.read_bytes())
    data[group.column(0).data_page_offset + 5000] ^= 1  # a letter, which only a checksum shows
    path.write_bytes(bytes(data))
    tally = Tally()
    found = read(path, tally)
    assert texts(found) == [text for number, text in enumerate(columns["text"]) if not 1000 <= number < 2000]
    (reject,) = (item for item in found if isinstance(item, Reject))
    assert (reject.offset, reject.length, reject.reason) == (1000, 1000, "parquet")
    assert reject.detail.startswith("row group 1: ")
    assert tally.counts["bytes_damaged"] == pytest.approx(group.column(0).total_compressed_size, rel=0.02)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: b"", "empty-file"),
        (lambda data: b"PAR1 no", "parquet"),
        (lambda data: b'{"text": "JSON"}' * 9, "parquet"),
        (lambda data: data[:-20], "parquet"),
        (lambda data: data[:-4] + b"PARE", "parquet"),
        (lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1", "parquet"),
        (lambda data: data[: len(data) // 2] + data[-8:], "parquet"),
    ],
)
def test_a_file_that_is_no_parquet_is_one_reject(tmp_path, spoil, reason):
    path = table(tmp_path, {"text": ["a" * 50] * 100})
    path.write_bytes(spoil(path.read_bytes()))
    (reject,) = read(path)
    assert (reject.reason, reject.length) == (reason, None)


@pytest.mark.parametrize("footer", [True, False])
def test_an_encrypted_file_is_refused(tmp_path, footer):
    import pyarrow.parquet.encryption as pe

    class Keys(pe.KmsClient):
        """A service of keys that hides nothing."""

        def __init__(self, config):
            super().__init__()

        def wrap_key(self, key_bytes, master_key_identifier):
            return key_bytes.hex()

        def unwrap_key(self, wrapped_key, master_key_identifier):
            return bytes.fromhex(wrapped_key)

    config = pe.EncryptionConfiguration("foot", column_keys={"col": ["text"]}, plaintext_footer=not footer)
    factory = pe.CryptoFactory(Keys)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    path = table(tmp_path, {"text": ["a", "b"], "n": [1, 2]}, encryption_properties=properties)
    (reject,) = read(path)
    assert (reject.reason, reject.length) == ("parquet", None)
    assert "encrypted" in reject.detail
    assert len(plan([{"path": str(path), "size": path.stat().st_size}], "parquet", 100)) == 1


@pytest.mark.parametrize("seed", range(12))
def test_a_footer_of_any_bits_ends_no_process(tmp_path, seed):
    """Arrow aborts where one asks for a column's metadata that is damaged in certain ways: nothing here asks so."""
    draw = Random(seed)
    path = table(tmp_path, {"text": ["t"] * 9, "turns": [[{"text": "a"}]] * 9}, row_group_size=3)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for _ in range(20):
        data = bytearray(whole)
        data[draw.randrange(footer, len(data))] = draw.randrange(256)
        path.write_bytes(bytes(data))
        plan([{"path": str(path), "size": len(data)}], "parquet", 300)
        assert read(path, text=["text", "turns.text"])


def test_a_damaged_schema_ends_no_process(tmp_path):
    """One bit of a footer, for which Arrow 26 aborts in `metadata.row_group(0).column(1)`; found by fuzzing."""
    path = table(tmp_path, {"text": ["t"] * 9, "turns": [[{"text": "a"}]] * 9}, row_group_size=3)
    whole = path.read_bytes()
    optional, nothing = b"%\x02\x18\x04text", b"%\x12\x18\x04text"  # repetition 1, and 9, of the last field `text`
    spot = whole.rindex(optional)
    path.write_bytes(whole[:spot] + nothing + whole[spot + len(optional) :])
    plan([{"path": str(path), "size": len(whole)}], "parquet", 300)
    assert {item.reason for item in read(path, text="turns.text")} == {"parquet"}


def test_large_cells_and_large_batches(tmp_path, monkeypatch):
    sizes = [10, 300_000, 100_001, 100_000]
    path = table(tmp_path, {"text": ["x" * size for size in sizes]}, use_dictionary=False)
    found = read(path, limits={"payload": 100_000})
    assert [len(text) for text in texts(found)] == [10, 100_000]
    assert rejects(found)[0][1:] == (
        "too-large",
        "row 1: the text has 300000 bytes, more than 100000; raise `limits: {payload: …}` of the source",
    )
    monkeypatch.setattr(batches, "BATCH", 130_000)
    file = batches.opened(path)
    assert [batch.num_rows for batch in batches.batches(path, file, 0, [0])] == [1, 1, 1, 1]


def test_a_dictionary_of_one_large_value_is_not_copied_into_each_row(tmp_path):
    """1 kB of file, 40 GB of text: it is read row by row, and not held."""
    index = pa.array([0] * 2000, pa.int32())
    column = pa.DictionaryArray.from_arrays(index, pa.array(["x" * 20_000_000]))
    path = table(tmp_path, {"text": column}, store_schema=False, compression="zstd")
    assert path.stat().st_size < 2000
    file = batches.opened(path)
    batch = next(iter(batches.batches(path, file, 0, [0])))
    assert batch.num_rows > 1 and pa.types.is_dictionary(batch.column(0).type)
    found = read(path, limits={"payload": 10_000_000})
    assert {item.reason for item in found} == {"too-large"}
    assert len(found) == 2000


@pytest.mark.parametrize("checksum", [False, True])
def test_a_large_dictionary_of_different_values_is_copied(tmp_path, checksum):
    """pyarrow's default for rows of 1 MB: kept as one it took five times its size."""
    path = table(
        tmp_path, {"text": [str(row) + "x" * 1_000_000 for row in range(20)]}, write_page_checksum=checksum
    )  # the dictionary has 20 MB
    file = batches.opened(path)
    found = batches._dictionary(path, file.metadata.row_group(0).column(0))
    assert found == (sum(len(str(row)) + 1_000_000 + 4 for row in range(20)), 20)
    assert next(batches.batches(path, file, 0, [0])).column(0).type == pa.string()
    assert not found.is_kept(80) and found.is_kept(81)
    assert len(read(path)) == 20


FLAT = [
    *[
        pa.null(),
        pa.bool_(),
        pa.int8(),
        pa.uint64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.binary(),
    ],
    *[pa.large_string(), pa.large_binary(), pa.string_view(), pa.binary_view(), pa.binary(3), pa.date32(), pa.date64()],
    *[pa.time32("s"), pa.time64("ns"), pa.decimal128(20, 3), pa.decimal256(50, 2), pa.duration("us"), pa.uuid()],
    *[pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "No/Where")],
    *[pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.binary())],
]
NESTED = [
    pa.list_,
    pa.large_list,
    lambda type: pa.list_(type, 2),
    lambda type: pa.map_(pa.string(), type),
    lambda type: pa.struct([("f0", type), ("f1", pa.string())]),
]


def any_type(draw):
    """A type of Arrow: flat, or up to three levels around a flat one."""
    type = draw.choice(FLAT)
    for _ in range(draw.choice([0, 0, 0, 1, 2, 3])):
        type = draw.choice(NESTED)(type)
    return type


def bits(draw, type, count):
    """An array of a type whose cells are any bits: what a file may hold, not what a careful writer would."""
    if pa.types.is_null(type):
        return pa.nulls(count)
    if isinstance(type, pa.BaseExtensionType):
        return type.wrap_array(bits(draw, type.storage_type, count))
    if pa.types.is_struct(type):
        children = [bits(draw, type.field(number).type, count) for number in range(type.num_fields)]
        nulls = pa.array([draw.random() < 0.2 for _ in range(count)], pa.bool_())
        return pa.StructArray.from_arrays(children, fields=list(type), mask=nulls)
    if pa.types.is_dictionary(type):
        index = pa.array([draw.choice([None, 0, 1, 2]) for _ in range(count)], type.index_type)
        return pa.DictionaryArray.from_arrays(index, bits(draw, type.value_type, 3))
    if pa.types.is_fixed_size_list(type):
        return pa.FixedSizeListArray.from_arrays(bits(draw, type.value_type, 2 * count), type=type)
    if pa.types.is_map(type):
        edges = [0, *accumulate(draw.randrange(3) for _ in range(count))]
        keys = pa.array([f"k{number}" for number in range(edges[-1])], pa.string())
        return pa.MapArray.from_arrays(pa.array(edges, pa.int32()), keys, bits(draw, type.item_type, edges[-1]))
    if pa.types.is_list(type) or pa.types.is_large_list(type):
        lengths = [draw.choice([None, 0, 1, 2]) for _ in range(count)]
        edges = [0, *accumulate(length or 0 for length in lengths)]
        offsets = [None if length is None else edge for edge, length in zip(edges, [*lengths, 0], strict=True)]
        kind, number = (pa.ListArray, pa.int32()) if pa.types.is_list(type) else (pa.LargeListArray, pa.int64())
        return kind.from_arrays(pa.array(offsets, number), bits(draw, type.value_type, edges[-1]), type=type)
    cells = [
        None if draw.random() < 0.2 else draw.choice([draw.randbytes(draw.randrange(20)), b"text"])
        for _ in range(count)
    ]
    if pa.types.is_binary_view(type) or pa.types.is_string_view(type):
        return pa.Array.from_buffers(type, count, pa.array(cells, pa.binary_view()).buffers())
    if pa.types.is_string(type) or pa.types.is_binary(type):
        return strings(*cells, type=type)
    if pa.types.is_large_string(type) or pa.types.is_large_binary(type):
        return pa.Array.from_buffers(type, count, pa.array(cells, pa.large_binary()).buffers())
    if pa.types.is_boolean(type):
        return pa.array([None if cell is None else len(cell) > 2 for cell in cells], pa.bool_())
    width = type.byte_width
    if pa.types.is_decimal(type):  # of as many digits as its type allows
        data = b"".join(draw.randrange(10**19).to_bytes(width, "little") for _ in range(count))
    else:
        data = draw.randbytes(width * count)
    nulls = pa.array([cell is not None for cell in cells], pa.bool_()).buffers()[1]
    return pa.Array.from_buffers(type, count, [nulls, pa.py_buffer(data)])


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32))
def test_any_table_gives_rows_or_rejects(tmp_path_factory, seed):
    """Whatever types and bits the cells have: no exception, each row told once, in its place, all of it storable."""
    draw = Random(seed)
    count = draw.randrange(1, 6)
    columns = {name: bits(draw, any_type(draw), count) for name in ("text", "id", "url", "date", "title", "n")}
    if draw.random() < 0.5:
        columns["text"] = bits(draw, draw.choice([pa.string(), pa.binary(), pa.list_(pa.string())]), count)
    path = tmp_path_factory.mktemp("any") / "a.parquet"
    try:
        pq.write_table(pa.table(columns), path, row_group_size=2)
    except (pa.ArrowException, OSError, ValueError):
        return  # there is no such file
    text = draw.choice(["text", "text", "text.f0", "text.k1", ["text", "title"]])
    found = read(path, text=text, where=draw.choice([{}, {}, {"n": {"max": 3}}, {"n.f0": [None, "a", 1]}]))
    assert sum(item.length for item in found) == count
    for item in found:
        if isinstance(item, Candidate):
            "".join([item.text, item.url, item.id or "", item.meta["title"]]).encode()  # no half surrogates
            assert item.date is None or (item.date.tzinfo is UTC and item.date.microsecond == 0)
        else:
            assert item.reason in ("no-text", "charset", "where", "parquet")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_values_do_not_depend_on_how_a_column_is_cut(seed):
    draw = Random(seed)
    type, count = any_type(draw), draw.randrange(7)
    array = bits(draw, type, count)
    first = draw.randint(0, count)
    assert repr(values(array)[first:]) == repr(values(array.slice(first)))
    if pa.types.is_integer(type) or pa.types.is_boolean(type) or pa.types.is_decimal(type):
        assert values(array) == array.to_pylist()


PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | PLAIN,
            "id": st.none() | st.integers(-(2**63), 2**63 - 1),
            "url": st.none() | PLAIN,
            "date": st.none() | st.datetimes(timezones=st.just(UTC)),
            "title": st.none() | PLAIN,
            "score": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.just(1.0),
            "body": st.none()
            | st.fixed_dictionaries({"lines": st.none() | st.lists(st.none() | PLAIN, max_size=3), "n": st.just(1)}),
            "turns": st.none() | st.lists(st.fixed_dictionaries({"text": st.none() | PLAIN}), max_size=3),
        }
    ),
    min_size=1,
    max_size=8,
)
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("id", pa.int64()),
        ("url", pa.string()),
        ("date", pa.timestamp("us", "UTC")),
        ("title", pa.string()),
        ("score", pa.float64()),
        ("body", pa.struct([("lines", pa.list_(pa.string())), ("n", pa.int64())])),
        ("turns", pa.list_(pa.struct([("text", pa.string())]))),
    ]
)


@settings(max_examples=250, deadline=None)
@given(
    RECORDS,
    st.sampled_from(["text", "body.lines", "turns.text", ["title", "text"], ["title", "body.lines", "turns.text"]]),
    st.sampled_from(
        [{}, {"score": {"min": 0}}, {"body.n": 1, "title": {"max": "m"}}, {"date": {"min": "2000"}}, {"url": None}]
    ),
    st.sampled_from(["score", "id", "body", "date"]),
)
def test_the_same_records_give_the_same_in_jsonl(tmp_path_factory, records, text, where, identity):
    folder = tmp_path_factory.mktemp("same")
    path, other = folder / "a.parquet", folder / "a.jsonl"
    pq.write_table(pa.Table.from_pylist(records, SCHEMA), path, row_group_size=3)
    as_json = [
        {**record, "date": record["date"] and record["date"].strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)}
        for record in records
    ]
    other.write_text("\n".join(json.dumps(record) for record in as_json))
    fields = {**FIELDS, "text": text, "id": identity}
    reading = Reading("s", fields, where=where)
    tallies = Tally(), Tally()
    found = list(read_parquet(path, Part("a", 1), reading, tallies[0]))
    same = list(read_jsonl(other, Part("a", other.stat().st_size), reading, tallies[1]))
    assert [told(item, identity) for item in found] == [told(item, identity) for item in same]
    assert tallies[0].unread == tallies[1].unread


def told(item, identity):
    """All but the place."""
    if isinstance(item, Reject):
        return item.reason, item.detail.split(": ", 1)[-1] if item.reason in DAMAGE else item.detail.replace('"', "")
    return (item.id or "").strip('"'), *item[1:5]


NAMED = st.recursive(
    st.integers(0, 9),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "a.b", "."]), inner, min_size=1, max_size=3),
    max_leaves=6,
).filter(lambda record: isinstance(record, dict))


@settings(max_examples=150, deadline=None)
@given(NAMED, st.sampled_from(["a", "a.b", "a.b.a", "a.a", ".", "b.a.b", "a.b.a.b"]))
def test_a_path_needs_the_leaves_that_find_looks_at(tmp_path_factory, record, asked):
    """With the columns of a path alone, a record has there what the whole record has."""
    path = tmp_path_factory.mktemp("leaves") / "a.parquet"
    pq.write_table(pa.Table.from_pylist([record]), path)
    file = batches.opened(path)
    leaves = needed(file.schema_arrow, [asked])[asked]
    assert (find(record, asked) is MISSING) == (leaves == [])
    if leaves:
        (batch,) = batches.batches(path, file, 0, leaves)
        assert find(batch.to_pylist()[0], asked) == find(record, asked)


def test_what_has_no_value_says_what_it_is():
    assert values(pa.array([timedelta(1), None])) == [Unreadable("a value of type duration[us]"), None]
    assert values(pa.array([time(1)])) == [Unreadable("a value of type time64[us]")]
