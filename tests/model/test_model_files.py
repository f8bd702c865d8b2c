"""Where files lie: a folder, a bucket through a cache; what is damaged, missing, too large, or asked for at once."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from model.files import Bucket, Folder, Unreachable, objects, read_given, store_at
from model.windows import Windows

KB = 1000


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def cached(bucket: Bucket) -> set[str]:
    return {path.relative_to(bucket.root).as_posix() for path in bucket.root.rglob("*") if path.is_file()}


@pytest.fixture
def three(url, tmp_path) -> Bucket:
    """A bucket of three files of 1,000 bytes; a cache that holds two."""
    for name in "abc":
        objects(url).put(f"t/{name}.bin", name.encode() * KB)
    store = store_at(url, tmp_path / "cache", 2 * KB)
    assert isinstance(store, Bucket)
    return store


def test_a_file_comes_when_it_is_opened_and_stays(three):
    assert three.sizes("t") == {"a.bin": KB, "b.bin": KB, "c.bin": KB} and three.sizes("u") == {} == three.sizes("")
    assert three.read("t/a.bin") == b"a" * KB and cached(three) == set()
    with three.open("t/b.bin", digest(b"b" * KB)) as file:
        assert os.pread(file.fileno(), 3, 500) == b"bbb"
    assert cached(three) == {"t/b.bin"}
    objects(three.url).delete("t/b.bin")
    assert three.open("t/b.bin").read() == b"b" * KB


def test_the_least_recently_opened_goes_first(three):
    held = three.open("t/a.bin")
    for name, then in (("b", "ab"), ("a", "ab"), ("c", "ac"), ("b", "bc")):
        assert three.open(f"t/{name}.bin").read() == name.encode() * KB
        assert cached(three) == {f"t/{kept}.bin" for kept in then}, name
    assert held.read() == b"a" * KB  # what is open stays readable


def test_a_file_larger_than_the_cache_is_read_all_the_same(three, url, tmp_path):
    small = Bucket(url, tmp_path / "small", 10)
    for name in "ab":
        assert small.open(f"t/{name}.bin").read() == name.encode() * KB
    assert cached(small) == {"t/b.bin"}


def test_the_cache_removes_only_what_it_brought(three, tmp_path):
    mine = tmp_path / "cache/thesis.txt"
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"x" * 5 * KB)
    for name in "abc":
        three.open(f"t/{name}.bin")
    assert mine.exists() and len(cached(three)) == 2


def test_what_a_killed_download_left_is_no_file(three):
    three.open("t/a.bin")
    aside = three.root / "t/.b.bin.partial"
    aside.write_bytes(b"torn")
    assert three.open("t/b.bin").read() == b"b" * KB and cached(three) == {"t/a.bin", "t/b.bin"}
    aside = three.root / "t/.z.bin.partial"  # never asked for again: it goes when its bytes are wanted
    aside.write_bytes(b"torn" * 400)
    os.utime(aside, (1, 1))
    three.open("t/c.bin")
    assert not aside.exists()


def test_a_missing_file_leaves_nothing_behind(three):
    for call in (three.open, three.read):
        with pytest.raises(FileNotFoundError):
            call("t/z.bin")
    assert cached(three) == set()


@pytest.mark.parametrize("number", [0, 500, 999])
def test_a_flipped_bit_is_told_wherever_it_is(three, number, tmp_path):
    expected = digest(b"a" * KB)
    three.open("t/a.bin", expected).close()
    flipped = bytearray(b"a" * KB)
    flipped[number] ^= 1
    (three.root / "t/a.bin").write_bytes(flipped)  # here, in the cache: brought anew
    assert three.open("t/a.bin", expected).read() == b"a" * KB
    objects(three.url).put("t/a.bin", bytes(flipped))  # there: told
    (three.root / "t/a.bin").unlink()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"t/a\.bin is damaged.*make the tokens again: millrace repair"):
            three.open("t/a.bin", expected)
    folder = Folder(tmp_path / "here")
    folder.root.mkdir()
    (folder.root / "a.bin").write_bytes(b"a" * KB)
    folder.open("a.bin", expected).close()
    (folder.root / "a.bin").write_bytes(flipped)  # after it was believed once
    with pytest.raises(ValueError, match=r"a\.bin is damaged"):
        folder.open("a.bin", expected)


READER = """
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from model.files import store_at
store = store_at(sys.argv[1], Path(sys.argv[2]), 3000)
for n in range(60):
    name = f"t/{(n * int(sys.argv[3])) % 8}.bin"
    content = store.open(name).read()
    assert content == name.encode() * 200, (name, len(content))
"""


def test_many_processes_share_a_cache_that_is_too_small(url, tmp_path):
    """Each file is whole whenever it is seen, while others bring it and push it out."""
    for n in range(8):
        objects(url).put(f"t/{n}.bin", f"t/{n}.bin".encode() * 200)
    command = [sys.executable, "-c", READER, url, str(tmp_path / "cache")]
    readers = [
        subprocess.Popen([*command, str(step)], cwd=Path(__file__).parents[2], stderr=subprocess.PIPE)
        for step in (1, 3, 5)
    ]
    for reader in readers:
        _, err = reader.communicate(timeout=100)
        assert reader.returncode == 0, err.decode()
    assert not list((tmp_path / "cache").rglob("*.partial"))
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.bin")) <= 3000


class Waits:
    """A bucket's objects whose bytes come when everyone has asked for theirs."""

    def __init__(self, there, everyone: threading.Barrier) -> None:
        self.there, self.everyone = there, everyone

    def get(self, name: str) -> "Waits":
        self.meta = self.there.head(name)
        self.content = bytes(self.there.get(name).bytes())
        return self

    def stream(self, min_chunk_size: int):
        self.everyone.wait(20)
        yield self.content


