"""Where Prefect's server keeps its records: a file in its home, or PostgreSQL by one setting, MILLRACE_DATABASE.

A URL with a password travels in the environment alone: a command line is every user's to read (/proc, ps).
"""

import os
from urllib.parse import SplitResult, unquote, urlsplit

from tasks.runtime.errors import Mistake

VARIABLE = "MILLRACE_DATABASE"
FORM = "it is written postgresql://USER@HOST:PORT/NAME"
SCHEMES = ("postgresql+asyncpg", "postgresql", "postgres")


def take(url: str) -> None:
    """A URL of the command line stands before the variable's.

    Raises:
        Mistake: it holds a password.
    """
    if _parts(url).password is not None:
        raise Mistake(
            f"the database's URL holds a password, and every user of this machine can read a command line: set "
            f"{VARIABLE} to the URL instead, or leave the password to PGPASSWORD or ~/.pgpass"
        )
    os.environ[VARIABLE] = url


def settings() -> dict[str, str]:
    """Prefect's, for its server; none for the file in its home.

    Raises:
        Mistake: it is no URL of a PostgreSQL database.
    """
    url = os.environ.get(VARIABLE)
    if not url:
        return {}
    return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": SCHEMES[0] + url[len(_parts(url).scheme) :]}


def secrets() -> list[str]:
    """What no log may hold, as it is and as a URL spells it."""
    url = os.environ.get(VARIABLE)
    password = (_parts(url).password or "") if url else ""
    return [one for one in {password, unquote(password)} if one]


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise Mistake(f"the database's URL ({VARIABLE}, --database) is not one; {FORM}") from None
    if parts.scheme not in SCHEMES or not parts.path.strip("/"):
        raise Mistake(f"the database's URL ({VARIABLE}, --database) names no PostgreSQL database; {FORM}")
    return parts
