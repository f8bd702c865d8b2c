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
    for command in ("run", "plan", "status", "explain", "verify", "repair", "gc", "ui"):
        assert command in done.stdout
    modules = done.stdout.splitlines()[-1]
    assert modules.endswith(" 0")
    assert {name for name in HEAVY if f"'{name}'" in modules} == set()


def test_help_says_how_a_pipeline_is_named(millrace: Cli) -> None:
    answer = millrace("plan", "--help", COLUMNS="200")
    assert "the path of a file, or else the name of one that comes with Millrace, such as demo" in answer.out


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("s4://bucket", "toy.yaml:1: store: .*s4: is none of them"),
        ("s3://key:hunter2@bucket", "toy.yaml:1: store: a URL holds a credential"),
    ],
)
def test_a_store_that_is_none_makes_no_folder(toy: Cli, store: str, said: str) -> None:
    text = (toy.folder / "toy.yaml").read_text()
    (toy.folder / "toy.yaml").write_text(text.replace("./store", store))
    answer = toy("run", "toy.yaml")
    assert answer.status == 2
    assert re.search(said, answer.err), answer
    assert "hunter2" not in answer.out + answer.err
    assert [path.name for path in toy.folder.iterdir()] == ["toy.yaml"]


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
    told = re.findall(r"^(\w+) +(\w+) +cached$", second.out, re.M)
    assert sorted(told) == sorted(
        [*((stage, name) for name in SOURCES for stage in ("ingest", "keep")), ("report",) * 2]
    )
    assert told[-1] == ("report", "report"), "it needs the others"

    text = (toy.folder / "toy.yaml").read_text()
    (toy.folder / "toy.yaml").write_text(text.replace("pareto: 9", "pareto: 3"))
    status = toy("status", "toy.yaml")
    assert re.search(r"keep +web +to do +parameter pareto 9.0 -> 3.0", status.out), status
    assert re.search(r"report +report +to do +input keeps changed", status.out), status
    assert "2 done, 0 partial, 3 to do" in status.out
    plan = toy("plan", "toy.yaml")
    assert "2 of 5 stages cached, 3 to do" in plan.out
    hours = re.search(r"^keep +web +to do.*-> 3.0 .* ~(\S+) s +web here, 24 documents *$", plan.out, re.M)
    assert hours, "an earlier artifact of the stage did as much, so core time is known"
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
    assert "5 artifacts, 50 files" in well.out  # 2 x 6 shards, rejects and origins, 2 x 6 columns, 2 of the report
    path = next(toy.folder.glob("store/keep/web-*/00003.parquet"))
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    hurt = toy("verify", "toy.yaml")
    assert hurt.status == 1
    assert f"{path} has another checksum" in hurt.out
    assert re.search(r"store/report/report-\w+ was made of keep/web-\w+, which is damaged", hurt.out)
    assert "2 damaged" in hurt.out
    assert "`millrace repair toy.yaml`" in hurt.err


@pytest.mark.parametrize("file", ["manifest.json", "files.parquet"])
@pytest.mark.parametrize("how", ["emptied", "edited", "gone"])
def test_a_manifest_or_listing_that_is_not_as_written_is_told_and_refused_and_repaired(
    toy: Cli, file: str, how: str
) -> None:
    toy("run", "toy.yaml")
    before = everything(toy.folder / "store")
    path = next(toy.folder.glob(f"store/keep/web-*/{file}"))
    if how == "edited":
        path.write_bytes(path.read_bytes().replace(b"9.0", b"2.0").replace(b"PAR1", b"PAR2"))
    elif how == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()
    if (file, how) == ("manifest.json", "gone"):  # then it is unfinished work, and no damage
        assert "1 artifacts are not built" in toy("verify", "toy.yaml").out
        assert toy("run", "toy.yaml").status == 0
    else:
        told = toy("verify", "toy.yaml")
        assert told.status == 1 and f"{path} is " in told.out, told
        next(toy.folder.glob("store/report/*/manifest.json")).unlink()  # so that the run reads what it is made of
        refused = toy("run", "toy.yaml")
        assert refused.status == 1 and "millrace repair" in refused.err, refused
        assert toy("repair", "toy.yaml").status == 0
        assert toy("run", "toy.yaml").status == 0
    assert toy("verify", "toy.yaml").status == 0
    assert everything(toy.folder / "store") == before


def test_repair_makes_the_damaged_shards_alone(toy: Cli) -> None:
    toy("run", "toy.yaml")
    before = everything(toy.folder / "store")
    names = ["ingest/web-*/00003.parquet", "ingest/books-*/00001.rejects.parquet", "keep/web-*/00002.parquet"]
    damaged = [next(toy.folder.glob(f"store/{name}")) for name in names]
    for path in damaged[:2]:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
    damaged[2].unlink()
    times = {path: path.stat().st_mtime_ns for path in (toy.folder / "store").rglob("0*.parquet")}
    answer = toy("repair", "toy.yaml")
    assert answer.status == 0, answer
    assert all(f"mended: {path} " in answer.out for path in damaged)
    assert everything(toy.folder / "store") == before
    remade = {path for path in times if path.stat().st_mtime_ns != times[path]}
    mains = {damaged[0], damaged[1].with_name("00001.parquet"), damaged[1]}
    assert remade == mains, "of a shard whose rejects are damaged, both files; all other shards are as they were"
    assert toy("verify", "toy.yaml").status == 0
    assert "0 faults mended" in toy("repair", "toy.yaml").out


def test_gc_finds_what_no_pipeline_reaches_and_deletes_nothing_else(toy: Cli) -> None:
    toy("run", "toy.yaml")
    other = toy.folder / "other.yaml"
    other.write_text((toy.folder / "toy.yaml").read_text().replace("pareto: 9", "pareto: 3"))
    toy("run", "other.yaml")
    reached = everything(toy.folder / "store")
    assert "0 artifacts, 0 B" in toy("gc", "toy.yaml", "other.yaml").out
    listed = toy("gc", "toy.yaml")
    assert re.search(r"keep +web-\w+ +10 ", listed.out), listed
    assert "3 artifacts" in listed.out and "--delete" in listed.out
    assert everything(toy.folder / "store") == reached, "without --delete nothing is deleted"
    assert toy("gc", "--delete", "toy.yaml").status == 0
    assert "0 stages built, 5 cached" in toy("run", "toy.yaml").out
    assert toy("verify", "toy.yaml").status == 0
    assert "0 artifacts, 0 B" in toy("gc", "toy.yaml").out
    assert "3 stages built, 2 cached" in toy("run", "other.yaml").out
    assert everything(toy.folder / "store") == reached


def test_gc_takes_pipelines_of_one_store(toy: Cli) -> None:
    elsewhere = toy.folder / "elsewhere.yaml"
    elsewhere.write_text((toy.folder / "toy.yaml").read_text().replace("./store", "./other"))
    answer = toy("gc", "toy.yaml", "elsewhere.yaml")
    assert answer.status == 2 and "different stores" in answer.err


def everything(store: Path) -> dict[str, bytes]:
    """Every file of a store but traces and pages, which tell of a run, by its name."""
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file() and not path.name.startswith("run.") and path.parent.name != "reports"
    }


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
