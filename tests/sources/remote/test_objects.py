"""Input on s3, against a service on loopback (moto), through a proxy that fails as networks do."""

import gzip
import hashlib
import os
import random
import urllib.request
from pathlib import Path

import obstore
import pytest
from lossy import Lossy
from made import members, page
from obstore.store import S3Store
from server import certificate, serve

from tasks.runtime.errors import Failure, Mistake
from tasks.sources.input.files import draw, expand
from tasks.sources.remote.bring import download, look, objects
from tasks.sources.remote.manners import Manners
from tasks.sources.remote.ranges import fetch_range

CONTENT = random.Random(1).randbytes(3_000_000)
QUIET = Manners(requests=1e9)


@pytest.fixture
def service(s3, monkeypatch):
    """The proxy before the service."""
    proxy = Lossy(os.environ["AWS_ENDPOINT_URL"])
    proxy.direct = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    yield proxy
    proxy.close()


def put(name: str, data: bytes) -> str:
    obstore.put(S3Store("bucket", client_options={"allow_http": True}), name, data)
    return f"s3://bucket/{name}"


def gets(service: Lossy) -> int:
    return sum(method == "GET" for method, _, _ in service.seen)


def test_an_object_is_one_streaming_request(service, tmp_path):
    there = look(put("in/a", CONTENT), QUIET)
    assert (there.size, there.etag) == (len(CONTENT), hashlib.md5(CONTENT).hexdigest())
    assert download(there, tmp_path / "a", QUIET) == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert gets(service) == 1


def test_a_range_of_an_object_is_one_request_of_its_version(service):
    there = look(put("in/r", CONTENT), QUIET)
    waiting = ["cut"]
    service.decide = lambda method, path: waiting.pop() if method == "GET" and waiting else None
    assert fetch_range(there, 1000, 2_000_500, QUIET) == CONTENT[1000:2_000_500]
    assert fetch_range(there, 0, 7, QUIET) == CONTENT[:7]
    assert gets(service) == 3
    put("in/r", CONTENT[::-1])
    with pytest.raises(Failure, match="s3://bucket/in/r: the file changed since"):
        fetch_range(there, 0, 7, QUIET)


@pytest.mark.parametrize("fault", ["refuse", "error", "cut"])
def test_an_object_that_breaks_off_is_resumed(service, tmp_path, fault):
    there = look(put("in/a", CONTENT), QUIET)
    waiting = [fault, fault]
    service.decide = lambda method, path: waiting.pop() if method == "GET" and waiting else None
    assert download(there, tmp_path / "a", QUIET) == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert gets(service) >= 3


def test_an_object_that_changed_or_went_or_is_none(service, tmp_path):
    there = look(put("in/a", CONTENT), QUIET)
    put("in/a", CONTENT[::-1])
    with pytest.raises(Failure, match=r"in/a: the file changed since the source's list was frozen.*add a source"):
        download(there, tmp_path / "a", QUIET)
    with pytest.raises(Mistake, match="in/gone: there is no such file"):
        look("s3://bucket/in/gone", QUIET)
    with pytest.raises(Mistake, match="names no object"):
        look("s3://bucket", QUIET)
    service.decide = lambda method, path: "error"
    with pytest.raises(Failure, match=r"in/a: the server has an error of its own .*, after 7 attempts"):
        look("s3://bucket/in/a", QUIET)


def test_two_versions_of_an_object_never_mix(service, tmp_path):
    there = look(put("in/a", CONTENT), QUIET)

    def changes(method, path):
        if method == "GET" and gets(service) == 0:
            return "cut"
        if method == "GET":
            service.decide = lambda method, path: None
            put("in/a", CONTENT[::-1])
        return None

    service.decide = changes
    with pytest.raises(Failure, match="the file changed since the source's list was frozen"):
        download(there, tmp_path / "a", QUIET)


def test_without_a_key_a_public_bucket_is_asked_unsigned(service, monkeypatch, tmp_path):
    url, direct, signed = put("in/a", CONTENT), service.direct, []

    forward = service.server.RequestHandlerClass.forward

    def watched(handler, body):
        signed.append("Authorization" in handler.headers)
        return forward(handler, body)

    monkeypatch.setattr(service.server.RequestHandlerClass, "forward", watched)
    look(url, QUIET)
    assert signed == [True]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setattr(objects, "aws_files", lambda: None)
    with pytest.raises(Mistake, match=r"access is refused .*s3 may need credentials, https does not"):
        look(url, QUIET)
    assert signed == [True, False]
    headers = {"x-amz-acl": "public-read", "Content-Type": "text/plain"}
    public = urllib.request.Request(f"{direct}/bucket/in/public", b"x", headers, method="PUT")
    urllib.request.urlopen(public).read()
    assert look("s3://bucket/in/public", QUIET).size == 1
    assert signed == [True, False, False]
    monkeypatch.setattr(objects, "SIGNED", ("bucket",))
    assert not objects._unsigned("bucket")


@pytest.mark.parametrize(
    ("endpoint", "says", "attempts"),
    [
        ("http://127.0.0.1:1", "the server refuses connections", 7),
        ("http://s3.invalid", "no server of that name is known", 3),
        ("reset", "the connection was lost", 7),
        ("silent", "the server does not answer", 7),
        ("tls", "no TLS connection comes about", 3),
        ("certificate", "its TLS certificate is not trusted", 1),
    ],
)
def test_every_outage_of_a_service_is_called_what_it_is(monkeypatch, s3, tmp_path, endpoint, says, attempts):
    monkeypatch.setattr(objects, "SILENCE", 0.1 if endpoint == "silent" else 10.0)
    with serve({}, certificate(tmp_path) if endpoint == "certificate" else None) as server:
        server.head_faults = ["reset" if endpoint == "reset" else "silent"] * 99
        address = endpoint if "://" in endpoint else server.url
        monkeypatch.setenv("AWS_ENDPOINT_URL", address.replace("http:", "https:") if endpoint == "tls" else address)
        with pytest.raises(Failure) as raised:
            look("s3://bucket/certificate/503/timed-out", QUIET)
    assert f"s3://bucket/certificate/503/timed-out: {says} (" in str(raised.value)
    assert int(str(raised.value).partition(", after ")[2].partition(" ")[0] or 1) == attempts


def test_a_crawl_on_s3_is_ingested(service, run, tmp_path):
    from tasks.sources.ingest import ingest

    paths = [f"crawl-data/CC-MAIN-2019-35/segments/{n}/warc/{n}.warc.gz" for n in range(4)]
    for number, path in enumerate(paths):
        put(path, members(*(page(number * 10 + n) for n in range(3))))
    put("crawl-data/CC-MAIN-2019-35/warc.paths.gz", gzip.compress("\n".join(paths).encode()))
    source = {"name": "cc", "crawl": "CC-MAIN-2019-35", "files": 2, "seed": 1, "base": "s3://bucket/"}
    files = [file.as_dict() for file in expand(source, tmp_path, manners=QUIET)]
    assert [file["name"] for file in files] == [f"s3://bucket/{path}" for path in sorted(draw(paths, 2, 1))]
    waiting = ["cut", "error"]
    service.decide = lambda method, path: waiting.pop() if method == "GET" and waiting else None
    found = run(
        ingest, "cc", files=files, source="cc", kind="warc", fields={}, reject_share=0.0, manners={"requests": 1e9}
    )
    assert sum(shard.rows for shard in found.shards()) == 6
    assert [path for path in Path(tmp_path).rglob("*download*")] == []
