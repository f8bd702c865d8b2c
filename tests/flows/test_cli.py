"""Exit statuses and sentences of the command line, around a toy DAG; nothing is recorded here."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, Cli, wait_for

HEAVY = {"prefect", "torch", "pyarrow", "numpy", "numba", "sklearn", "pydantic", "yaml", "pyspark", "matplotlib"}
SOURCES = ("web", "books")


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from flows.cli import app
try:
    app(["--help"], prog_name="millrace")
except SystemExit as end:
    print(sorted(sys.modules), end.code)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for command in ("run", "plan", "status", "explain", "verify", "ui"):
        assert command in done.stdout
    modules = done.stdout.splitlines()[-1]
    assert modules.endswith(" 0")
    assert {name for name in HEAVY if f"'{name}'" in modules} == set()


def test_an_unrecorded_run_never_imports_prefect(toy: Cli) -> None:
    code = "import sys, flows_drive\nfrom flows.cli import app\napp(['run', 'toy.yaml'], standalone_mode=False)\n"
    toy.program = ["-c", code + "print('prefect' in sys.modules)"]
    answer = toy()
    assert answer.status == 0, answer
    assert answer.out.splitlines()[-1] == "False"


def test_the_second_run_finds_all_cached_and_a_change_reruns_what_follows(toy: Cli) -> None:
    first = toy("run", "toy.yaml")
    assert first.status == 0, first
    assert "5 stages built, 0 cached" in first.out
    assert "kept 24 of the toys" in first.out, "the report's summary is shown"
    (report,) = toy.folder.glob("store/report/*/report.html")
    assert f"Report: {report}" in first.out
    assert "Not recorded in Prefect" in first.out
    assert "--record" in first.out

    second = toy("run", "toy.yaml")
    assert "0 stages built, 5 cached" in second.out
    assert re.findall(r"^(\w+) +(\w+) +cached$", second.out, re.M) == [
        *((stage, source) for source in SOURCES for stage in ("ingest", "keep")),
        ("report", "report"),
    ]

    text = (toy.folder / "toy.yaml").read_text()
    (toy.folder / "toy.yaml").write_text(text.replace("pareto: 9", "pareto: 3"))
    status = toy("status", "toy.yaml")
    assert re.search(r"keep +web +to do +parameter pareto 9.0 -> 3.0", status.out), status
    assert re.search(r"report +report +to do +input keeps changed", status.out), status
    assert "2 done, 0 partial, 3 to do" in status.out
    plan = toy("plan", "toy.yaml")
    assert "2 of 5 stages cached, 3 to do" in plan.out
    hours = re.search(r"^keep +web +to do.*-> 3.0 .* (\S+) s$", plan.out, re.M)
    assert hours, "an earlier artifact of the stage was measured, so core time is known"
    assert 0 <= float(hours[1]) < 60
    third = toy("run", "toy.yaml")
    assert "3 stages built, 2 cached" in third.out
    assert re.search(r"ingest +web +cached", third.out)


@pytest.mark.parametrize(
    ("how", "status", "sentence"),
    [
        ("mistake", 2, "millrace: stage report of report: the toy's mistake\n"),
        ("failure", 1, "millrace: stage report of report: the toy's failure\n"),
        ("bug", 1, "millrace: unexpected ZeroDivisionError: the toy's bug; --debug shows the traceback\n"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_a_status(toy: Cli, how: str, status: int, sentence: str) -> None:
    answer = toy("run", "toy.yaml", TOY_FAIL=how)
    assert (answer.status, answer.err) == (status, sentence)
    told = toy("run", "toy.yaml", "--debug", TOY_FAIL=how)
    assert told.status == status
    assert "Traceback" in told.err
    assert told.err.endswith(sentence)
    assert toy("run", "toy.yaml").status == 0, "finished work stays, and the next run goes on from it"


@pytest.mark.parametrize("command", ["run", "plan", "status", "verify"])
def test_bad_configuration_never_starts(toy: Cli, command: str) -> None:
    absent = toy(command, "absent.yaml")
    assert absent.status == 2
    assert "absent.yaml cannot be read" in absent.err
    (toy.folder / "toy.yaml").write_text("sources:\n  web: {kind: text, files: x}\ncolour: red\n")
    wrong = toy(command, "toy.yaml")
    assert wrong.status == 2
    assert "toy.yaml:3: colour" in wrong.err
    assert not (toy.folder / "store").exists()
    assert "Traceback" not in absent.err + wrong.err


def test_a_store_that_cannot_be_written_is_a_mistake(toy: Cli) -> None:
    (toy.folder / "store").write_text("a file")
    answer = toy("run", "toy.yaml")
    assert answer.status == 2
    assert "cannot be written" in answer.err


def test_usage_errors_are_status_2(toy: Cli) -> None:
    assert toy("run").status == 2
    assert toy("fly", "toy.yaml").status == 2
    assert toy("run", "toy.yaml", "--workers", "0").status == 2


@pytest.mark.parametrize(
    ("signal_", "status", "word"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_stopped_run_leaves_its_finished_shards_and_no_process(
    toy: Cli, signal_: signal.Signals, status: int, word: str
) -> None:
    process = toy.start("run", "toy.yaml", "--workers", 2, TOY_SLEEP="0.5")
    wait_for(lambda: len(list(toy.folder.glob("store/ingest/web-*/0000?.parquet"))) >= 2)
    process.send_signal(signal_)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert err == f"millrace: stopped by {word}; finished work is kept, and the same command goes on from it\n"
    assert toy.left_behind() == []

    kept = {path: path.stat().st_mtime_ns for path in toy.folder.glob("store/ingest/web-*/0000?.parquet")}
    assert 2 <= len(kept) < 6
    state = toy("status", "toy.yaml")
    assert re.search(rf"ingest +web +partial {len(kept)}/6 +never built", state.out), state
    assert toy("run", "toy.yaml").status == 0
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items()), "finished shards are not made again"


def test_verify_names_the_damaged_file(toy: Cli) -> None:
    assert "5 artifacts are not built" in toy("verify", "toy.yaml").out
    toy("run", "toy.yaml")
    well = toy("verify", "toy.yaml")
    assert well.status == 0, well
    assert "5 artifacts, 38 files" in well.out  # 2 x 6 shards and rejects, 2 x 6 columns, 2 of the report
    path = next(toy.folder.glob("store/keep/web-*/00003.parquet"))
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    hurt = toy("verify", "toy.yaml")
    assert hurt.status == 1
    assert f"{path} has another checksum" in hurt.out
    assert "1 damaged" in hurt.out
    next(toy.folder.glob("store/ingest/books-*/files.parquet")).unlink()
    assert "files.parquet cannot be read" in toy("verify", "toy.yaml").out


def test_verify_sees_a_manifest_of_another_recipe(toy: Cli) -> None:
    toy("run", "toy.yaml")
    path = next(toy.folder.glob("store/keep/web-*/manifest.json"))
    manifest = json.loads(path.read_bytes())
    manifest["parameters"]["pareto"] = 2.0
    path.write_text(json.dumps(manifest))
    assert "another recipe" in toy("verify", "toy.yaml").out
    path.write_text("{")
    broken = toy("verify", "toy.yaml")
    assert broken.status == 1
    assert "is no JSON" in broken.out


def test_explain_finds_ids_pieces_urls_and_rejects(toy: Cli) -> None:
    toy("run", "toy.yaml")
    id = f"web:{5:032x}"
    by_id = toy("explain", "toy.yaml", id)
    assert by_id.status == 0, by_id
    assert "shard 00001, row 1" in by_id.out
    assert "dropped: quality" in by_id.out
    assert toy("explain", "toy.yaml", f"{id}#3").out == by_id.out
    assert toy("explain", "toy.yaml", f"https://example.org/{id}").out == by_id.out
    refused = toy("explain", "toy.yaml", "https://example.org/gone/3")
    assert "web: rejected (status) in a.warc at 7: 404 <https://example.org/gone/3>" in refused.out
    absent = toy("explain", "toy.yaml", f"web:{99:032x}")
    assert absent.status == 2
    assert "no document or reject of web, books" in absent.err


def test_an_address_where_no_server_answers_is_told_of(toy: Cli) -> None:
    answer = toy("run", "toy.yaml", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert answer.status == 0
    assert "no Prefect server answers there" in answer.err
    assert "Not recorded" in answer.out


def test_a_stale_ui_file_is_no_server(toy: Cli, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ui.json").write_text(json.dumps({"url": "http://127.0.0.1:9/api", "pid": 1}))
    answer = toy("run", "toy.yaml", MILLRACE_HOME=str(tmp_path / "other"))
    assert answer.status == 0
    assert "Not recorded" in answer.out
