"""The file of labels: one line a thing asked, whole after every cut, and one writer at a time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.labels.kept import Kept
from tasks.runtime.errors import Mistake


def key(record):
    return (record["id"],)


def opened(path: Path, told: list[str] | None = None) -> Kept:
    return Kept(path, key, (told if told is not None else []).append)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_are_appended_and_one_that_is_said_again_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    kept = opened(path)
    for n in range(3):
        kept.keep({"id": f"p{n}", "rank": n, "text": "a\nü\ud800"})
    kept.keep({"id": "p1", "rank": 9})
    kept.close()
    assert [(row["id"], row["rank"]) for row in lines(path)] == [("p0", 0), ("p1", 9), ("p2", 2)]
    again = opened(path)
    assert again.said[("p1",)]["rank"] == 9 and list(tmp_path.glob(".*")) == [tmp_path / ".said.jsonl.lock"]
    again.close()
    assert [one.name for one in tmp_path.iterdir()] == ["said.jsonl"]


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 200), count=st.integers(1, 4))
def test_wherever_a_crash_cuts_the_file_whole_lines_stay_and_the_rest_is_told(tmp_path_factory, at, count) -> None:
    path = tmp_path_factory.mktemp("cut") / "said.jsonl"
    kept = opened(path)
    for n in range(count):
        kept.keep({"id": f"p{n}", "text": "ümläut " * 3})
    kept.close()
    data = path.read_bytes()
    path.write_bytes(data[: min(at, len(data))])
    left = path.read_bytes()
    told: list[str] = []
    again = opened(path, told)
    whole = left.count(b"\n") + (left[left.rfind(b"\n") + 1 :] != b"" and not told)
    assert [row["id"] for row in lines(path)] == [f"p{n}" for n in range(whole)] == [about for (about,) in again.said]
    assert bool(told) == (len(path.read_bytes()) < len(left))
    again.keep({"id": "new"})
    again.close()
    assert [row["id"] for row in lines(path)][-1] == "new" and len(lines(path)) == whole + 1


def test_a_line_cut_in_the_middle_is_told_with_its_place_and_what_it_began_with(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id": "b", "ra')
    told: list[str] = []
    opened(path, told).close()
    (sentence,) = told
    assert sentence.startswith(f'{path}:2: the last line was cut in its middle (15 bytes: \'{{"id": "b", "ra\'')
    assert path.read_bytes() == b'{"id": "a"}\n'


def test_a_last_line_that_lost_only_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id": "b"}')
    told: list[str] = []
    kept = opened(path, told)
    assert told == [] and list(kept.said) == [("a",), ("b",)] and path.read_bytes().endswith(b"}\n")
    kept.close()


def test_damage_in_the_middle_and_lines_of_another_kind_stop(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id"\n{"id": "c"}\n')
    with pytest.raises(Mistake, match=r"said.jsonl:2: is not JSON; mend or remove"):
        opened(path)
    path.write_bytes(b'{"id": "a"}\n{"name": "b"}\n')
    with pytest.raises(Mistake, match=r"said.jsonl:2: is another kind of line"):
        opened(path)
    opened_after = Kept(path, lambda record: ("any",), print)  # the lock was given back
    opened_after.close()
    with pytest.raises(Mistake, match="its folder is not there"):
        opened(tmp_path / "absent" / "said.jsonl")


def test_two_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    kept = opened(path)
    code = (
        "import sys; from pathlib import Path; from tasks.labels.kept import Kept; Kept(Path(sys.argv[1]), len, print)"
    )
    root = Path(__file__).parents[2]
    other = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, capture_output=True, text=True)
    assert "another `millrace` writes to" in other.stderr
    kept.close()


def test_a_full_disk_leaves_no_half_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "said.jsonl"
    kept = opened(path)
    kept.keep({"id": "a"})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("tasks.labels.kept.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            kept.keep({"id": "b", "text": "x" * 100})
    assert lines(path) == [{"id": "a"}] and ("b",) not in kept.said
    kept.keep({"id": "b"})
    assert [row["id"] for row in lines(path)] == ["a", "b"]
    kept.close()
