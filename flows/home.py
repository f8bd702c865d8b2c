"""Where Millrace keeps Prefect's home, and how a Prefect server that is up is found. Imports no Prefect: .01 s.

    .millrace/prefect   Prefect's home: its database and its logs
    .millrace/ui.json   address and process of the server that `millrace ui` started, while it is up

`MILLRACE_HOME` puts the folder elsewhere.
"""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]


def home() -> Path:
    return Path(os.environ.get("MILLRACE_HOME") or ROOT / ".millrace").resolve()


def prefect_home() -> Path:
    return home() / "prefect"


def state_file() -> Path:
    return home() / "ui.json"


def answers(url: str, seconds: float = 0.9) -> bool:
    """Whether a Prefect server's API answers at a URL such as http://127.0.0.1:4200/api."""
    from urllib.error import URLError
    from urllib.request import ProxyHandler, build_opener

    loopback = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    opener = build_opener(*([ProxyHandler({})] if loopback else []))  # no proxy stands between us and ourselves
    try:
        with opener.open(f"{url.rstrip('/')}/health", timeout=seconds) as answer:
            return answer.status == 200
    except (URLError, OSError, ValueError):
        return False


def ui_server() -> str | None:
    """The API of the server that `millrace ui` started, if it still answers."""
    try:
        url = json.loads(state_file().read_bytes())["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if answers(url) else None


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
    }
