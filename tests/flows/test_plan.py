"""`millrace plan` invents nothing: what its figures are, by hand arithmetic, and whose they are."""

import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conf.load import load
from conf.pipeline import Pipeline
from flows.budget import Asked, Plan, Row, make
from flows.cli import followed
from flows.devices import DEVICES
from flows.plan import as_json, show
from flows.ratios import KEPT_BY_PARETO, SURVIVE, TYPICAL, token_bytes
from flows.shipped import SHIPPED
from tasks.runtime.artifact import RUN, Artifact, File, seal
from tasks.runtime.errors import Mistake
from tasks.runtime.fingerprint import digest
from tasks.runtime.store import open_store, write

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to stand in, and no network whatever."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(pipeline: Pipeline, **asked: Any) -> Plan:
    return make(followed(pipeline), pipeline, Asked(**asked))


def row(plan: Plan, key: str) -> Row:
    return next(row for row in plan.rows if row.key == key)


def shown(pipeline: Pipeline, plan: Plan, each: bool = False) -> str:
    out = io.StringIO()
    show(Console(file=out, width=240), pipeline, plan, each)
    return out.getvalue()


def built(store: Path, recipe: dict[str, Any], statistics: dict[str, Any], seconds: float, size: int = 1000) -> str:
    """An artifact as a run of one worker leaves it."""
    recipe = {"libraries": {}, "code": {}, "format": 1, **recipe}
    artifact = Artifact(recipe["stage"], recipe["name"], digest(recipe), open_store(str(store)), recipe)
    write(artifact.store, artifact.name_of(RUN), json.dumps({"seconds": seconds, "workers": 1}).encode())
    seal(artifact, [File("a.parquet", 1, size, "0" * 64)], statistics, {})
    return artifact.label


def test_gpt3_by_hand(offline: Path) -> None:
    """Table D.1 of the paper: 3.14e23 FLOPs of 6ND; ours counts attention and the output matrix, 3.19e23."""
    pipeline = load(ROOT / "conf/gpt3.yaml")
    plan = planned(pipeline, gpu="a100", mfu=0.3, price_gpu_hour=2.0)
    largest = row(plan, "pretrain/175b")
    # 6 x (96 layers x 12 x 12,288^2 + 50,257 x 12,288) and 12 x 12,288 x (48 x 2,048 dense + 48 x 256 banded) a token
    of_token = 6 * (96 * 12 * 12288**2 + 50257 * 12288) + 12 * 12288 * (48 * 2048 + 48 * 256)
    flops = of_token * 300e9
    assert largest.work.amount == pytest.approx(flops, rel=1e-6) and flops == pytest.approx(3.14e23, rel=0.02)
    assert largest.gpu_hours == pytest.approx(flops / (312e12 * 0.3) / 3600, rel=1e-6)
    assert largest.price == pytest.approx(2.0 * flops / (312e12 * 0.3) / 3600, rel=1e-6)
    assert largest.time is None
    # 16 bytes a parameter, and activations: some 45 GPUs of 80 GB
    assert largest.memory is not None and largest.memory > 16 * 174_604_259_328
    # GPT-3's own law at its own compute; figure 3.1 has the largest model near 1.73
    assert largest.loss is not None and largest.loss.value == pytest.approx(1.73, abs=0.01)
    assert f"{flops:.2e} FLOPs" in shown(pipeline, plan)


def test_sizes_flow_from_what_is_expected(offline: Path) -> None:
    pipeline = load(ROOT / "conf/gpt3.yaml")
    plan = planned(pipeline)
    crawls = [row(plan, f"ingest/{name}") for name in pipeline.sources if name.startswith("cc-")]
    assert len(crawls) == 41
    assert sum(each.reads or 0 for each in crawls) == pytest.approx(45e12)
    text = 45e12 / 41 * TYPICAL["wet"].text
    assert crawls[0].holds.text == pytest.approx(text)
    assert crawls[0].holds.documents == pytest.approx(text / TYPICAL["wet"].document)
    # 570 GB stay: quality keeps what deduplication then leaves 90 % of
    assert row(plan, "keep/cc-2016-07").holds.text == pytest.approx(570e9 / 41 / SURVIVE)
    assert row(plan, "survivors/cc-2016-07").holds.text == pytest.approx(570e9 / 41)
    assert sum(row(plan, f"tokens/{name}").holds.tokens or 0 for name in pipeline.sources) == pytest.approx(499e9)
    # backwards: 12 billion tokens of books, before 10 % are found to be copies
    books = row(plan, "ingest/books1").holds
    assert books.text == pytest.approx(12e9 * token_bytes(50257) / SURVIVE) and books.estimated
    assert row(plan, "tokens/books1").holds.disk == pytest.approx(2 * 12e9)


