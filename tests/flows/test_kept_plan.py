"""Planned beside realised: a plan is kept before a run, and stands on the report's page beside what came."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from corpora import workers

from conf.load import load
from flows import page
from flows.kept_plan import kept, place
from tasks.report.timings import Timing, sums, times
from tasks.runtime.job import Silent
from tasks.runtime.run import Run

WORDS = ["harbour", "lantern", "morning", "quiet", "river", "window", "mill", "wheel", "grain", "water", "stone"]


class Told(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, str]:
    """A pipeline of text alone, run to its page."""
    folder, draw = tmp_path_factory.mktemp("planned"), random.Random(1)
    texts = [{"text": " ".join(draw.choice(WORDS) + str(draw.randrange(50)) for _ in range(300))} for _ in range(60)]
    (folder / "a.jsonl").write_text("\n".join(json.dumps(record) for record in texts))
    (folder / "toy.yaml").write_text(
        f"store: {folder}/store\nsources:\n  web: {{kind: jsonl, files: '{folder}/*.jsonl'}}\n"
        "tokenizer: {vocabulary: 300}\n"
    )
    pipeline = load(folder / "toy.yaml")
    run = Run(pipeline.store_url(), workers(1), Told())
    _, where = page.crawl_to_model(run, pipeline)
    return folder, run, where


def test_the_plan_is_kept_beside_the_page(ran: tuple[Path, Any, str]) -> None:
    _, run, where = ran
    planned = kept(run.store, "toy")
    assert Path(where).with_name("toy.plan.json").exists()
    assert set(planned) == {f"{artifact.stage}/{artifact.name}" for artifact in run.artifacts}
    ingest = planned["ingest/web"]
    assert ingest.by == "shipped" and ingest.seconds and ingest.bytes
    assert not [artifact for artifact in run.artifacts if "plan" in " ".join(artifact.files())], "no artifact holds it"


def test_the_page_has_both_and_their_ratio(ran: tuple[Path, Any, str]) -> None:
    _, run, where = ran
    text = Path(where).read_text()
    planned = kept(run.store, "toy")["ingest/web"]
    ingest = next(artifact for artifact in run.artifacts if artifact.stage == "ingest")
    row = re.search(r"<tr><td>ingest</td>.*?</tr>", text, re.S)
    assert row is not None and planned.seconds is not None and planned.bytes is not None
    seconds, size = ingest.trace()["seconds"], sum(each.bytes for each in ingest.files().values())
    assert f"<td>{planned.seconds:.1f}</td><td>{seconds / planned.seconds:.2f}</td>" in row[0]
    assert f"<td>{size / planned.bytes:.2f}</td>" in row[0]
    assert re.search(r"Planned [\d.]+ s for \d+ stages, which took [\d.]+ s: [\d.]+ times", text)


def test_a_cached_run_keeps_what_was_planned(ran: tuple[Path, Any, str]) -> None:
    folder, run, where = ran
    before = run.store.read(place("toy"))
    again = Run(run.store, workers(1), Told())
    page.crawl_to_model(again, load(folder / "toy.yaml"))
    assert run.store.read(place("toy")) == before
    assert "which took" in Path(where).read_text(), "of the run that built the stages"


def test_a_run_that_goes_on_plans_what_is_due(ran: tuple[Path, Any, str]) -> None:
    """What is built keeps its plan; what is due gets one of today, by what was measured meanwhile."""
    folder, run, _ = ran
    before = kept(run.store, "toy")
    (folder / "toy.yaml").write_text((folder / "toy.yaml").read_text() + "validation: 0.2\n")
    again = Run(run.store, workers(1), Told())
    page.crawl_to_model(again, load(folder / "toy.yaml"))
    after = kept(run.store, "toy")
    assert after["ingest/web"] == before["ingest/web"]
    assert after["tokens/web"].by.startswith("web here") and before["tokens/web"].by == "shipped"


@pytest.mark.parametrize(
    "damage", [b"{", b"[]", b'{"version": 99, "stages": {}}', b'{"version": 1, "stages": {"a": {"x": 1}}}']
)
def test_a_damaged_plan_is_none(tmp_path: Path, damage: bytes) -> None:
    run = Run(tmp_path / "store", None)
    assert kept(run.store, "toy") == {}
    (tmp_path / "store" / "reports").mkdir(parents=True)
    (tmp_path / "store" / place("toy")).write_bytes(damage)
    assert kept(run.store, "toy") == {}


def test_sums_count_what_both_are_known_of() -> None:
    rows = [
        Timing("a", "x", "f", False, 3.0, None, planned_seconds=2.0),
        Timing("b", "x", "f", False, 5.0, None),
        Timing("c", "x", "f", False, None, None, planned_seconds=7.0),
        Timing("d", "x", "f", False, 1.0, None, planned_seconds=0.0),
    ]
    assert sums(rows) == (3.0, 2.0, 1)
    assert times(3.0, 2.0) == 1.5 and times(None, 2.0) is None and times(3.0, None) is None and times(1.0, 0.0) is None
