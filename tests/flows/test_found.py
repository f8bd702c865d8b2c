"""Which server records a run, and who may enter it: an HTTP stand-in for Prefect's API, with basic authentication."""

import base64
import json
import os
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows import auth, database, found, home
from tasks.runtime.errors import Mistake

PAIR = "miller:hunter2"


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = "Basic " + base64.b64encode(PAIR.encode()).decode()
        closed = self.server.closed and self.headers.get("Authorization") != asked  # type: ignore[attr-defined]
        self.send_response(200 if self.path.endswith("/health") or not closed else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.closed = False  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fresh user; whatever is set in a test is unset after it, by us and by the code."""
    for name in [*os.environ]:
        if name.startswith(("PREFECT_", "MILLRACE_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    home.make_home()


def url_of(api: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{api.server_address[1]}/api"


def announce(url: str, secret: str | None = None, ours: bool = True) -> None:
    auth.write_private(home.state_file(), json.dumps({"url": url, "pid": 1, "auth": secret, "ours": ours}))


def said(text: str) -> None:
    pytest.fail(f"nothing was to be said, but: {text}")


def test_none_is_found_where_none_is() -> None:
    assert found.found(said) is None


def test_the_variable_stands_before_the_ui(api: ThreadingHTTPServer) -> None:
    announce("http://127.0.0.1:9/api")
    os.environ["PREFECT_API_URL"] = url_of(api)
    assert found.found(said) == url_of(api)
    assert "PREFECT_HOME" not in os.environ, "another's server: the user's own Prefect settings count"


def test_the_ui_s_server_with_its_password(api: ThreadingHTTPServer) -> None:
    api.closed = True  # type: ignore[attr-defined]
    announce(url_of(api), PAIR)
    assert found.found(said) == url_of(api)
    assert os.environ["PREFECT_API_AUTH_STRING"] == PAIR
    assert os.environ["PREFECT_HOME"] == str(home.prefect_home())


def test_the_ui_s_password_serves_the_variable_that_names_the_same_server(api: ThreadingHTTPServer) -> None:
    api.closed = True  # type: ignore[attr-defined]
    announce(url_of(api), PAIR)
    os.environ["PREFECT_API_URL"] = url_of(api).replace("127.0.0.1", "localhost") + "/"
    assert found.found(said) == os.environ["PREFECT_API_URL"]
    assert os.environ["PREFECT_API_AUTH_STRING"] == PAIR


def test_another_s_server_leaves_the_user_s_settings_alone(api: ThreadingHTTPServer) -> None:
    announce(url_of(api), ours=False)
    assert found.found(said) == url_of(api)
    assert "PREFECT_HOME" not in os.environ and "PREFECT_API_AUTH_STRING" not in os.environ


@pytest.mark.parametrize("pair", [None, "miller:wrong"])
def test_a_closed_server_is_a_mistake_before_anything_runs(api: ThreadingHTTPServer, pair: str | None) -> None:
    api.closed = True  # type: ignore[attr-defined]
    os.environ["PREFECT_API_URL"] = url_of(api)
    if pair:
        os.environ["PREFECT_API_AUTH_STRING"] = pair
    wanted = "does not take the user" if pair else "wants a user and a password: set PREFECT_API_AUTH_STRING"
    with pytest.raises(Mistake, match=wanted) as mistake:
        found.found(said)
    assert "wrong" not in str(mistake.value)


def test_a_variable_without_a_server_is_told_and_no_profile_steps_in(api: ThreadingHTTPServer, tmp_path: Path) -> None:
    os.environ["PREFECT_API_URL"] = "http://127.0.0.1:9/api"
    told: list[str] = []
    assert found.found(told.append) is None
    assert told == ["PREFECT_API_URL is http://127.0.0.1:9/api, but no Prefect server answers there"]


def test_a_url_is_shown_without_its_password() -> None:
    os.environ["PREFECT_API_URL"] = "http://miller:hunter2@127.0.0.1:9/api"
    told: list[str] = []
    assert found.found(told.append) is None
    assert told == ["PREFECT_API_URL is http://***@127.0.0.1:9/api, but no Prefect server answers there"]


def test_files_that_say_nothing_of_an_api_cost_no_import_of_prefect(tmp_path: Path) -> None:
    (tmp_path / ".prefect").mkdir()
    (tmp_path / ".prefect/profiles.toml").write_text('active = "a"\n[profiles.a]\nPREFECT_LOGGING_LEVEL = "DEBUG"\n')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert found.of_profile() is None
    assert found._speaks(tmp_path / "absent") is False


def test_database_urls() -> None:
    assert database.settings() == {}
    key = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
    for given in ("postgresql://u@h:5/n", "postgres://u@h:5/n", "postgresql+asyncpg://u@h:5/n"):
        database.take(given)
        assert database.settings() == {key: "postgresql+asyncpg://u@h:5/n"}
    database.take("postgresql:///n?host=/run/socket")
    assert database.settings() == {key: "postgresql+asyncpg:///n?host=/run/socket"}
    os.environ["MILLRACE_DATABASE"] = "postgresql://u:hunt%20er2@h/n"
    assert database.settings() == {key: "postgresql+asyncpg://u:hunt%20er2@h/n"}
    assert sorted(database.secrets()) == ["hunt er2", "hunt%20er2"]


@pytest.mark.parametrize("url", ["sqlite:///a.db", "mysql://u@h/n", "postgresql://u@h", "postgresql://u@h:x/n", "n"])
def test_a_database_that_is_none_of_postgresql(url: str) -> None:
    with pytest.raises(Mistake, match="it is written postgresql://USER@HOST:PORT/NAME"):
        database.take(url)


def test_a_password_on_a_command_line_is_refused() -> None:
    with pytest.raises(Mistake, match="MILLRACE_DATABASE") as mistake:
        database.take("postgresql://u:hunter2@h/n")
    assert "hunter2" not in str(mistake.value)
    assert "MILLRACE_DATABASE" not in os.environ


def test_a_pair_is_made_once_and_kept_for_its_user_alone() -> None:
    made, new = auth.pair()
    assert new and made.startswith("millrace:") and len(made) > 30
    assert auth.pair() == (made, False)
    assert stat.S_IMODE(auth.auth_file().stat().st_mode) == 0o600
    os.environ["MILLRACE_AUTH"] = PAIR
    assert auth.pair() == (PAIR, False)
    assert auth.auth_file().read_text() == made + "\n"


@pytest.mark.parametrize("pair", ["nocolon", ":password", "user:", "usér:x", "user:\x07"])
def test_a_pair_that_prefect_cannot_compare(pair: str) -> None:
    os.environ["MILLRACE_AUTH"] = pair
    with pytest.raises(Mistake, match="MILLRACE_AUTH is no user:password"):
        auth.pair()


def test_what_is_private_was_never_public(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        auth.write_private(tmp_path / "ui.json", "x")
        auth.write_private(tmp_path / "ui.json", "y")
    finally:
        os.umask(before)
    assert (tmp_path / "ui.json").read_text() == "y"
    assert stat.S_IMODE((tmp_path / "ui.json").stat().st_mode) == 0o600