def test_no_network_and_each_stage_once(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """45 sources: the work grows with the stages, and nothing is listed for each of them again."""
    from tasks.runtime import local_store

    listings: list[str] = []
    listed = local_store.LocalStore.list

    def counting(self: Any, prefix: str) -> Any:
        listings.append(prefix)
        return listed(self, prefix)

    monkeypatch.setattr(local_store.LocalStore, "list", counting)
    pipeline = load(ROOT / "conf/gpt3.yaml")
    run = followed(pipeline)
    plan = make(run, pipeline)
    assert len(plan.rows) == len(run.artifacts) > 450
    by_artifact = [prefix for prefix in listings if "/" in prefix]
    by_stage = [prefix for prefix in listings if "/" not in prefix]
    assert len(by_artifact) <= len(plan.rows) and len(by_stage) == len(set(by_stage))
    lines = shown(pipeline, plan).splitlines()
    assert len(lines) < 100, "41 crawls share a line a stage"
    assert sum(line.startswith("ingest ") for line in shown(pipeline, plan, each=True).splitlines()) == 45


def test_a_demos_artifacts_say_nothing_of_a_corpus(offline: Path) -> None:
    """Of the same stages and names, a millionth of the size."""
    pipeline = load(ROOT / "conf/gpt3.yaml")
    empty = as_json(planned(pipeline))
    store = offline / "store"
    for name in ("webtext2", "books1", "wikipedia", "cc-2019-35"):
        kind = {"wikipedia": "mediawiki", "books1": "jsonl"}.get(name, "warc")
        told = {"bytes": 9_000_000, "documents": 900, "text_bytes": 30_000_000, "records": {"conversion": 900}}
        documents = built(
            store, {"stage": "ingest", "name": name, "parameters": {"kind": kind}, "inputs": {}}, told, 7.0
        )
        for stage in ("hits", "signatures", "score"):
            recipe = {"stage": stage, "name": name, "parameters": {}, "inputs": {"documents": documents}}
            built(store, recipe, {"documents": 900}, 5.0)
        decided = {"documents": 900, "bytes": 30_000_000, "kept": 9, "kept_bytes": 300_000}
        for stage in ("keep", "survivors", "cuts"):
            recipe = next(r.artifact.recipe for r in planned(pipeline).rows if r.key == f"{stage}/{name}")
            recipe = {
                "stage": stage,
                "name": name,
                "parameters": recipe["parameters"],
                "inputs": {"documents": documents},
            }
            built(store, recipe, decided, 3.0)
    for name in ("small", "175b"):
        recipe = row(planned(pipeline), f"pretrain/{name}").artifact.recipe
        training = {**recipe["parameters"]["training"], "tokens": 600_064}
        parameters = {**recipe["parameters"], "training": training}
        built(store, {"stage": "pretrain", "name": name, "parameters": parameters, "inputs": {}}, {}, 100.0)
    pipeline = load(ROOT / "conf/gpt3.yaml")
    beside = as_json(planned(pipeline))

    def figures(told: dict[str, Any]) -> dict[str, Any]:
        rows = {f"{each['stage']}/{each['name']}": each for each in told["stages"]}
        left_out = ("why", "state", "fingerprint")  # why a stage is due names what is in the store
        return {key: {of: each[of] for of in each if of not in left_out} for key, each in rows.items()}

    assert figures(beside) == figures(empty) and beside["total"] == empty["total"]
    assert not any(" here" in (each["pace"] or "") for each in beside["stages"])


def test_comparable_work_here_stands_before_what_is_shipped(offline: Path) -> None:
    (offline / "p.yaml").write_text("sources:\n  web: {kind: text, files: '*.txt'}\n")
    (offline / "a.txt").write_text("word " * 20_000)
    pipeline = load(offline / "p.yaml")
    assert (found := row(planned(pipeline), "ingest/web").time) is not None and found.source == "shipped"
    told = {"bytes": 50_000, "documents": 1, "text_bytes": 50_000}
    recipe = {"stage": "ingest", "name": "other", "parameters": {"kind": "text"}, "inputs": {}}
    built(offline / "store", recipe, told, 3.0)
    plan = planned(pipeline)
    time = row(plan, "ingest/web").time
    assert time is not None and time.seconds == pytest.approx(3.0 * 100_000 / 50_000)
    assert time.source == "other here, 50,000 bytes of text"
    recipe = {**recipe, "parameters": {"kind": "jsonl"}, "name": "web"}
    built(offline / "store", recipe, told, 50.0)
    again = row(planned(pipeline), "ingest/web").time
    assert again is not None and again.source == time.source, "another kind of input has another pace"


def test_what_is_not_known_is_a_dash_and_told(offline: Path) -> None:
    (offline / "p.yaml").write_text("sources:\n  web: {kind: jsonl, files: 'absent/*.jsonl'}\n")
    pipeline = load(offline / "p.yaml")
    plan = planned(pipeline)
    ingest = row(plan, "ingest/web")
    assert (ingest.reads, ingest.time, ingest.holds.text) == (None, None, None)
    assert ingest in plan.unknown
    told = shown(pipeline, plan)
    assert f"not in these totals: {len(plan.unknown)} stages of which nothing is known here (ingest" in told
    line = next(line for line in told.splitlines() if line.startswith("ingest"))
    assert line.split()[-4:].count("-") >= 3
    assert as_json(plan)["total"]["not_known"][0] == "ingest/web"


def test_a_crawl_that_nobody_sized_is_taken_by_the_file(offline: Path) -> None:
    (offline / "p.yaml").write_text("sources:\n  cc: {kind: warc, crawl: CC-MAIN-2019-35, files: 10}\n")
    pipeline = load(offline / "p.yaml")
    holds = row(planned(pipeline), "ingest/cc").holds
    assert holds.input == pytest.approx(10 * 59.86 * 2**40 / 64_000)
    assert "Common Crawl's files of February 2019" in shown(pipeline, planned(pipeline))
    asked = row(planned(pipeline, sizes={"cc": 5e9}), "ingest/cc").holds
    assert asked.input == 5e9 and asked.by[0] == "asked of the server"


def test_prices(offline: Path) -> None:
    text = "sources:\n  web: {kind: text, files: '*.txt', expect: 100 GB}\nrates: {core_hour: 0.05, currency: EUR}\n"
    (offline / "p.yaml").write_text(text)
    pipeline = load(offline / "p.yaml")
    plan = planned(pipeline)
    assert plan.priced and plan.price == pytest.approx(0.05 * plan.core_hours) and plan.core_hours > 0
    assert "EUR, at 0.05 a core hour" in shown(pipeline, plan)
    dearer = planned(pipeline, price_core_hour=0.5)
    assert dearer.price == pytest.approx(10 * plan.price)
    assert as_json(dearer)["total"]["price"] == pytest.approx(dearer.price)


def test_on_what_a_model_is_reckoned(offline: Path) -> None:
    """On cores if it is small or conf says so; on a GPU if that is asked for, or it is too much for cores."""
    (offline / "a.txt").write_text("word " * 20_000)
    models = "  small: {preset: demo}\n  here: {preset: demo, device: cpu}\n  large: {preset: gpt3-small}\n"
    (offline / "p.yaml").write_text("sources:\n  web: {kind: text, files: '*.txt'}\nmodels:\n" + models)
    pipeline = load(offline / "p.yaml")
    plan, asked = planned(pipeline), planned(pipeline, gpu="l40s", mfu=0.5)
    assert row(plan, "pretrain/small").gpu_hours is None and row(plan, "pretrain/small").time is not None
    assert row(plan, "pretrain/large").gpu_hours and row(plan, "pretrain/large").time is None
    small = row(asked, "pretrain/small")
    assert small.gpu_hours == pytest.approx((small.work.amount or 0) / (DEVICES["l40s"].peak * 0.5) / 3600)
    assert row(asked, "pretrain/here").gpu_hours is None
    with pytest.raises(Mistake, match="--gpu abacus: not a GPU that is known here"):
        planned(pipeline, gpu="abacus")


def test_json_is_json_and_nothing_else(offline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    from flows.cli import app

    (offline / "p.yaml").write_text("sources:\n  web: {kind: text, files: '*.txt', expect: 1 GB}\n")
    answer = CliRunner().invoke(app, ["plan", "p.yaml", "--json", "--gpu", "h100"])
    assert answer.exit_code == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["version"] == 1 and told["gpu"]["name"] == "h100"
    assert {each["stage"] for each in told["stages"]} >= {"ingest", "keep", "survivors", "tokens"}
    assert told["total"]["to_do"] == len(told["stages"])


def test_the_shipped_figures_are_whole() -> None:
    assert 0 < KEPT_BY_PARETO < 0.05
    for (stage, way), figures in SHIPPED.items():
        assert figures.start >= 0 and figures.rate >= 0 and (figures.rate or figures.start), (stage, way)
        assert figures.memory is None or 1e7 < figures.memory < 1e11, (stage, way)


def test_what_this_store_counted_stands_before_what_is_typical(offline: Path) -> None:
    """Text a byte, and the share kept by the same rules: of the same name, and of a tenth of the size or more."""
    (offline / "p.yaml").write_text(
        "sources:\n  web: {kind: jsonl, files: 'gone/*.jsonl', expect: 1 MB, keep: {heuristics: {preset: [gopher]}}}\n"
    )
    pipeline = load(offline / "p.yaml")
    typical = row(planned(pipeline), "keep/web")
    assert typical.holds.text == pytest.approx(1e6)
    assert any("an upper bound" in by for by in typical.holds.by)
    store, recipe = offline / "store", {"stage": "ingest", "name": "web", "parameters": {"kind": "jsonl"}, "inputs": {}}
    documents = built(store, recipe, {"bytes": 200_000, "documents": 50, "text_bytes": 100_000}, 1.0)
    parameters = typical.artifact.recipe["parameters"]
    decided = {"documents": 50, "bytes": 100_000, "kept": 20, "kept_bytes": 25_000}
    keep = {"stage": "keep", "name": "web", "parameters": parameters, "inputs": {"documents": documents}}
    built(store, keep, decided, 1.0)
    plan = planned(pipeline)
    assert row(plan, "ingest/web").holds.text == pytest.approx(0.5e6)
    assert row(plan, "ingest/web").holds.documents == pytest.approx(250)
    kept = row(plan, "keep/web").holds
    assert kept.text == pytest.approx(0.125e6) and kept.by[-2:] == ("web as built here", "keep of web as built here")
    text = (offline / "p.yaml").read_text().replace("1 MB", "1 GB")  # a five-thousandth is no tenth
    (offline / "p.yaml").write_text(text)
    larger = load(offline / "p.yaml")
    assert row(planned(larger), "keep/web").holds.text == pytest.approx(1e9)


def test_a_ladders_own_prediction_stands_before_the_papers_law(offline: Path) -> None:
    pipeline = load(ROOT / "conf/ladder.yaml")
    run = followed(pipeline)
    assert row(make(run, pipeline), "pretrain/large").loss is None, "another vocabulary than the paper's has no law"
    foretold = next(artifact for artifact in run.artifacts if artifact.stage == "prediction")
    seal(foretold, [], {"loss": 4.5, "low": 4.4, "high": 4.7, "runs": 10}, {})
    plan = make(followed(pipeline), pipeline)
    loss = row(plan, "pretrain/large").loss
    assert loss is not None and (loss.value, loss.low, loss.high) == (4.5, 4.4, 4.7)
    assert "large: a loss of 4.500 (4.400 to 4.700) nats a token by this ladder's law on 10 runs" in shown(
        pipeline, plan
    )
