"""`--until`, `--only` and `--set` through the command line's door, around a toy DAG, and the parts of the real one."""

import re
import sqlite3
from pathlib import Path

import pytest
from commands import Cli

from conf.load import load
from flows import dag
from flows.part import asked_of, chosen
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run


def test_until_builds_a_stage_and_what_it_needs_and_says_what_is_left(toy: Cli) -> None:
    (toy.folder / "web").mkdir()  # and no books: only the part that is built may need its files
    first = toy("run", "toy.yaml", "--until", "keep:web")
    assert first.status == 0, first
    assert "2 stages built, 0 cached; 3 left to do (ingest, keep, report)" in first.out
    assert "Report:" not in first.out
    assert sorted(path.parent.parent.name for path in toy.folder.glob("store/*/*/manifest.json")) == ["ingest", "keep"]

    status = toy("status", "toy.yaml", "--until", "keep")
    assert "2 done, 0 partial, 2 to do" in status.out, status
    assert "report" not in status.out
    plan = toy("plan", "toy.yaml", "--only", "report")
    assert "0 of 1 stages cached, 1 to do" in plan.out, plan

    stage = toy("run", "toy.yaml", "--until", "keep")
    assert "2 stages built, 2 cached; 1 left to do (report)" in stage.out
    whole = toy("run", "toy.yaml", "--until", "report")
    assert "1 stages built, 4 cached\n" in whole.out and "Report:" in whole.out


def test_only_builds_one_stage_or_names_what_it_lacks(toy: Cli) -> None:
    lacking = toy("run", "toy.yaml", "--only", "keep")
    assert lacking.status == 2
    assert lacking.err == (
        "millrace: --only keep:web needs ingest of web, not built yet: --until keep:web builds what is missing too\n"
    )
    assert not (toy.folder / "store").exists()
    assert "1 stages built, 0 cached; 4 left" in toy("run", "toy.yaml", "--only", "ingest:web").out
    assert "1 stages built, 0 cached; 3 left" in toy("run", "toy.yaml", "--only", "keep:web").out
    assert toy("run", "toy.yaml", "--only", "keep").status == 2, "books have no documents yet"
    again = toy("run", "toy.yaml", "--only", "keep:web")
    assert again.status == 0 and "0 stages built, 1 cached" in again.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--until", "kep"), "--until kep: the DAG has no stage kep; did you mean keep?"),
        (("--until", "x"), "--until x: the DAG has no stage x (there are ingest, keep, report)"),
        (("--only", "keep:wb"), "--only keep:wb: the stage keep is not made of wb; did you mean web?"),
        (("--only", "keep:"), "--only keep:: the stage keep is not made of no name (there are web, books)"),
        (("--only", "keep", "--until", "keep"), "--until and --only: give one of the two"),
    ],
)
@pytest.mark.parametrize("command", ["run", "status", "plan"])
def test_a_part_that_is_none_is_a_sentence(toy: Cli, command: str, options: tuple[str, ...], said: str) -> None:
    answer = toy(command, "toy.yaml", *options)
    assert (answer.status, answer.err) == (2, f"millrace: {said}\n")
    assert not (toy.folder / "store").exists()


def test_set_is_in_the_fingerprint_like_the_files_and_shares_the_store(toy: Cli) -> None:
    toy("run", "toy.yaml")
    changed = toy("run", "toy.yaml", "--set", "quality.keep.pareto=3")
    assert "3 stages built, 2 cached" in changed.out, changed
    (toy.folder / "other.yaml").write_text((toy.folder / "toy.yaml").read_text().replace("pareto: 9", "pareto: 3"))
    assert "0 stages built, 5 cached" in toy("run", "other.yaml").out
    assert "0 stages built, 5 cached" in toy("run", "toy.yaml").out
    status = toy("status", "toy.yaml", "--set", "quality.keep.pareto=2")
    assert re.search(r"keep +web +to do +parameter pareto \S+ -> 2.0", status.out), status
    wrong = toy("verify", "toy.yaml", "--set", "quality.keep.paretto=2")
    assert wrong.status == 2
    assert wrong.err.startswith("millrace: --set quality.keep.paretto: quality.keep.paretto is no key here")


def test_a_sentence_that_shows_a_command_repeats_what_was_set(toy: Cli) -> None:
    toy("run", "toy.yaml", "--set", "seed=3")
    path = next(toy.folder.glob("store/keep/web-*/00003.parquet"))
    path.write_bytes(b"")
    hurt = toy("verify", "toy.yaml", "--set", "seed=3")
    assert hurt.status == 1 and "`millrace repair toy.yaml --set seed=3`" in hurt.err, hurt
    assert toy("repair", "toy.yaml", "--set", "seed=3").status == 0
    assert toy("verify", "toy.yaml", "--set", "seed=3").status == 0


