"""A loopback HTTP server with ranges and ETags that fails as real ones do."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Flaky:
    """What the server holds, what it shall do wrong, and what it was asked.

    `faults` are used up one a GET: a status such as 503, `short` (half of the body, then the connection closes),
    `reset` (the connection closes at once), `whole` (the range is not looked at); None answers well.
    """

    def __init__(self, files: dict[str, bytes]):
        self.files = files
        self.faults: list[int | str | None] = []
        self.asked: list[tuple[str, str | None]] = []
        self.etag = "v1"
        self.url = ""


@contextmanager
def serve(files: dict[str, bytes]) -> Iterator[Flaky]:
    state = Flaky(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            self.answer(True)

        def log_message(self, *arguments: object) -> None:
            pass

        def answer(self, body: bool) -> None:
            data = state.files.get(self.path)
            span = self.headers.get("Range")
            fault = None
            if body:
                state.asked.append((self.path, span))
                fault = state.faults.pop(0) if state.faults else None
            if fault == "reset":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if isinstance(fault, int) or data is None:
                self.send_response(fault if isinstance(fault, int) else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start, end = 0, len(data)
            if span and fault != "whole":
                first, _, last = span.removeprefix("bytes=").partition("-")
                start, end = int(first), min(len(data), int(last) + 1) if last else len(data)
            self.send_response(206 if span and fault != "whole" else 200)
            self.send_header("Content-Length", str(end - start))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{state.etag}"')
            if span and fault != "whole":
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            self.end_headers()
            if body:
                self.wfile.write(data[start : (start + end) // 2 if fault == "short" else end])
                if fault == "short":
                    self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
