"""A page on loopback for one person, and the few doors that it asks: nothing else is served, nobody else is let in.

The address holds a random token; a request without it is answered as if nothing were there. Requests must name this
host (a page of another site whose name was pointed at 127.0.0.1 does not) and come from this page. The page runs no
script but its own, by its hash, and loads nothing.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tasks.runtime.errors import Mistake

HOST = "127.0.0.1"
MOST_BYTES = 1 << 20  # of a request; a label has some hundred
FINISH = "finish"  # the door that ends serving
Door = Callable[[dict[str, Any]], dict[str, Any]]


class Refused(ValueError):
    """What the page sent cannot be taken; the sentence is shown there."""


def policy(page: str) -> str:
    """A page's Content-Security-Policy: its own scripts and styles by their hashes, requests to where it is from."""

    def hashes(tag: str) -> str:
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found)
        return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"

    return (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Server:
    """Serves a page and its doors: POST with JSON, answered by JSON, one at a time."""

    def __init__(self, page: str, doors: Mapping[str, Door], port: int, tell: Callable[[str], None]) -> None:
        """port 0: any that is free.

        Raises:
            Mistake: the port is taken.
        """
        self.page, self.doors, self.tell = page.encode(), doors, tell
        self.policy, self.token = policy(page), secrets.token_urlsafe(24)
        self.turn = threading.Lock()
        try:
            self.http = _Http((HOST, port), _handler(self))
        except OSError as error:
            raise Mistake(f"port {port} of {HOST} cannot be had ({error.strerror}): give another --port") from None
        self.port = int(self.http.server_address[1])
        self.address = f"http://{HOST}:{self.port}/{self.token}/"

    def serve(self) -> None:
        """Until the page says that it is finished, or Ctrl-C."""
        try:
            self.http.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            pass
        finally:
            self.http.server_close()

    def answer(self, door: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and answer of a request that was let in."""
        if door == FINISH:
            return 200, {}
        if door not in self.doors:
            return 404, {"error": "there is no such door"}
        try:
            asked = json.loads(body)
        except ValueError:
            return 400, {"error": "what was sent is not JSON"}
        if not isinstance(asked, dict):
            return 400, {"error": "what was sent is no JSON object"}
        with self.turn:
            try:
                return 200, self.doors[door](asked)
            except Refused as error:
                return 400, {"error": str(error)}
            except OSError as error:
                self.tell(f"nothing was written: {error}")
                return 500, {
                    "error": f"it could not be written ({error.strerror or error}); nothing is lost that was saved"
                }


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is no news; anything else is shown as it is."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "millrace", ""
        timeout = 30  # seconds that a connection may say nothing

        def log_message(self, format: str, *arguments: Any) -> None:
            """The terminal is for people."""

        def _door(self) -> str | None:
            """What is asked for, "" for the page; None for those who do not know the token, or come from elsewhere."""
            hosts = {f"{HOST}:{server.port}", f"localhost:{server.port}"}
            origin = self.headers.get("Origin")
            if self.headers.get("Host") not in hosts or origin not in (None, *(f"http://{host}" for host in hosts)):
                return None
            token, _, door = self.path.removeprefix("/").partition("/")
            return door if hmac.compare_digest(token.encode(), server.token.encode()) else None

        def do_GET(self) -> None:
            if self._door() == "":
                self._send(200, server.page, "text/html; charset=utf-8")
            else:
                self._send(404, b"", "text/plain")

        def do_POST(self) -> None:
            door, length = self._door(), self.headers.get("Content-Length", "")
            typed = self.headers.get_content_type() == "application/json"
            if door is None or not typed or not length.isdecimal() or int(length) > MOST_BYTES:
                self.close_connection = True  # what was sent is not read
                self._send(404 if door is None else 400, b"", "text/plain")
                return
            status, said = server.answer(door, self.rfile.read(int(length)))
            self._send(status, json.dumps(said).encode(), "application/json")
            if door == FINISH:  # only now: the process ends with it, and the page is to hear of it
                threading.Thread(target=server.http.shutdown, daemon=True).start()

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                "Content-Security-Policy": server.policy,
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
            }.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

    return Handler