@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_a_recorded_run_carries_settings_and_part_as_parameters(toy: Cli) -> None:
    answer = toy("run", "toy.yaml", "--record", "--set", "quality.keep.pareto=3", "--until", "keep:web")
    assert answer.status == 0, answer
    assert "2 stages built, 0 cached; 3 left to do (ingest, keep, report)" in answer.out
    assert "Report:" not in answer.out
    with sqlite3.connect(f"file:{toy.home}/prefect/prefect.db?mode=ro", uri=True) as database:
        (row,) = database.execute(
            "select json_extract(parameters, '$.settings'), json_extract(parameters, '$.until'), state_name "
            "from flow_run where parent_task_run_id is null order by start_time desc limit 1"
        ).fetchall()
    assert row == ('{"quality.keep.pareto":3}', "keep:web", "Completed")
    alone = toy("run", "toy.yaml", "--set", "quality.keep.pareto=3", "--until", "keep:web")
    assert "0 stages built, 2 cached" in alone.out, "what was recorded is what was set"


def test_a_flow_knows_its_own_stages_alone(tmp_path: Path) -> None:
    pipeline = load("demo", {"store": str(tmp_path / "store")})
    run = Run(pipeline.store_url(), None)
    dag.build_corpus(run, pipeline)
    with pytest.raises(Mistake, match="the DAG has no stage pretrain"):
        chosen(run, "pretrain", None)


def test_parts_of_the_demo_hold_what_they_need_and_no_more(tmp_path: Path) -> None:
    pipeline = load("demo", {"store": str(tmp_path / "store")})
    run = Run(pipeline.store_url(), None)
    dag.crawl_to_model(run, pipeline)

    def stages(until: str | None, only: str | None = None) -> set[str]:
        part = chosen(run, until, only)
        assert part is not None
        return {stage for stage, _ in part.wanted}

    assert stages("ingest:crawl") == {"sample", "ingest"}
    assert stages(None, "survivors") == {"survivors"}
    assert stages("keep:crawl") == {"sample", "ingest", "classifier", "score", "keep"}
    assert "pretrain" not in stages("mixture") and "tokens" in stages("mixture")
    assert {artifact.stage for artifact in run.artifacts} == stages("report")
    named = chosen(run, "pretrain:small", None)
    assert named is not None and ("pretrain", "small") in named.wanted
    assert not any(stage in ("answers", "scores", "report") for stage, _ in named.wanted)


def test_a_part_needs_the_files_of_its_own_sources_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other sources' files may be absent, are not frozen, and a stage alone reads no more than its own measure."""
    (tmp_path / "web").mkdir()
    for number in range(3):
        (tmp_path / f"web/{number}.txt").write_text(f"the {number} dogs bark at night, and no one hears them. " * 9)
    conf = tmp_path / "own.yaml"
    conf.write_text("""\
sources:
  books: {kind: text, files: "books/*.txt"}
  web: {kind: text, files: "web/*.txt"}
benchmarks: {two-digit-addition: {generate: two-digit-addition, items: 9}}
""")
    monkeypatch.chdir(tmp_path)
    pipeline = load(conf)

    def run(until: str | None, only: str | None = None) -> tuple[Run, list[str]]:
        part = asked_of(pipeline, dag.build_corpus, until, only)
        run = Run(pipeline.store_url(), LocalEngine(1), part=part)
        try:
            dag.build_corpus(run, pipeline)
        finally:
            run.close()
        return run, sorted(f"{one.stage}:{one.name}" for one in run.artifacts if one.built)

    assert run("ingest:web")[1] == ["ingest:web"]
    assert [path.name.partition("-")[0] for path in (tmp_path / "store/files").glob("*-*.json")] == ["web"]
    alone, built = run(None, "signatures:web")
    assert built == ["ingest:web", "signatures:web"]
    hits = next(one for one in alone.artifacts if (one.stage, one.name) == ("hits", "web"))
    assert list(hits.store.list(hits.label)) == [], "hits would share the reading, and nobody asked for them"
    with pytest.raises(Mistake, match=r"--only survivors:web needs .*signatures of books"):
        run(None, "survivors:web")
    (tmp_path / "books").mkdir()
    (tmp_path / "books/a.txt").write_text("Of whales, and of the men who hunt them over all seas. " * 9)
    _, built = run("cuts")
    whole = Run(pipeline.store_url(), LocalEngine(1))
    dag.build_corpus(whole, pipeline)
    whole.close()

    def label(artifact: Artifact) -> str:
        return f"{artifact.stage}:{artifact.name}"

    assert set(built) == {label(one) for one in whole.artifacts if one.stage not in ("recall", "index")}, (
        "these are read by nobody"
    )