def test_files_brought_at_the_same_moment_leave_the_cache_within_its_bytes(three, url, tmp_path):
    """Each finds room before the bytes of the others have come: the last to come makes it good."""
    everyone = threading.Barrier(3)
    buckets = {name: Bucket(url, tmp_path / "cache", 2 * KB) for name in "abc"}
    for bucket in buckets.values():
        bucket.objects = Waits(bucket.objects, everyone)
    with ThreadPoolExecutor(3) as together:
        coming = [together.submit(bucket._bring, f"t/{name}.bin") for name, bucket in buckets.items()]
        for brought in coming:
            brought.result()
    assert len(cached(three)) == 2 and everyone.n_waiting == 0


def test_a_rank_brings_what_it_reads_and_no_more(corpus, url, upload, tmp_path):
    upload(corpus, url)
    store = store_at(url, tmp_path / "cache", 10**6)
    there, here = Windows("mixture.json", store, 32, 257, 1), Windows("mixture.json", corpus, 32, 257, 1)
    assert cached(store) == set() and there.mixture_sha256 == here.mixture_sha256
    there.read(0, 1)
    assert 1 <= len(cached(store)) <= 2  # a window may lie across two files
    streams, groups = there.read(0, 200)
    expected, expected_groups = here.read(0, 200)
    assert np.array_equal(streams["tokens"], expected["tokens"]) and np.array_equal(groups, expected_groups)
    assert cached(store) == {path.relative_to(corpus).as_posix() for path in corpus.rglob("*.train.bin")
                             if path.stat().st_size}  # fmt: skip
    assert [w.tolist() for w in there.validation["cc-a"].read()] == [w.tolist() for w in here.validation["cc-a"].read()]


def test_damaged_tokens_never_pass(make, tmp_path):
    source = make.source(tmp_path / "tokens/good", [(make.text(200, 1), make.text(50, 2))])
    mixture = make.mixture(tmp_path / "m.json", [("g", 1, [source])])
    train, held_out, listed = (tmp_path / "tokens/good" / name for name in
                               ("00000.train.bin", "00000.validation.bin", "tokens.json"))  # fmt: skip
    for path, read in ((train, lambda w: w.read(0, 1)), (held_out, lambda w: list(w.validation["good"].read(1)))):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 64]))
        with pytest.raises(ValueError, match=rf"{path.name} is damaged.*millrace repair"):
            read(Windows(mixture, tmp_path, 32, 257, 1))
        path.write_bytes(whole)
        read(Windows(mixture, tmp_path, 32, 257, 1))
    about = json.loads(listed.read_text())
    listed.write_text(json.dumps(about, indent=1))
    with pytest.raises(ValueError, match=r"tokens\.json is not the one that .*m\.json was made from"):
        Windows(mixture, tmp_path, 32, 257, 1)
    for shard in about["shards"]:  # older artifacts hold no checksums
        del shard["train_sha256"], shard["validation_sha256"]
    listed.write_text(json.dumps(about))
    older = json.loads(mixture.read_text())
    del older["groups"][0]["sources"][0]["tokens_json_sha256"]
    mixture.write_text(json.dumps(older))
    Windows(mixture, tmp_path, 32, 257, 1).read(0, 1)


def test_a_path_goes_before_a_name_below_the_store(tmp_path, monkeypatch):
    (tmp_path / "store").mkdir()
    store = Folder(tmp_path / "store")
    for path in (tmp_path / "m.json", tmp_path / "store/m.json", tmp_path / "store/n.json"):
        path.write_text(str(path))
    monkeypatch.chdir(tmp_path)
    assert read_given(store, "m.json") == (str(tmp_path / "m.json").encode(), "m.json")
    assert read_given(store, "n.json")[1] == str(tmp_path / "store/n.json")
    with pytest.raises(ValueError, match=r"there is no o\.json: neither a file here, nor .*store/o\.json"):
        read_given(store, "o.json")


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("memory://x", "memory:// is not known: give a folder or s3://"),
        ("ftp://host/x", "ftp:// is not known"),
        ("s3://key:hush@bucket/x", "holds no credentials"),
    ],
)
def test_a_store_that_cannot_be_is_a_mistake(where, says):
    with pytest.raises(ValueError, match=says) as told:
        store_at(where)
    assert "hush" not in str(told.value)


def test_credentials_come_from_the_usual_files_and_are_not_told(bucket, tmp_path, monkeypatch):
    objects(bucket).put("a.bin", b"here")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = hush-in-a-file\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    assert store_at(bucket, tmp_path / "cache").read("a.bin") == b"here"
    with pytest.raises((FileNotFoundError, Unreachable)) as told:
        store_at("s3://another/prefix", tmp_path / "cache").read("a.bin")
    assert "hush" not in str(told.value) and "AKIAFILE" not in str(told.value)
