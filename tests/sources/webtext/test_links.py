"""`submissions` and `links`: what becomes a link and why not, once each, in the order of hashes; always the same."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from corpora import REAL, contents, counts, workers
from hypothesis import given, settings
from hypothesis import strategies as st
from reddit import POST, linked, post, read_in, write

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.sources.rejects import rejects_of
from tasks.sources.webtext import links as module
from tasks.sources.webtext.chunked import WIDTH, chunks_of, cut, joined
from tasks.sources.webtext.linked import Link, lookup, tables
from tasks.sources.webtext.submissions import NO_LINK, outbound
from tasks.sources.webtext.urls import hash_of, host_of, is_in, key_of


def rows(artifact: Artifact) -> list[dict]:
    return [row for table in tables(artifact) for row in table.to_pylist()]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"is_self": True}, "self"),
        ({"is_self": None, "domain": "self.python"}, "self"),
        ({"url": ""}, "no-url"),
        ({"url": None}, "no-url"),
        ({"url": "/r/python/comments/x"}, "scheme"),
        ({"url": "ftp://example.org/a"}, "scheme"),
        ({"url": "http://twitter.com/#!/someone"}, "fragment"),
        ({"url": "http://exa mple/"}, "url"),
        ({"url": "http://x/\ud800".replace("x", "\ud800")}, "url"),
        ({"score": None}, "no-score"),
        ({"score": True}, "no-score"),
    ],
)
def test_why_a_submission_is_no_link(row, reason):
    assert outbound({**POST, **row}) == reason
    assert reason in NO_LINK


def test_a_links_fields():
    found = outbound(post(" http://EXAMPLE.org/?a=1&amp;b=2&amp;amp;c&copy=3 ", 7, "1136074029", over_18=True))
    assert found.url == "http://EXAMPLE.org/?a=1&b=2&amp;c&copy=3"
    assert found.normal == "http://example.org/?a=1&b=2&amp;c&copy=3"
    assert (found.karma, found.date, found.over_18, found.removed) == (7, 1136074029, True, False)
    for gone in ({"author": "[deleted]"}, {"removed_by_category": "moderator"}, {"selftext": "[removed]"}):
        assert outbound({**POST, **gone}).removed
    assert outbound({**POST, "created_utc": None}).date is None
    assert outbound({**POST, "created_utc": "yesterday"}).date is None


def test_each_url_is_a_link_once_as_it_was_first_posted(run, tmp_path):
    write(
        tmp_path,
        a=[
            post("https://www.example.org/a/", 4, 1_500_002_000),
            post("http://example.org/b", 2),  # too little karma
            post("http://example.org/c", 3),
            post("http://example.org/a?utm_source=x", 2, 1_500_000_500),  # earlier, with too little karma
            {"url": "http://example.org/x"},  # no score
        ],
        b=[
            post("HTTP://Example.org/a", 9, 1_500_001_000),
            post("http://example.org/a", 5, 1_500_003_000),
            post("https://en.m.wikipedia.org/wiki/A", 100),
            post("https://notwikipedia.org/wiki/A", 100, None),
        ],
    )
    found = read_in(run, tmp_path)
    assert counts(found) == {
        "files": 2,
        "bytes": sum(path.stat().st_size for path in tmp_path.glob("*.zst")),
        "submissions": 9,
        "links": 8,
        "reasons": {"no-score": 1},
        "rejects": {},
    }
    made = linked(run, found)
    assert counts(made) == {
        "submissions": 8,
        "links": 3,
        "duplicates": 2,
        "reasons": {"karma": 2, "domain": 1, "over_18": 0, "removed": 0},
    }
    by_url = {row.pop("normal"): row for row in rows(made)}
    a = by_url["http://example.org/a"]
    assert (a["url"], a["karma"], a["submissions"]) == ("HTTP://Example.org/a", 9, 3)
    assert a["date"].timestamp() == 1_500_001_000
    assert set(by_url) == {"http://example.org/a", "http://example.org/c", "https://notwikipedia.org/wiki/A"}
    assert by_url["https://notwikipedia.org/wiki/A"]["date"] is None
    known = lookup(made)
    assert known.find("https://example.org/a/?gclid=7#x") == Link(9, 3)
    assert known.find("http://example.org/b") is None and known.find("no url") is None


def test_what_counts_by_choice(run, tmp_path):
    write(tmp_path, a=[post("http://a.org/", over_18=True), post("http://b.org/", author="[deleted]"),
                       post("http://c.org/")])  # fmt: skip
    found = read_in(run, tmp_path)
    assert counts(linked(run, found))["links"] == 3
    chaste = linked(run, found, over_18=False, removed=False)
    assert counts(chaste)["reasons"] == {"karma": 0, "domain": 0, "over_18": 1, "removed": 1}
    assert [row["url"] for row in rows(chaste)] == ["http://c.org/"]
    with pytest.raises(Failure, match=r"stage links of reddit: no submission gives a link \(3 karma\)"):
        linked(run, found, karma=99)


def test_damage_is_listed_and_too_much_stops_the_stage(run, tmp_path):
    good = json.dumps(POST).encode()
    surrogate = json.dumps({**POST, "title": "x \ud800"}).encode()
    lines = [good, b"no json", b"[1]", b"\xff", b"", surrogate, b'{"title": "' + b"x" * (5 << 20) + b'"}', good]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    torn = zstandard.compress(b"\n".join([good] * 1000 + [bytes(range(256)) * 4000]))
    (tmp_path / "b.zst").write_bytes(torn[: len(torn) // 2])
    with pytest.raises(Failure, match=r"source reddit: of \d+ lines of its submissions 5 are damaged .*1 truncated"):
        read_in(run, tmp_path, reject_share=0.0)
    found = read_in(run, tmp_path, reject_share=0.9)
    assert counts(found)["rejects"] == {"charset": 1, "json": 2, "too-large": 1, "truncated": 1}
    listed = [row for shard in found.shards() for row in rejects_of(found, shard).to_pylist()]
    assert [row["reason"] for row in listed] == ["json", "json", "charset", "too-large", "truncated"]
    assert listed[0]["offset"] == len(good) + 1


def test_a_dump_of_a_long_window(run, tmp_path):
    """As published dumps are made: a frame that asks for 2 GiB, of which no more is used than there is content."""
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    (tmp_path / "RS.zst").write_bytes(stream.compress(json.dumps(POST).encode() + b"\n") + stream.flush())
    assert counts(read_in(run, tmp_path, reject_share=0.0))["links"] == 1


def test_rows_of_a_csv(run, tmp_path):
    (tmp_path / "top.csv").write_text(
        "score,url,is_self,over_18,selftext,created_utc\n"
        "12,http://a.org/?x=1&amp;y=2,False,True,,1370746482.0\n"
        '7,http://b.org/,True,False,"two\nlines, ""quoted""",1370746482.0\n'
        "many,http://c.org/,False,False,,\n"
        "-3,http://d.org/,False,False,,\n"
    )
    found = read_in(run, tmp_path, "top.csv")
    assert counts(found)["reasons"] == {"no-score": 1, "self": 1}
    a, d = (row for shard in found.shards() for row in read(shard).to_pylist())
    assert (a["url"], a["karma"], a["date"], a["over_18"]) == ("http://a.org/?x=1&y=2", 12, 1370746482, True)
    assert (d["url"], d["karma"], d["date"], d["over_18"]) == ("http://d.org/", -3, None, False)


