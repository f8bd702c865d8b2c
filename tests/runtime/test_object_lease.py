"""Leases as objects: heartbeats, other machines, lost answers, and that losing one harms nothing."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
import runtime_toys as toys
from lossy import once

from tasks.runtime import object_client, object_lease
from tasks.runtime.artifact import Artifact, seal
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.object_store import ObjectStore
from tasks.runtime.run import Run
from tasks.runtime.store import CacheSettings, Unreachable, open_store, write


def lease_of(store: ObjectStore, name: str) -> dict:
    return json.loads(bytes(object_client.client(store.url).get(f".lease/{name}").bytes()))


def test_a_lease_of_another_machine_is_taken_when_its_heart_stands_still(store, monkeypatch):
    monkeypatch.setattr(object_lease, "STILL", 0.5)
    monkeypatch.setattr(object_lease, "POLL", 0.05)
    client = object_client.client(store.url)
    client.put(".lease/a/b", json.dumps({"token": "theirs", "host": "elsewhere", "beat": 0}).encode())
    beats = 0

    def beat() -> None:
        nonlocal beats
        for beats in range(1, 11):
            time.sleep(0.15)
            client.put(".lease/a/b", json.dumps({"token": "theirs", "host": "elsewhere", "beat": beats}).encode())

    thread = threading.Thread(target=beat)
    thread.start()
    said = []
    with store.lease("a/b", said.append):
        assert beats == 10  # not while it beat
        assert lease_of(store, "a/b")["token"] != "theirs"
    thread.join()
    assert said == [f"another run is writing {store.url}/a/b (on elsewhere); waiting for it"]
    with pytest.raises(FileNotFoundError):
        lease_of(store, "a/b")


def test_a_lease_beats_and_a_stolen_one_is_left_alone(store, monkeypatch):
    monkeypatch.setattr(object_lease, "BEAT", 0.05)
    client = object_client.client(store.url)
    with store.lease("a/b", print):
        end = time.monotonic() + 30
        while lease_of(store, "a/b")["beat"] < 3:
            assert time.monotonic() < end
        client.put(".lease/a/b", b'{"token": "theirs"}')
        time.sleep(0.2)
        assert lease_of(store, "a/b") == {"token": "theirs"}
    assert lease_of(store, "a/b") == {"token": "theirs"}


def test_a_lease_that_is_no_lease_is_taken_over(store, monkeypatch):
    monkeypatch.setattr(object_lease, "STILL", 0.2)
    for left in (b"", b"[]", b"\xff"):
        object_client.client(store.url).put(".lease/a/b", left)
        with store.lease("a/b", lambda text: None):
            pass


@pytest.mark.parametrize("fault", ["lose", "twice"])
def test_a_lease_whose_answer_was_lost_is_held(lossy, store, fault):
    lossy.decide = once(fault, "PUT")
    with store.lease("a/b", lambda text: pytest.fail(text)):
        assert lease_of(store, "a/b")["process"] == os.getpid()


def test_a_bucket_that_is_gone_is_told(s3, tmp_path):
    store = ObjectStore.at("s3://nowhere/x", CacheSettings(tmp_path, 1 << 20))
    with pytest.raises(Unreachable, match="the store is not there any more"), store.lease("a/b", print):
        pass
    with pytest.raises(Unreachable, match="is not there any more"):
        write(store, "a/b", b"x")


def test_a_lost_lease_harms_nothing(tmp_path, monkeypatch):
    """Machines that all believe to hold the lease make the same bytes, and all come to their end."""
    monkeypatch.setattr(object_lease, "held", lambda *given: nullcontext())

    def build(machine):
        store = open_store(f"memory://{tmp_path.name}", CacheSettings(tmp_path / str(machine), 1 << 30))
        start.wait()
        run = Run(store, LocalEngine(1))
        documents = run(toys.numbers, "toy", shards=6, rows=100)
        return run(toys.halves, "toy", documents=documents)

    start = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(build, range(4)))
    here = Run(open_store(str(tmp_path / "store")), LocalEngine(1))
    here(toys.halves, "toy", documents=here(toys.numbers, "toy", shards=6, rows=100))
    assert all(toys.whole(artifact.store) == toys.whole(here.store) for artifact in built)


def test_who_finished_second_with_other_bytes_says_so(tmp_path):
    artifact = toys.build_numbers(tmp_path, 1, 1, 10)
    recipe = dict(artifact.recipe)
    again = Artifact(artifact.stage, artifact.name, artifact.fingerprint, artifact.store, recipe)
    files, statistics = list(artifact.files().values()), artifact.manifest["statistics"]
    seal(again, files, statistics, {})
    with pytest.raises(Failure, match="was finished by another run meanwhile, with other bytes; `millrace verify`"):
        seal(again, files, {**statistics, "documents": 11}, {})
