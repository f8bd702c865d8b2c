"""Who is let in to the page, and who is not: token, host, origin, kind and size of what is sent."""

import http.client
import json
import re
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
from asking import served

from tasks.labels.server import MOST_BYTES, Refused, Server, policy
from tasks.runtime.errors import Mistake

PAGE = '<title>t</title><style>a{}</style><script id="data" type="application/json">{}</script><script>1</script>'


def door(said: dict[str, Any]) -> dict[str, Any]:
    if said.get("wrong"):
        raise Refused("that is wrong")
    if said.get("full"):
        raise OSError(28, "No space left on device")
    return {"got": said}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def server(told: list[str]):
    with served(Server(PAGE, {"say": door}, 0, told.append)) as one:
        yield one


def ask(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, dict(answer.headers), read


JSON = {"Content_Type": "application/json"}


def test_the_page_is_there_for_those_who_have_the_address(server: Server) -> None:
    status, headers, body = ask(server, "GET", urlsplit(server.address).path)
    assert status == 200 and body.decode() == PAGE
    assert headers["Content-Security-Policy"] == policy(PAGE) and headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
    allowed = dict(one.strip().split(" ", 1) for one in policy(PAGE).split(";"))
    assert (
        allowed["default-src"]
        == allowed["base-uri"]
        == allowed["form-action"]
        == allowed["frame-ancestors"]
        == "'none'"
    )
    assert allowed["connect-src"] == "'self'" and re.fullmatch(r"'sha256-[\w+/=]+'", allowed["script-src"])
    assert "unsafe" not in policy(PAGE)


def test_without_the_token_there_is_nothing(server: Server) -> None:
    token = server.token
    for path in ("/", "/favicon.ico", f"/{token[:-1]}/", f"/{token}x/", "//", f"/x/{token}/", f"/{token}/other"):
        assert ask(server, "GET", path)[0] == 404
    for path in ("/say", f"/{token[:-1]}/say"):
        assert ask(server, "POST", path, b"{}", **JSON)[0] == 404
    assert len(token) >= 32 and token not in repr(ask(server, "GET", "/"))


def test_addresses_differ_and_only_this_machine_is_listened_to(server: Server) -> None:
    with served(Server(PAGE, {}, 0, print)) as other:
        assert other.token != server.token
    assert server.http.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "evil.example:{port}"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
def test_pages_from_elsewhere_are_not_let_in(server: Server, headers: dict[str, str]) -> None:
    headers = {name: value.format(port=server.port) for name, value in headers.items()}
    assert ask(server, "GET", f"/{server.token}/", **headers)[0] == 404
    assert ask(server, "POST", f"/{server.token}/say", b"{}", **JSON, **headers)[0] == 404


def test_what_is_sent_is_answered_or_refused_with_a_sentence(server: Server, told: list[str]) -> None:
    path, own = f"/{server.token}/say", {"Origin": f"http://127.0.0.1:{server.port}"}
    assert json.loads(ask(server, "POST", path, b'{"a": 1}', **JSON, **own)[2]) == {"got": {"a": 1}}
    for body, status, error in (
        (b'{"wrong": 1}', 400, "that is wrong"),
        (b"{", 400, "what was sent is not JSON"),
        (b"[]", 400, "what was sent is no JSON object"),
        (b'{"full": 1}', 500, "it could not be written (No space left on device); nothing is lost that was saved"),
    ):
        found = ask(server, "POST", path, body, **JSON)
        assert (found[0], json.loads(found[2])["error"]) == (status, error)
    assert told == ["nothing was written: [Errno 28] No space left on device"]
    assert ask(server, "POST", f"/{server.token}/none", b"{}", **JSON)[0] == 404
    assert ask(server, "POST", path, b"{}", Content_Type="text/plain")[0] == 400, "a form of another site sends no JSON"
    assert ask(server, "PUT", path, b"{}", **JSON)[0] == 501


def test_too_much_is_not_read(server: Server) -> None:
    for length in (str(MOST_BYTES + 1), "-1", "1e3", ""):
        assert ask(server, "POST", f"/{server.token}/say", b"", **JSON, Content_Length=length)[0] == 400


def test_finish_ends_it_and_a_taken_port_is_a_mistake() -> None:
    server = Server(PAGE, {}, 0, print)
    thread = threading.Thread(target=server.serve)
    thread.start()
    with pytest.raises(Mistake, match=f"port {server.port} of 127.0.0.1 cannot be had"):
        Server(PAGE, {}, server.port, print)
    assert ask(server, "POST", f"/{server.token}/finish", b"{}", **JSON)[0] == 200
    thread.join(10)
    assert not thread.is_alive()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0
