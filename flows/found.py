"""Which Prefect server is to record a run: the one that is asked for, `millrace ui`'s, or the user's own profile's.

In this order: PREFECT_API_URL; the server that `millrace ui` started, or was started beside (ui.json); what Prefect's
own files say (its profiles, prefect.toml, pyproject.toml, .env). Prefect is asked about its files only where one of
them speaks of an API: to import its settings takes a second.
"""

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

from flows import home
from tasks.runtime.errors import Mistake

AUTH = "PREFECT_API_AUTH_STRING"
HEARTBEAT = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"
NAMES = re.compile(rb"PREFECT_API_URL|^\s*\[(tool\.prefect\.)?api\]|\bapi\.url\b", re.MULTILINE)


def found(say: Callable[[str], None]) -> str | None:
    """The API that is to record a run of this process, whose environment is made fit for it; none if none answers.

    Raises:
        Mistake: it answers, and takes neither our password nor having none.
    """
    state = home.ui_state()
    asked = os.environ.get("PREFECT_API_URL")
    if asked:
        if not home.answers(asked):
            say(f"PREFECT_API_URL is {public(asked)}, but no Prefect server answers there")
        else:
            if state and state["auth"] and same(asked, state["url"]):
                os.environ.setdefault(AUTH, state["auth"])
            return _entered(asked)
    if state:
        if state["ours"]:
            os.environ.update(home.settings())
        if state["auth"]:
            os.environ[AUTH] = state["auth"]
        return _entered(state["url"])
    url = None if asked else of_profile()
    if url and home.answers(url):
        return _entered(url)
    if url:
        say(f"Prefect's settings name the server {public(url)}, but none answers there")
    return None


def _entered(url: str) -> str:
    """A server that answers, of whomever: it lets us in, and hears the run's heartbeat."""
    require_entry(url)
    os.environ.setdefault(HEARTBEAT, home.settings()[HEARTBEAT])
    return url


def same(one: str, other: str) -> bool:
    return one.rstrip("/").replace("//localhost", "//127.0.0.1") == other.rstrip("/")


def public(url: str) -> str:
    """A URL as a console may show it: without the user and password that it may hold."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]).geturl()


def of_profile() -> str | None:
    """The API that Prefect's own files name, as Prefect reads them."""
    folder = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", folder / "profiles.toml")).expanduser()
    if not any(_speaks(file) for file in (profiles, Path("prefect.toml"), Path("pyproject.toml"), Path(".env"))):
        return None
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


def require_entry(url: str) -> None:
    """See that the server takes our password, or needs none, before anything runs.

    Raises:
        Mistake: it does not.
    """
    pair = os.environ.get(AUTH)
    if _admitted(url, pair):
        return
    from prefect.settings import get_current_settings  # a profile may hold what the environment does not

    api = get_current_settings().api
    if api.key is not None:
        return  # Prefect Cloud: its own client knows how
    if api.auth_string is not None and _admitted(url, pair := api.auth_string.get_secret_value()):
        return
    how = "does not take the user and password of" if pair else "wants a user and a password: set"
    raise Mistake(f"the Prefect server at {public(url)} {how} {AUTH} (user:password)")


def _admitted(url: str, pair: str | None) -> bool:
    request = Request(f"{url.rstrip('/')}/admin/version")
    if pair:
        request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    try:
        with home.opener(url).open(request, timeout=5):
            return True
    except HTTPError as error:
        return error.code not in (401, 403)
    except OSError:
        return True  # slow, or just gone: the run will say so


def _speaks(file: Path) -> bool:
    try:
        return NAMES.search(file.read_bytes()) is not None
    except OSError:
        return False
