"""UTF-8 whatever the locale: texts, names of files, and what is told.

What is read and written names its encoding, wherever it stands. Names of files do not: Python decodes them as the
locale says, and in a Latin-1 one `café.txt` would get another id. So a command that is started in such a locale starts
itself again in Python's UTF-8 mode (PEP 540), and its children with it.
"""

import locale
import os
import sys


def ensure() -> None:
    """Go on in UTF-8 mode, and tell things in the terminal's own encoding, with a ? for what it has not.

    A locale of ASCII alone (C, POSIX) says nothing of the terminal: that gets UTF-8, as Python itself would have it.
    """
    if sys.getfilesystemencoding() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    encoding = locale.getencoding()
    if os.environ.get("PYTHONIOENCODING") or encoding in ("ANSI_X3.4-1968", "ascii", "US-ASCII"):
        encoding = ""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding=encoding or None, errors="replace")  # type: ignore[union-attr]
