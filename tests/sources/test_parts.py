"""Which bytes make which shard: by size; JSONL is cut at line ends, in one pass that takes the checksums."""

import gzip
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.sources.input.lines import lines
from tasks.sources.parts import Part, plan


def test_shards_are_planned_by_size(tmp_path):
    big = tmp_path / "big.jsonl"
    big.write_bytes(b"{}\n" * 100_000)
    packed = tmp_path / "big.jsonl.gz"
    packed.write_bytes(gzip.compress(b"{}\n" * 100_000, compresslevel=0))
    small = [{"path": f"s{number}", "size": size} for number, size in enumerate([900, 5000, 4000, 3000, 20_000])]
    files = [*small, {"path": str(big), "size": 300_000}, {"path": str(packed), "size": packed.stat().st_size}]
    made = plan(files, "jsonl", shard_bytes=80_000)
    assert [key for key, parts in made] == [f"{number:05}" for number in range(len(made))]
    shapes = [[(part.path, part.start, part.end) for part in parts] for key, parts in made]
    assert [("s0", 0, None), ("s1", 0, None), ("s2", 0, None)] in shapes
    assert [("s3", 0, None)] in shapes
    assert [("s4", 0, None)] in shapes
    assert [(str(packed), 0, None)] in shapes
    assert [shape[0][1:] for shape in shapes if shape[0][0] == str(big)] == [
        (0, 75_000),
        (75_000, 150_000),
        (150_000, 225_000),
        (225_000, 300_000),
    ]
    whole = Part("a.warc.gz", 10**9, name="a.warc.gz")
    assert plan([{"path": "a.warc.gz", "size": 10**9}], "warc") == [("00000", [whole])]
    assert plan([{"path": "/x/a.gz", "size": 1, "name": "a.gz"}], "warc")[0][1][0].name == "a.gz"


def test_many_tiny_files_are_planned_in_proportion_to_their_number():
    """Sizes are added up a fixed number of times a file: 40,000 took 94 s when each met all that it was packed with."""
    added = []

    class Size(int):
        def __add__(self, other):
            added.append(1)
            return int(self) + other

        __radd__ = __add__

    files = [{"path": str(number), "size": Size(number % 3)} for number in range(4000)]
    ((_, parts),) = plan(files, "text")
    assert len(parts) == 4000
    assert 0 < len(added) <= 3 * 4000


@given(st.lists(st.binary(max_size=40), max_size=60), st.integers(1, 300), st.booleans())
@pytest.mark.filterwarnings("ignore")
def test_parts_of_jsonl_lie_end_to_end_and_hold_each_line_once(tmp_path_factory, texts, shard, ended):
    content = b"\n".join(text.replace(b"\n", b"") for text in texts) + b"\n" * ended
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    path.write_bytes(b"{" + content)  # no compressed file by its first bytes
    content = path.read_bytes()
    listed = {"path": str(path), "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    parts = [part for _, group in plan([listed], "jsonl", shard) for part in group]
    found = [line.data for part in parts for line in lines(path, part.start, part.end)]
    assert found == [line.data for line in lines(path)]
    if len(parts) > 1:
        assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
        assert parts[-1].end == len(content)
        for part in parts:
            assert part.spans == ((part.start, part.end, hashlib.sha256(content[part.start : part.end]).hexdigest()),)
            assert part.start == 0 or content[part.start - 1 : part.start] == b"\n"
