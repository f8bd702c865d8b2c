"""What only a store of objects meets: lost answers, cut bodies, a cache, heartbeats, and secrets not to be told."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import runtime_toys as toys
from lossy import once

from tasks.runtime import object_cache, object_client, object_store
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.object_store import ObjectStore
from tasks.runtime.shards import read
from tasks.runtime.store import CacheSettings, Damaged, Unreachable, open_store, write


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- publishing over a network ---


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("fault", ["lose", "twice"])
def test_a_put_that_was_done_counts_though_its_answer_was_lost(lossy, store, fault, replace):
    if replace:
        write(store, "a/b", b"before")
    lossy.decide = once(fault, "PUT")
    assert write(store, "a/b", b"written", replace)
    assert [seen[2] for seen in lossy.seen if seen[0] == "PUT"][-1] == fault
    assert store.read("a/b") == b"written"
    assert not write(store, "a/b", b"again")


@pytest.mark.parametrize("fault", ["refuse", "error"])
def test_a_put_that_was_not_done_is_told_and_leaves_nothing(lossy, store, fault):
    lossy.decide = once(fault, "PUT")
    with pytest.raises(Unreachable, match=r"^s3://bucket/.*/a/b: .*see to the network and the rights, and run again"):
        write(store, "a/b", b"written")
    assert not store.exists("a/b")
    assert write(store, "a/b", b"written")


def test_a_lost_answer_of_the_loser_is_no_success(lossy, store):
    write(store, "a/b", b"the winner's")
    lossy.decide = once("lose", "PUT")
    with pytest.raises(Unreachable):
        write(store, "a/b", b"the loser's")
    assert store.read("a/b") == b"the winner's"


def test_what_obstore_retries_is_not_noticed(lossy, store, monkeypatch):
    monkeypatch.setattr(object_client, "RETRIES", 3)
    object_client.client.cache_clear()
    lossy.decide = once("error", "PUT")
    assert write(store, "a/b", b"written")
    lossy.decide = once("error", "GET")
    assert store.read("a/b") == b"written"


@pytest.mark.parametrize("fault", ["refuse", "error", "cut"])
def test_an_object_that_comes_in_part_is_never_taken_for_whole(lossy, store, fault):
    data = bytes(range(256)) * 1000
    write(store, "a/b", data)
    for verb in (store.read, store.sha256, store.local, lambda name: store.local(name, sha256(data))):
        lossy.decide = lambda method, path: fault if method == "GET" and path.endswith("/a/b") else None
        with pytest.raises(Unreachable):
            verb("a/b")
        lossy.decide = lambda method, path: None
        assert store.read("a/b") == data and store.local("a/b", sha256(data)).read_bytes() == data
        store._cache.forget("a/b")
    assert not list((store._cache.root / ".scratch").iterdir())


def test_a_file_of_many_pieces_comes_whole_and_is_replaced_in_parts(store, monkeypatch):
    monkeypatch.setattr(object_store, "SMALL", 6 << 20)  # parts of S3 have 5 MiB at least
    data = os.urandom(1 << 20) * 13
    assert write(store, "a/b", data) and not write(store, "a/b", b"x")
    assert store.local("a/b", sha256(data)).read_bytes() == data
    assert write(store, "a/b", data[1:], replace=True)
    assert store.read("a/b") == data[1:] and store.sha256("a/b") == sha256(data[1:])


def test_a_file_past_the_limit_of_one_put_is_refused(store, tmp_path):
    with (tmp_path / "big").open("wb") as file:
        file.truncate((5 << 30) + 1)
    with pytest.raises(Failure, match=r"a/b would have 5368709121 bytes, .* make shards smaller"):
        store.publish("a/b", tmp_path / "big")


# --- opening ---


def test_a_bucket_that_is_not_there_is_a_mistake(s3):
    with pytest.raises(Mistake, match=r"the store s3://nowhere/x is not there: make the bucket"):
        open_store("s3://nowhere/x")


def test_a_service_that_does_not_answer_is_a_mistake(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Mistake, match=r"the store cannot be written: s3://silent/x: ") as caught:
        open_store("s3://silent/x")
    assert "\n" not in str(caught.value)


def test_a_service_that_overwrites_what_it_should_refuse_is_a_mistake(s3, tmp_path, monkeypatch):
    class Careless:
        def __init__(self, client):
            self.client = client

        def __getattr__(self, name):
            return getattr(self.client, name)

        def put(self, name, data, mode="overwrite", **more):
            return self.client.put(name, data, mode="overwrite", **more)

    monkeypatch.setattr(object_store, "client", lambda url, **more: Careless(object_client.client(url)))
    with pytest.raises(Mistake, match="lets one writer overwrite another"):
        open_store(f"{s3}/{tmp_path.name}")


def test_opening_leaves_no_object(store, s3):
    client = object_client.client(store.url)
    assert [meta for chunk in client.list() for meta in chunk] == []


def test_no_secret_is_in_a_message_or_in_the_store(lossy, store, capfd):
    said = []
    for fault in ("refuse", "error"):
        lossy.decide = lambda method, path, fault=fault: fault
        for call in (lambda: write(store, "a/b", b"x"), lambda: store.read("a/b"), store.prepare):
            with pytest.raises((Unreachable, Mistake)) as caught:
                call()
            said.append(f"{caught.value!r} {caught.value.__cause__!r} {store!r}")
    error = ValueError("GET https://user:hunter2@host/x?X-Amz-Signature=0123 by a-secret-of-tests\nAuthorization: AWS4")
    said.append(object_client.sentence(error))
    text = "\n".join(said) + "".join(capfd.readouterr())
    for secret in ("a-secret-of-tests", "an-id-of-tests", "hunter2", "0123", "Authorization"):
        assert secret not in text
    with pytest.raises(Mistake, match="a URL holds no credentials") as refused:
        open_store("s3://key:hunter2@bucket/x")
    assert "hunter2" not in str(refused.value)
    object_client.client("abfss://container@account.dfs.core.windows.net/x")  # no credential, an address


# --- the cache ---


def test_a_copy_is_brought_once(store, monkeypatch):
    write(store, "a/b", b"written")
    path = store.local("a/b", sha256(b"written"))
    assert path == store._cache.root / "a/b"
    asked = []
    monkeypatch.setattr(ObjectStore, "_pieces", lambda *name: asked.append(name) or iter([b"written"]))
    for check in (True, False):
        assert store.local("a/b", sha256(b"written"), check) == path
    assert asked == []
    path.unlink()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: store.local("a/b", sha256(b"written")), range(8))) == {path}
    assert len(asked) == 1


def test_a_damaged_copy_is_brought_again_and_a_damaged_object_is_damage(s3, tmp_path):
    store = open_store(f"{s3}/{tmp_path.name}", CacheSettings(tmp_path / "cache", 1 << 30))
    artifact = toys.build_numbers(store.url, 1, 1, 100)
    [shard] = [type(shard)(store, shard.label, shard.key, shard.file) for shard in artifact.shards()]
    expected = read(shard)
    path = store._cache.root / shard.name
    data = path.read_bytes()
    for damaged in (data[:-1], data[:40] + bytes([data[40] ^ 1]) + data[41:], b""):
        path.write_bytes(damaged)
        assert read(shard).equals(expected)
        assert path.read_bytes() == data
        path.write_bytes(damaged)
        assert store.local(shard.name, shard.sha256).read_bytes() == data
    write(store, shard.name, data[:40] + bytes([data[40] ^ 1]) + data[41:], replace=True)
    path.unlink(missing_ok=True)
    with pytest.raises(Damaged, match=r"^s3://.*00000.parquet is damaged"):
        read(shard)


def test_the_cache_lets_go_what_was_not_asked_for_longest(store):
    names = [f"a/{n}" for n in range(8)]
    for name in names:
        write(store, name, name.encode() * 70_000)  # 210 kB: four fit in a MB
    long_ago = time.time() - 10_000
    for age, name in enumerate(names[:4]):
        path = store.local(name, sha256(name.encode() * 70_000))
        os.utime(path, (long_ago + age, long_ago + age))
    assert store.local(names[0], sha256(names[0].encode() * 70_000), check=False).exists()  # asked for again
    opened = (store._cache.root / names[1]).open("rb")
    for name in names[4:6]:
        store.local(name, sha256(name.encode() * 70_000))
    left = {path.name for path in (store._cache.root / "a").iterdir()}
    assert left == {"0", "3", "4", "5"}
    assert opened.read() == names[1].encode() * 70_000  # what is open stays readable


def test_what_was_just_brought_stays_though_the_cache_is_too_small(store):
    names = [f"a/{n}" for n in range(8)]
    for name in names:
        write(store, name, name.encode() * 70_000)
    paths = [store.local(name, sha256(name.encode() * 70_000)) for name in names]
    assert all(path.exists() for path in paths)


def test_processes_share_a_cache(start, s3, tmp_path):
    code = (
        "import sys, hashlib; from pathlib import Path; from tasks.runtime.store import *\n"
        "store = open_store(sys.argv[1], CacheSettings(Path(sys.argv[2]), 300_000))\n"
        "for turn in range(3):\n"
        "    for n in range(8):\n"
        "        data = str(n).encode() * 70_000\n"
        "        assert store.local(f'a/{n}', hashlib.sha256(data).hexdigest()).read_bytes() == data\n"
    )
    store = open_store(f"{s3}/{tmp_path.name}", CacheSettings(tmp_path / "cache", 300_000))
    for n in range(8):
        write(store, f"a/{n}", str(n).encode() * 70_000)
    for process in [start(code, store.url, tmp_path / "cache") for _ in range(3)]:
        assert process.wait(60) == 0, process.stderr.read()


def test_memory_is_for_one_process(tmp_path, local):
    with pytest.raises(Mistake, match="lives in one process: run with one worker"):
        toys.build_numbers(f"memory://{tmp_path.name}", 2, 4, 10)


def test_the_cache_lies_where_caches_do():
    assert object_cache.default_cache().folder == Path(os.environ["XDG_CACHE_HOME"]) / "millrace"
