"""Programs of a model: honest ones pass, hostile ones neither pass nor reach the machine; pass@k by counting."""

import gzip
import inspect
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import asdict
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import pytest
from corpora import REAL
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.metrics import METRICS, Answer, programs
from tasks.evaluation.metrics.passes import judged, pass_at, programs_of
from tasks.evaluation.metrics.programs import Limits, outcome, outcomes
from tasks.runtime.errors import Mistake

QUICK = Limits(cpu=1, seconds=4)


@pytest.fixture(scope="module", autouse=True)
def apart() -> None:
    try:
        outcome("")
    except Mistake as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    "program",
    [
        "import math, re, random, collections, itertools, json, hashlib\nassert math.sqrt(4) == 2",
        "open('notes', 'w').write('x' * 1000)\nimport os\nassert os.listdir() == ['notes'] and os.getcwd() == '/work'",
        "import os\nassert not os.environ and os.getuid() != 0",
        "import os\nassert not any(os.path.exists(path) for path in ('/proc/1', '/etc', '/work/main', '/home'))",
        "import tempfile\ntempfile.TemporaryFile().write(b'x')",
        "def f(x):\n    return x + 1\nassert __name__ == '__main__' and f(1) == 2",
    ],
)
def test_honest(program: str) -> None:
    assert outcome(program) == (True, "passed")