URLS = st.sampled_from([f"http://{host}/{'p' * size}" for host in ("a.org", "www.a.org", "b.org") for size in
                        (0, 1, 47, 48, 49, 112, 113, 300)])  # fmt: skip
POSTS = st.lists(st.builds(post, URLS, st.integers(0, 9), st.integers(0, 5) | st.none()), min_size=1, max_size=60)


def plainly(posts: list[dict], karma: int) -> dict[str, tuple]:
    """The definition: by join key, the first in the order of date and place; greatest karma; number."""
    found: dict[str, list] = {}
    for place, row in enumerate(posts):
        if row["score"] >= karma:
            date = row["created_utc"]
            key = key_of(outbound(row).normal)
            found.setdefault(key, []).append((date is None, date, place, row["url"], row["score"]))
    return {
        key: (min(group, key=lambda one: (one[0], one[1] or 0, one[2]))[3], max(one[4] for one in group), len(group))
        for key, group in found.items()
    }


@pytest.mark.parametrize("group", [3, 100])
def test_links_are_as_defined_however_they_are_cut(group, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 4)
    from tasks.sources.webtext import submissions as reading

    monkeypatch.setattr(reading, "GROUP", group)
    monkeypatch.setattr(module, "GROUP", group)
    monkeypatch.setattr(module, "GROUPS", 2)
    tried = []

    @settings(max_examples=15, deadline=None)
    @given(POSTS, st.integers(1, 4))
    def check(posts, files):
        folder = tmp_path / str(len(tried))
        tried.append(posts)
        size = -(-len(posts) // files)
        write(folder / "in", **{f"f{n}": posts[n * size : (n + 1) * size] for n in range(files)})
        expected = plainly(posts, 3)
        run = Run(folder / "store", workers(1))
        found = read_in(run, folder / "in", reject_share=0.0, shard=100)
        if not expected:
            return
        made = linked(run, found)
        got = rows(made)
        assert {key_of(row["normal"]): (row["url"], row["karma"], row["submissions"]) for row in got} == expected
        assert len(got) == len(expected) == counts(made)["links"]
        order = [int.from_bytes(hash_of(key_of(row["normal"]))[:8]) for row in got]
        assert order == sorted(order) == np.frombuffer(made.read("hashes.bin"), "<u8").tolist()
        assert all(len(table) == 4 for table in list(tables(made))[:-1])

    check()


def test_the_same_bytes_for_1_and_2_workers(tmp_path, monkeypatch):
    from tasks.runtime import shuffle

    everything = [post(f"http://{n % 97}.org/{'x' * (n % 200)}{n % 1000}", n % 7, n) for n in range(4000)]
    write(tmp_path / "in", **{f"f{n}": everything[n::5] for n in range(5)})
    made = []
    for count, partition in ((1, shuffle.PARTITION), (2, shuffle.PARTITION), (1, 1 << 14)):
        monkeypatch.setattr(shuffle, "PARTITION", partition)
        run = Run(tmp_path / f"store{count}{partition}", workers(count))
        made.append(contents(linked(run, read_in(run, tmp_path / "in"))))
    assert made[0] == made[1] == made[2]


@pytest.mark.spark
def test_the_same_bytes_on_spark(tmp_path):
    from tasks.runtime.spark import SparkEngine

    everything = [post(f"http://{n % 97}.org/{'x' * (n % 200)}{n % 1000}", n % 7, n) for n in range(1000)]
    write(tmp_path / "in", **{f"f{n}": everything[n::3] for n in range(3)})
    local = Run(tmp_path / "local", workers(1))
    spark = SparkEngine("local[2]")
    try:
        there = Run(tmp_path / "spark", spark)
        made = [contents(linked(run, read_in(run, tmp_path / "in"))) for run in (local, there)]
    finally:
        spark.close()
    assert made[0] == made[1]


@given(st.lists(st.binary(max_size=3 * WIDTH)))
def test_texts_come_back_from_rows_of_fixed_width(texts):
    sizes = np.array([len(text) for text in texts], np.int64)
    assert len(cut(texts)) == chunks_of(sizes).sum()
    assert joined(cut(texts), sizes) == texts


@pytest.mark.real
def test_real_top_posts_of_reddit(run):
    found = read_in(run, REAL / "reddit", "*.csv.gz")
    table = pa.concat_tables(read(shard) for shard in found.shards()).to_pylist()
    seen = counts(found)
    assert seen["rejects"] == {} and seen["files"] == 12
    assert seen["submissions"] == seen["links"] + sum(seen["reasons"].values()) == 11_267
    assert seen["reasons"]["self"] > 1000
    made = linked(run, found, without=["wikipedia.org", "imgur.com"])
    some = rows(made)
    left = [row for row in table if row["karma"] >= 3]
    assert len(left) < len(table), "links of score below 3 are among them"
    outside = [row for row in left if not is_in(host_of(row["normal"]), frozenset(["wikipedia.org", "imgur.com"]))]
    assert Counter(key_of(row["normal"]) for row in outside) == {key_of(r["normal"]): r["submissions"] for r in some}
    assert len([row for row in some if "&amp;" in row["url"]]) == 2, (
        "those were posted so, and stand as &amp;amp; there"
    )
    assert lookup(made).find("http://twitter.com/MarsCuriosity/status/232348380431544320") is not None
