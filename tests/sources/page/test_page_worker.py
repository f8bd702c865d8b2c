"""Pages that take too long, too much memory, or kill their parser: lost and told, and their neighbours are not."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tasks.sources.page.extract import extract
from tasks.sources.page.worker import Worker
from tasks.sources.rejects import Bad

LIMITS = {"limit": 8 << 20, "tags": 500_000, "depth": 2000}
HOW = {"depth": 10**9, "extractor": "resiliparse"}
NESTED = "<div>" * 60_000 + "x"  # minutes
LISTS = "<ul><li>x" * 40_000  # 9 GB of indentation
GOOD = "<p>A good page.</p>"


@pytest.fixture
def worker():
    made = Worker()
    yield made
    made.close()


def test_a_slow_page_is_stopped_and_the_next_is_read(worker):
    start = time.monotonic()
    with pytest.raises(Bad, match="2 s of CPU") as caught:
        worker.parse(NESTED, 2, **HOW)
    assert caught.value.reason == "slow"
    assert time.monotonic() - start < 60  # else nothing stopped it
    assert "A good page." in worker.parse(GOOD, 2, **HOW).page


def test_a_page_that_takes_all_memory_is_stopped_and_the_next_is_read(worker):
    with pytest.raises(Bad) as caught:
        worker.parse(LISTS, 60, **HOW)
    assert caught.value.reason == "memory"
    assert "A good page." in worker.parse(GOOD, 2, **HOW).page


def test_a_crash_is_told_and_the_next_is_read(worker):
    worker.parse(GOOD, 2, **HOW)
    threading.Timer(0.3, os.kill, (worker.process.pid, signal.SIGSEGV)).start()
    with pytest.raises(Bad, match="SIGSEGV") as caught:
        worker.parse(NESTED, 20, **HOW)
    assert caught.value.reason == "crash"
    assert "A good page." in worker.parse(GOOD, 2, **HOW).page


def test_the_process_is_kept_between_pages_and_gives_what_this_one_gives(worker):
    from tasks.sources.page.parse import parse

    html = "<title>A \ud800 title</title><p>One &amp;lt; two</p><pre>a\n\n  b</pre>"
    assert worker.parse(html, 2, **HOW) == parse(html, **HOW)
    first = worker.process.pid
    assert worker.parse(GOOD, 2, **HOW) == parse(GOOD, **HOW)
    assert worker.process.pid == first


def test_it_dies_with_its_parent():
    code = (
        "import os\nfrom tasks.sources.page.worker import WORKER\n"
        "WORKER.parse('<p>x', 2, depth=9, extractor='resiliparse')\nprint(WORKER.process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=_path())
    child = Path(f"/proc/{int(ran.stdout)}/stat")
    for _ in range(200):
        if not child.exists() or child.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child outlives its parent by ten seconds")


def test_it_starts_without_the_heavy_libraries():
    code = (
        "import sys\nimport tasks.sources.page.parse\nimport resiliparse.extract.html2text\n"
        "print(sorted({'numba', 'pyarrow', 'torch', 'prefect', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_path()).stdout == "[]\n"


def _large(number: int) -> str:
    return extract(f"<p>Page {number} has text.</p>" * 10_000, **LIMITS, extractor="resiliparse").text[:16]


def test_it_works_in_daemons():
    """The workers of a pool, which multiprocessing forbids to have children."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert _large(0)  # this process has a child of its own before or behind the fork
        assert pool.map(_large, range(4)) == [f"Page {number} has text."[:16] for number in range(4)]


def _path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
