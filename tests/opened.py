"""A page from disk, or served, in the Chromium that is there, by playwright; tests that use it are marked `browser`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
browser = pytest.mark.skipif(CHROMIUM is None, reason="no headless browser: install chromium to look at the page")


@contextmanager
def opened(
    path: Path | str, width: int = 1280, height: int = 800, dark: bool = False
) -> Iterator[tuple[Any, list[str]]]:
    """The page (playwright's) of a file or address, and its console's errors: a refused script among them."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        scheme: Any = "dark" if dark else "light"
        page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path if isinstance(path, str) else path.as_uri())
        yield page, errors
        chromium.close()
