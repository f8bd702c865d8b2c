"""Every outage is called what it is, and tried again as often as its kind deserves."""

import datetime
import socket
from email.utils import format_datetime

import pytest
from server import Says, certificate, serve

from tasks.runtime.errors import Failure, Mistake
from tasks.sources.remote import asking, manners, outages
from tasks.sources.remote.bring import look
from tasks.sources.remote.manners import Manners
from tasks.sources.remote.outages import KINDS, PATIENCE, Outage, again, seconds_after

QUIET = Manners(requests=1e9)


def fault_of(url: str, how: Manners = QUIET) -> tuple[type, str]:
    with pytest.raises((Mistake, Failure)) as raised:
        look(url, how)
    return raised.type, str(raised.value)


def tried(says: str) -> int:
    return int(says.partition(", after ")[2].partition(" ")[0] or 1)


@pytest.mark.parametrize(
    ("status", "error", "says", "attempts"),
    [
        (404, Mistake, "there is no such file (HTTP 404", 1),
        (410, Mistake, "there is no such file (HTTP 410", 1),
        (412, Failure, "the file changed since the source's list was frozen", 1),
        (418, Mistake, "the server refuses the request (HTTP 418", 1),
        (401, Mistake, "access is refused (HTTP 401", 1),
        (403, Mistake, "access is refused (HTTP 403", 1),
        (408, Failure, "the server does not answer (HTTP 408", 7),
        (429, Failure, "the server limits requests (HTTP 429", 30),
        (503, Failure, "the server limits requests (HTTP 503", 30),
        (500, Failure, "the server has an error of its own (HTTP 500", 7),
        (502, Failure, "the server has an error of its own (HTTP 502", 7),
    ],
)
def test_a_status_is_told_and_tried_again_by_kind(status, error, says, attempts):
    with serve({}) as server:
        server.head_faults, server.faults = [status] * 99, [status] * 99
        found, sentence = fault_of(f"{server.url}/a")
        assert (found, tried(sentence)) == (error, attempts)
        assert sentence.startswith(f"{server.url}/a: {says}")
        assert len(server.heads) == attempts


def test_no_server_at_all_is_told_from_a_server_without_the_file():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening
        found, sentence = fault_of(f"http://127.0.0.1:{nobody.getsockname()[1]}/a")
    assert (found, tried(sentence)) == (Failure, 7)
    assert "the server refuses connections" in sentence


def test_an_unknown_name_is_no_missing_file(monkeypatch):
    def unknown(*arguments, **more):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found, sentence = fault_of("https://crawl.invalid/a")
    assert (found, tried(sentence)) == (Failure, 3)
    assert "https://crawl.invalid/a: no server of that name is known" in sentence


def test_tls_that_is_not_trusted_or_is_none(tmp_path):
    with serve({"/a": b"x"}, certificate(tmp_path)) as server:
        found, sentence = fault_of(f"{server.url}/a")
    assert (found, tried(sentence)) == (Failure, 1)
    assert "its TLS certificate is not trusted" in sentence
    with serve({"/a": b"x"}) as server:
        found, sentence = fault_of(f"{server.url.replace('http:', 'https:')}/a")
    assert (found, tried(sentence)) == (Failure, 3)
    assert "no TLS connection comes about" in sentence


def test_a_server_that_says_nothing(monkeypatch):
    monkeypatch.setattr(asking, "SILENCE", 0.05)
    with serve({"/a": b"x"}) as server:
        server.head_faults, server.faults = [405] * 99, ["silent"] * 99
        found, sentence = fault_of(f"{server.url}/a")
    assert (found, tried(sentence)) == (Failure, 7)
    assert "the server does not answer (nothing came for 0.05 s)" in sentence


def test_a_connection_that_is_lost():
    with serve({"/a": b"x"}) as server:
        server.head_faults, server.faults = [405] * 99, ["reset"] * 99
        found, sentence = fault_of(f"{server.url}/a")
    assert (found, tried(sentence)) == (Failure, 7)
    assert "the connection was lost" in sentence


