"""A loopback HTTP server with ranges, ETags and preconditions that fails as real ones do."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Says:
    """An answer other than the file: a status, more headers, a body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Flaky:
    """What the server holds, what it shall do wrong, and what it was asked.

    `faults` are used up one a GET: a status such as 503, or `Says`; None answers well.

        short    half of the body, then the connection closes
        changes  as `short`; then the file has another content and ETag, of the same size
        reset    the connection closes at once
        silent   no answer until `serve` ends
        slow     a tenth of the body at a time, with pauses
        whole    the range is not looked at
        shifted  a Content-Range that begins one byte later
        bare     206 without Content-Range

    `head_faults` are used up one a HEAD: a status, `reset`, `silent`, or None.
    """

    def __init__(self, files: dict[str, bytes]):
        self.files = files
        self.faults: list[int | str | Says | None] = []
        self.head_faults: list[int | str | None] = []
        self.asked: list[tuple[str, str | None]] = []  # GETs: path and Range
        self.heads: list[str] = []  # HEADs: path
        self.headers: list[dict[str, str]] = []  # of all requests
        self.open = self.most_open = 0  # requests that are being answered
        self.etag: str | None = "v1"
        self.modified: str | None = None
        self.looks_at_if_match = True
        self.url = ""


@contextmanager
def serve(files: dict[str, bytes], certificate: Path | None = None) -> Iterator[Flaky]:
    """The server while the block runs; over TLS with a file of a key and its certificate."""
    state = Flaky(files)
    ended = threading.Event()
    counting = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.counted(False)

        def do_GET(self) -> None:
            self.counted(True)

        def log_message(self, *arguments: object) -> None:
            pass

        def counted(self, body: bool) -> None:
            with counting:
                state.open += 1
                state.most_open = max(state.open, state.most_open)
            try:
                self.answer(body)
            finally:
                with counting:
                    state.open -= 1

        def answer(self, body: bool) -> None:
            data = state.files.get(self.path)
            span = self.headers.get("Range")
            with counting:
                state.headers.append(dict(self.headers))
                if body:
                    state.asked.append((self.path, span))
                    fault = state.faults.pop(0) if state.faults else None
                else:
                    state.heads.append(self.path)
                    fault = state.head_faults.pop(0) if state.head_faults else None
            if fault == "silent":
                ended.wait(60)
            if fault in ("reset", "silent"):
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if isinstance(fault, int):
                fault = Says(fault)
            matched = self.headers.get("If-Match")
            if fault is None and data is None:
                fault = Says(404)
            elif state.looks_at_if_match and matched and matched != f'"{state.etag}"' and not isinstance(fault, Says):
                fault = Says(412)
            if isinstance(fault, Says):
                self.send_response(fault.status)
                for name, value in {"Content-Length": str(len(fault.body)), **fault.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if body:
                    self.wfile.write(fault.body)
                return
            assert data is not None
            start, end = 0, len(data)
            ranged = bool(span) and fault != "whole"
            if ranged:
                first, _, last = str(span).removeprefix("bytes=").partition("-")
                start, end = int(first), min(len(data), int(last) + 1) if last else len(data)
            self.send_response(206 if ranged else 200)
            self.send_header("Content-Length", str(end - start))
            self.send_header("Accept-Ranges", "bytes")
            if state.etag is not None:
                self.send_header("ETag", state.etag if state.etag.startswith("W/") else f'"{state.etag}"')
            if state.modified is not None:
                self.send_header("Last-Modified", state.modified)
            if ranged and fault != "bare":
                shift = fault == "shifted"
                self.send_header("Content-Range", f"bytes {start + shift}-{end - 1 + shift}/{len(data)}")
            self.end_headers()
            if body:
                breaks = fault in ("short", "changes")
                stop = (start + end) // 2 if breaks else end
                step = max(1, (end - start) // 10 if fault == "slow" else end - start)
                for at in range(start, stop, step):
                    self.wfile.write(data[at : min(at + step, stop)])
                    ended.wait(0.06 if fault == "slow" else 0)
                if fault == "changes":
                    state.files[self.path], state.etag = data[::-1], f"{state.etag} anew"
                    state.modified = "Thu, 01 Jan 2026 00:00:00 GMT"
                self.close_connection |= breaks

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64  # of 5, the kernel drops some of 16 that come at once, for a second

    server = Server(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # clients that go away
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


def certificate(folder: Path) -> Path:
    """A self-signed certificate of 127.0.0.1 and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2120, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
