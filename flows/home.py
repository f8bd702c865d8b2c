"""Where Millrace keeps Prefect's home, and how a Prefect server that is up is found. Imports no Prefect: .01 s.

    prefect/         Prefect's home: its database and its logs
    ui.json          address, process and password of the server that `millrace ui` started, while it is up
    auth             user and password of that server, if it was started with --auth and told none
    *.log            of the server, the worker and the deployments; at most 40 MB each

lie in $MILLRACE_HOME, else $XDG_STATE_HOME/millrace, else ~/.local/state/millrace: the user's, whatever the clone or
environment that Millrace was started from.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tasks.runtime.errors import Mistake

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

SECRETS = ("MILLRACE_DATABASE", "MILLRACE_AUTH")  # variables that no child process inherits


def home() -> Path:
    """The folder.

    Raises:
        Mistake: no variable says where it is, and the user has no home.
    """
    if ours := os.environ.get("MILLRACE_HOME"):
        return Path(ours).resolve()
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():  # the standard's rule for a relative one: as if it were not set
        try:
            state = Path.home() / ".local" / "state"
        except RuntimeError:
            raise Mistake("this user has no home to keep Prefect's records in; set MILLRACE_HOME to a folder") from None
    return (state / "millrace").resolve()


def make_home() -> None:
    """Make the folder and Prefect's in it.

    Raises:
        Mistake: it cannot be written.
    """
    try:
        prefect_home().mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(home(), os.W_OK | os.X_OK) and os.access(prefect_home(), os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise Mistake(f"{home()} cannot be written; set MILLRACE_HOME to a folder that can")


def prefect_home() -> Path:
    return home() / "prefect"


def state_file() -> Path:
    return home() / "ui.json"


def opener(url: str) -> "OpenerDirector":
    """What opens a URL; no proxy stands between us and ourselves."""
    from urllib.request import ProxyHandler, build_opener

    loopback = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    return build_opener(*([ProxyHandler({})] if loopback else []))


def answers(url: str, seconds: float = 0.9) -> bool:
    """Whether a Prefect server's API answers at a URL such as http://127.0.0.1:4200/api."""
    from urllib.error import URLError

    try:
        with opener(url).open(f"{url.rstrip('/')}/health", timeout=seconds) as answer:
            return answer.status == 200
    except (URLError, OSError, ValueError):
        return False


def ui_state() -> dict[str, Any] | None:
    """What `millrace ui` says of its server, if that still answers.

    `url` of the API, `pid`, `auth` (user:password, or none), and `ours`: whether it is not another's (`--server`).
    """
    try:
        state = json.loads(state_file().read_bytes())
        url = state["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"auth": None, "ours": True, **state} if answers(url) else None


def ui_server() -> str | None:
    """The API of the server that `millrace ui` started, if it still answers."""
    state = ui_state()
    return state["url"] if state else None


def settings() -> dict[str, str]:
    """Prefect's settings for every process that we start on the project's own home (shared/PREFECT.md)."""
    return {
        "PREFECT_HOME": str(prefect_home()),
        "PREFECT_PROFILES_PATH": str(prefect_home() / "profiles.toml"),  # the user's own profile plays no part
        "PREFECT_UI_API_URL": "/api",  # else a UI on another port than 4200 stays blank
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # the least it takes; without it a killed run never ends
        "PREFECT_CLI_PROMPT": "false",
        # What is older than 90 days leaves the database, with its logs and artifacts; events leave after a week anyway.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    }