def test_an_address_that_is_none():
    assert fault_of("http://[::/a")[0] is Mistake


@pytest.mark.parametrize(("name", "value"), [("HTTP_PROXY", "nonsense://x"), ("SSL_CERT_FILE", "/nowhere.pem")])
def test_an_environment_that_cannot_be_used(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    asking._client_of.cache_clear()
    with serve({"/a": b"x"}) as server:
        found, sentence = fault_of(f"{server.url}/a")
    asking._client_of.cache_clear()
    assert found is Mistake
    assert name in sentence


def test_common_crawl_is_asked_less_when_it_says_so(monkeypatch, clock, caplog):
    """Its 403 is a limit, and what it says is passed on; elsewhere a 403 is a refusal."""
    monkeypatch.setattr(manners, "COMMON_CRAWL", ("127.0.0.1",))
    monkeypatch.delenv(manners.CONTACT, raising=False)
    blocked = Says(403, body=b"<h1>Blocked.</h1> Please write to crawl@example.org")
    with serve({"/a": b"x"}) as server:
        server.head_faults, server.faults = [405] * 99, [blocked] * 99
        found, sentence = fault_of(f"{server.url}/a")
        assert (found, tried(sentence)) == (Failure, 10)
        assert "limits or blocks requests (HTTP 403 Forbidden: Blocked. Please write to crawl@example.org)" in sentence
        assert "https://status.commoncrawl.org" in sentence
        assert "Give `contact`" in sentence
        assert caplog.text.count("trying again. Common Crawl's servers answer") == 1
        assert sum(clock.slept) > 240, "four minutes of patience"
        server.faults = [blocked] * 99
        assert "Give `contact`" not in fault_of(f"{server.url}/a", Manners("me@example.org", requests=1e9))[1]
        server.faults = [403, 503, 429, None]
        assert look(f"{server.url}/a", QUIET).size == 1


@pytest.mark.parametrize(("asked", "waited"), [("7", 7), ("100000", PATIENCE), ("nonsense", 1), ("-5", 1), (None, 1)])
def test_retry_after_is_honoured_and_capped(clock, asked, waited):
    with serve({"/a": b"x"}) as server:
        server.head_faults = [405, 405]
        server.faults = [Says(503, {} if asked is None else {"Retry-After": asked}), None]
        assert look(f"{server.url}/a", QUIET).size == 1
    assert sum(clock.slept) == pytest.approx(waited, abs=0.01)


def test_retry_after_as_a_date():
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    assert 90 < seconds_after(format_datetime(soon, usegmt=True)) <= 100
    assert seconds_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert [seconds_after(text) for text in ("", None, "soon", "1.5", "٣")] == [None] * 5


def test_pauses_grow_and_have_an_end_however_faults_take_turns(clock):
    kinds = [kind for kind, how in KINDS.items() if how.attempts > 6]

    def ask():
        ask.count += 1
        raise Outage(kinds[ask.count % len(kinds)], "seen")

    ask.count = 0
    with pytest.raises(Failure, match="after 30 attempts"):
        again("http://a/b", "a", QUIET, ask)
    assert ask.count == 30
    assert max(clock.slept) <= outages.LONGEST


def test_what_no_header_can_hold_is_a_mistake(monkeypatch):
    monkeypatch.setenv(manners.CONTACT, "env@example.org")
    assert Manners().user_agent().endswith("(+env@example.org)")
    assert Manners("b@example.org").user_agent().endswith("(+b@example.org)")
    monkeypatch.delenv(manners.CONTACT)
    assert Manners().user_agent().endswith("(no contact given)")
    for wrong in ({"contact": "a\r\nX: y"}, {"contact": "Jürgen"}, {"requests": -1.0}, {"connections": -1}):
        with pytest.raises(Mistake):
            Manners(**wrong)
    assert manners.is_common_crawl("data.commoncrawl.org:443")
    assert manners.is_common_crawl("s3.commoncrawl")
    assert not manners.is_common_crawl("notcommoncrawl.org")
