"""A proxy on loopback before a service of objects, which fails requests as networks do.

refuse  the connection ends before the request is passed on
error   500, and nothing is passed on
lose    the request is passed on and done; its answer never comes
twice   the request is passed on twice, as a proxy may; the second answer comes
cut     half of the answer's body comes, then the connection ends
"""

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Decide = Callable[[str, str], str | None]  # (method, path) -> how it fails


def once(fault: str, of: str) -> Decide:
    """The first request of a method fails."""
    waiting = [fault]
    return lambda method, path: waiting.pop() if method == of and waiting else None


class Lossy:
    """`decide` may be changed at any time; `seen` is what came: (method, path, how it failed)."""

    def __init__(self, endpoint: str):
        self.decide: Decide = lambda method, path: None
        self.seen: list[tuple[str, str, str | None]] = []
        proxy, there = self, urlsplit(endpoint)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
                connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=30)
                headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                data = answer.read()
                connection.close()
                return answer.status, answer.getheaders(), data

            def any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = proxy.decide(self.command, self.path)
                proxy.seen.append((self.command, self.path, fault))
                if fault == "refuse":
                    self.close_connection = True
                    return
                if fault == "error":
                    self.send_response(500)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                status, headers, data = self.forward(body)
                if fault == "twice":
                    status, headers, data = self.forward(body)
                if fault == "lose":
                    self.close_connection = True
                    return
                self.send_response(status)
                for key, value in headers:
                    if key.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                        self.send_header(key, value)
                length = dict((key.lower(), value) for key, value in headers).get("content-length", str(len(data)))
                self.send_header("Content-Length", length if self.command == "HEAD" else str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data[: len(data) // 2] if fault == "cut" else data)
                if fault == "cut":
                    self.close_connection = True

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = any

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
