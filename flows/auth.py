"""Basic authentication of the server that `millrace ui` starts: one user, one password, Prefect's own means.

The pair is MILLRACE_AUTH's (user:password), else that of the file `auth` in Millrace's home, else a new one, which is
kept in that file. It stands in environments and in files of mode 0600 alone.
"""

import os
import secrets
from pathlib import Path

from flows.home import home, make_home
from tasks.runtime.errors import Mistake

VARIABLE = "MILLRACE_AUTH"


def auth_file() -> Path:
    return home() / "auth"


def pair() -> tuple[str, bool]:
    """user:password, and whether it was made just now.

    Raises:
        Mistake: it has no colon, or characters that Prefect cannot compare.
    """
    make_home()
    given = os.environ.get(VARIABLE)
    if given:
        return _checked(given, VARIABLE), False
    try:
        return _checked(auth_file().read_text(encoding="utf-8").strip(), str(auth_file())), False
    except FileNotFoundError:
        made = f"millrace:{secrets.token_urlsafe(18)}"
        write_private(auth_file(), made + "\n")
        return made, True


def write_private(path: Path, text: str) -> None:
    """A file that its owner alone can read, from its first moment on; whole or not there."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _checked(text: str, where: str) -> str:
    user, colon, password = text.partition(":")
    # Prefect compares by hmac.compare_digest, which raises for anything but ASCII.
    if not (user and colon and password) or not text.isascii() or not text.isprintable():
        raise Mistake(f"{where} is no user:password of printable ASCII characters")
    return text