ENDS = [
    ("import sys\nsys.exit(0)\nassert False", "SystemExit"),
    ("raise SystemExit", "SystemExit"),
    ("import os\nos._exit(0)", "ended before its tests did"),
    ("print('passed')\nassert False", "AssertionError"),
    ("import os\nos.write(1, b'{\"passed\": true}')\nos.write(3, b'passed')\nassert False", "passedAssertionError"),
    ("assert 1 == 2", "AssertionError"),
    ("def f(:", "SyntaxError"),
    ("x = '\0'", "SyntaxError"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("import os\nif os.fork():\n    os._exit(0)\n", "ended before its tests did"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9"),
    ("def f(): f()\nf()", "RecursionError"),
    ("import atexit, os\natexit.register(os._exit, 0)\nassert False", "AssertionError"),
]


@pytest.mark.parametrize(("program", "why"), ENDS)
def test_what_does_not_come_to_the_end_of_its_tests_does_not_pass(program: str, why: str) -> None:
    assert outcome(program, QUICK) == (False, why)


HOSTILE = {
    "endless": ("while True: pass", "timeout"),
    "asleep": ("import time\ntime.sleep(1000)", "timeout"),
    "deaf": (
        "import signal, time\nfor n in range(1, 32):\n    n in (9, 19) or signal.signal(n, signal.SIG_IGN)\n"
        "while True: pass",
        "timeout",
    ),
    "large": ("x = bytearray(10 << 30)", "MemoryError"),
    "growing": ("x = []\nwhile True: x.append('a' * (1 << 20))", "MemoryError"),
    "file": ("open('x', 'w').write('a' * (64 << 20))", "OSError"),
    "files": ("for n in range(9):\n    open(f'x{n}', 'w').write('a' * (8 << 20))", "OSError"),
    "elsewhere": ("open('/usr/planted', 'w')", "OSError"),
    "root": ("import os\nos.setuid(0)", "PermissionError"),
    "mounts": ("import ctypes\nassert ctypes.CDLL(None).unshare(1 << 17) == 0", "AssertionError"),
    "first": ("import os, time\nos.kill(1, 9)\ntime.sleep(.1)\nraise ValueError", "PermissionError"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    program, why = HOSTILE[name]
    found = outcome(program, QUICK)
    # Who is not root runs as itself, may signal its process 1, and is not heard: it goes on to its own end.
    assert found == (False, why) or (name == "first" and found == (False, "ValueError"))


def test_a_fork_bomb_is_bounded_and_nothing_of_it_is_left() -> None:
    bomb = "import os, time\nfor n in range(100):\n    if os.fork() == 0: time.sleep(987654)"
    assert outcome(bomb, QUICK) == (False, "BlockingIOError")
    escaping = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n    time.sleep(987654)"
    assert outcome(escaping, QUICK) == (True, "passed")  # the program itself did come to its end
    limit = time.monotonic() + 5
    while (left := sleepers()) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not left


def sleepers() -> list[str]:
    """Processes of user ids that are a cell's."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.stat().st_uid >= programs.cell.STRANGER and path.stat().st_uid != 0xFFFFFFFF:
                found.append(path.name)
        except FileNotFoundError:
            continue
    return found


def test_there_is_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), 1).close()
        program = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"
        assert outcome(program, QUICK) == (False, "OSError")


def test_the_same_program_has_the_same_sets_and_draws() -> None:
    program = "import random\nassert (list({{'a', 'b', 'c', 'd'}}), random.random()) == {}"
    said = "raise type(str((list({'a', 'b', 'c', 'd'}), random.random())), (Exception,), {})"
    first, second = (outcome(f"import random\n{said}", QUICK).why for _ in range(2))
    assert first == second and outcome(program.format(first), QUICK).passed


def test_where_programs_cannot_be_kept_apart_none_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    original = programs.inspect.getsource(programs.cell)
    refusing = original.replace(
        "def enter_namespaces() -> None:", "def enter_namespaces() -> None:\n    raise OSError(1, 'no')"
    )
    monkeypatch.setattr(programs.inspect, "getsource", lambda _: refusing)
    with pytest.raises(Mistake, match=r"not run here.*no.*user.max_user_namespaces"):
        outcome("")
    monkeypatch.setattr(programs.inspect, "getsource", lambda _: "import os\nos._exit(0)")
    with pytest.raises(Mistake, match="without an answer"):
        outcome("")
    monkeypatch.setattr(programs.sys, "platform", "darwin")
    with pytest.raises(Mistake, match="on Linux alone"):
        outcome("")


def test_outcomes_are_in_order() -> None:
    assert [one.passed for one in outcomes(["", "assert 0", "", "1 / 0"])] == [True, False, True, False]


# ---- pass@k


@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_the_share_of_draws_of_k_that_hold_a_right_one(n: int, data: st.DataObject) -> None:
    right, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    drawn = [any(place < right for place in chosen) for chosen in combinations(range(n), k)]
    assert pass_at(n, right, k) == pytest.approx(sum(drawn) / comb(n, k))


def test_pass_at_k_by_hand() -> None:
    """HumanEval's own: 1 - prod over i = n-c+1..n of (1 - k/i); of 200 with 10 right."""
    assert pass_at(200, 10, 1) == pytest.approx(0.05) and pass_at(200, 10, 10) == pytest.approx(0.4087, abs=1e-3)
    for n, right, k in ((5, 6, 1), (5, 1, 6), (5, 1, 0)):
        with pytest.raises(ValueError, match="cannot be told"):
            pass_at(n, right, k)


def test_an_item_of_programs() -> None:
    answer = Answer(
        prompt="shots\n\ndef f(x):\n", texts=["    return x + 1", "    return x", "    return 1 + x", "    exit()"],
        references=["def f(x):\n", "assert f(1) == 2"],
    )  # fmt: skip
    assert [one.why for one in judged(answer)] == ["passed", "AssertionError", "passed", "NameError"]
    assert METRICS["pass@1"].item(answer) == pytest.approx(0.5)
    with pytest.raises(Mistake, match=r"pass@10 needs at least 10 texts.*has 4"):
        METRICS["pass@10"].item(answer)
    alone = answer._replace(references=["assert f(1) == 2"], prompt="def f(x):\n")
    assert programs_of(alone) == programs_of(answer)


@pytest.mark.real
def test_humanevals_own_solutions_pass_and_empty_ones_do_not() -> None:
    with gzip.open(REAL / "benchmarks/human-eval/HumanEval.jsonl.gz") as file:
        records = [json.loads(line) for line in file][::20]
    for record in records:
        tests = f"{record['test']}\ncheck({record['entry_point']})"
        answer = Answer(texts=[record["canonical_solution"], "    pass\n"], references=[record["prompt"], tests])
        assert [one.passed for one in judged(answer)] == [True, False], record["task_id"]


def test_who_is_not_root_has_cells_too() -> None:
    """Most people run as themselves. Where these tests run as root a Python that others may read is asked as nobody."""
    if os.geteuid() != 0:
        pytest.skip("the tests above ran as somebody")
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python is None or subprocess.run([python, "-P", "-c", ""], capture_output=True).returncode:
        pytest.skip("there is no Python 3.11 that nobody may read")

    def ran(program: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as place:
            Path(place).chmod(0o755)
            asked = {"program": program, "token": "T", "place": place, "limits": asdict(QUICK)}
            os.chown(place, 65534, 65534)
            done = subprocess.run(
                [python, "-S", "-s", "-P", "-c", inspect.getsource(programs.cell)], input=json.dumps(asked), text=True,
                capture_output=True, user=65534, group=65534, extra_groups=[], cwd="/", env={}, timeout=30,
            )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
        if "refused" in found:
            pytest.skip(f"nobody may not have namespaces here: {found['refused']}")
        return found

    honest = "import os\nopen('x', 'w').write('x')\nassert os.getuid() == 65534 and os.listdir('/work') == ['x']"
    assert ran(honest)["passed"]
    for program, said in (
        ("assert False", "AssertionError"),
        ("open('/usr/planted', 'w')", "OSError"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 80), 1)", "OSError"),
        ("import os\nwhile True: os.fork()", "BlockingIOError"),
        ("x = bytearray(10 << 30)", "MemoryError"),
        ("import ctypes\nassert ctypes.CDLL(None).mount(b'none', b'/usr', b'tmpfs', 0, None) == 0", "AssertionError"),
    ):
        found = ran(program)
        assert (found["passed"], found["said"]) == (False, said), program
