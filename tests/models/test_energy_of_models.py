"""What a training took, of the trainer's own rows."""

import json
from pathlib import Path

import pytest

from tasks.models.energy import Energy, noted, read


def written(path: Path, rows: list[tuple[float | None, str]]) -> Path:
    path.write_text("".join(json.dumps({"step": 1, "joules": joules, "energy_by": by}) + "\n" for joules, by in rows))
    return path


def test_all_rows_are_added_up(tmp_path: Path) -> None:
    """Steps that a kill undid are there twice, and were paid twice; a training may move to another machine."""
    path = written(tmp_path / "t", [(1.8e6, "nvml"), (1.8e6, "nvml"), (3.6e5, "nameplate")])
    assert read(path) == Energy(1.1, ("nameplate", "nvml"))
    assert noted(read(path)) == {"energy": {"kwh": 1.1, "by": ("nameplate", "nvml")}}
    assert read(path).told == (  # type: ignore[union-attr]
        "1.1 kWh, by nameplate: watts of data sheets times hours and counted by the GPUs, the rest of the machine not"
    )


@pytest.mark.parametrize("rows", [[], [(2.0, "nvml"), (None, "nameplate")]])
def test_what_is_not_known_is_not_told(rows: list[tuple[float | None, str]], tmp_path: Path) -> None:
    assert read(written(tmp_path / "t", rows)) is None and noted(None) == {} and read(tmp_path / "none") is None


def test_rows_of_an_earlier_version_tell_none(tmp_path: Path) -> None:
    (tmp_path / "t").write_text('{"step": 1, "seconds": 2}\n')
    assert read(tmp_path / "t") is None
