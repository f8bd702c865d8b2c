"""`millrace init`: what it finds in folders, what it proposes, and that what it proposes loads and runs."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import folders
import pytest
from commands import Cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from conf.load import load
from flows.init import init
from flows.proposed import Machine, written
from tasks.runtime.errors import Mistake
from tasks.sources.input.matches import match
from tasks.sources.sniff.fields import fields_of
from tasks.sources.sniff.folder import Group, look, sniff

QUIET = Console(quiet=True)


def nobody(question: str) -> str:
    raise AssertionError(f"it asks {question!r}")


def proposed(folder: Path, gpu: bool = False, out: str = "own.yaml") -> Path:
    init(QUIET, folder.parent / out, folder, gpu, nobody)
    return folder.parent / out


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "texts"


@pytest.mark.parametrize("kind", folders.KINDS)
@pytest.mark.parametrize("gpu", [False, True])
def test_each_kind_is_told_by_its_bytes_and_its_pipeline_loads(texts: Path, kind: str, gpu: bool) -> None:
    folders.KINDS[kind](texts / "deep")
    pipeline = load(proposed(texts, gpu))
    (source,) = pipeline.sources.values()
    assert source.kind == kind
    found = [path for pattern in _list(source.files) for path in match(pattern, texts.parent)]
    assert sorted(found) == match("**/*", texts)
    assert pipeline.quality is None, "there is nothing good and raw to tell apart"
    if kind == "jsonl":
        assert (source.text, source.id, source.url) == ("body", "doc_id", "meta.link")
    if kind == "parquet":
        assert (source.text, source.id, source.url) == ("content", "id", "url")
    (model,) = pipeline.models.values()
    architecture, training = model.filled(pipeline.tokenizer.vocabulary, 1)
    assert training.tokens and 4096 <= training.tokens <= 600_000, "four epochs of so little text at most"
    assert architecture.width == (256 if gpu else 128)


@pytest.mark.parametrize("text", [2e4, 1e6, 2e7, 1e8, 1e9, 1e10, 1e11, 1e13])
def test_the_model_suits_the_text(texts: Path, text: float) -> None:
    """Of a GPU's: no more than four epochs, no more than 20 tokens for each weight, 1,000 updates where it can be."""
    texts.mkdir()
    group = Group("text", "", None, [texts / "a.txt"], text, ["a.txt"])
    path = texts / "own.yaml"
    path.write_text(written("own", "millrace init", [group], [], "", Machine(gpu=True)))
    pipeline = load(path)
    architecture, training = pipeline.models["small"].filled(pipeline.tokenizer.vocabulary, 1)
    weights = 12 * architecture.layers * architecture.width**2
    assert training.tokens is not None
    assert training.tokens <= max(1 << 17, 4 * text / 4)
    assert training.tokens <= 21 * weights
    assert training.batch <= 4096 or training.tokens / training.batch >= 1000
    assert (training.batch_start or 0) <= training.batch
    path.write_text(written("own", "millrace init", [group], [], "", Machine(gpu=False)))
    on_cpu = load(path).models["small"].filled(4096, 1)[1].tokens
    assert on_cpu is not None and on_cpu <= 600_000


@pytest.mark.parametrize("kind", folders.KINDS)
def test_what_is_commented_out_loads_too(texts: Path, kind: str) -> None:
    """Each line that could be taken in is one: `# keep: {...}`."""
    folders.KINDS[kind](texts / "a")
    folders.texts(texts / "b")
    path = proposed(texts)
    page = path.read_text()
    taken = re.sub(r"^# ((  )?[a-z][a-z0-9-]*: *(\{|#))", r"\1", page, flags=re.M)
    assert taken.count("\n# ") < page.count("\n# ")
    path.write_text(taken)
    pipeline = load(path)
    assert pipeline.keep.heuristics is not None and pipeline.evaluate.tasks and pipeline.mixture.weights
    assert (pipeline.quality is not None) == (kind == "warc")


def test_files_that_are_not_understood_are_told_with_why(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = folders.strange(texts)
    folders.texts(texts / "books")
    groups, strange = look(texts, set())
    assert {one.path.name: one.why for one in strange}.keys() == expected.keys()
    for one in strange:
        assert expected[one.path.name] in one.why
    assert [group.kind for group in groups] == ["text"]
    init(Console(width=200), texts.parent / "own.yaml", texts, False, nobody)
    told = capsys.readouterr().out
    assert "books: text, 60 files, about " in told and "10 files not understood, and read by no source:" in told
    assert "paper.pdf: a PDF file: take the text out of it first" in told


def test_a_folder_without_text_is_a_sentence_and_leaves_no_file(texts: Path) -> None:
    folders.strange(texts)
    with pytest.raises(Mistake, match="holds 0 B of text that can be read"):
        proposed(texts)
    with pytest.raises(Mistake, match="is no folder"):
        proposed(texts / "absent")
    assert list(texts.parent.glob("*.yaml")) == []


def test_nothing_is_written_over(texts: Path) -> None:
    folders.texts(texts)
    path = proposed(texts)
    before = path.read_bytes()
    with pytest.raises(Mistake, match=r"own.yaml is there already"):
        proposed(texts)
    assert path.read_bytes() == before


def test_a_store_and_the_pipeline_itself_are_no_input(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.texts(texts / "books")
    monkeypatch.chdir(texts)
    init(QUIET, Path("own.yaml"), Path(), False, nobody)
    (texts / "store/files").mkdir(parents=True)
    (texts / "store/files/list.json").write_text(json.dumps([{"path": "x" * 99}]) * 99)
    init(QUIET, Path("again.yaml"), Path(), False, nobody)
    assert {name: source.files for name, source in load("again.yaml").sources.items()} == {
        "books": [f"{texts}/books/**/*.txt", f"{texts}/books/**/*.txt.gz"]
    }


def test_records_of_one_ending_and_two_shapes_are_two_sources(texts: Path) -> None:
    texts.mkdir()
    for number in range(3):
        rows = [{"text": folders.prose(number), "id": 1}, {"text": folders.prose(9 + number), "id": 2}]
        (texts / f"a{number}.json").write_text(json.dumps(rows))
        lines = "".join(json.dumps({"body": folders.prose(20 + number + each)}) + "\n" for each in range(9))
        (texts / f"b{number}.json").write_text(lines)
    pipeline = load(proposed(texts))
    assert {source.text: source.files for source in pipeline.sources.values()} == {
        "body": [f"{texts}/b{number}.json" for number in range(3)],
        "text": [f"{texts}/a{number}.json" for number in range(3)],
    }


def test_a_classifier_is_proposed_where_there_is_enough_on_both_sides(texts: Path) -> None:
    folders.warc(texts / "crawl", 40)
    folders.texts(texts / "books", 9)
    path = proposed(texts)
    assert load(path).quality is None and "# quality: {good: [books], raw: [crawl]}" in path.read_text()
    (texts / "crawl/more.warc").write_bytes(folders.made.page(1, folders.prose(1, 90_000).encode()))
    (texts / "books/more.txt").write_text(folders.prose(2, 30_000))
    pipeline = load(proposed(texts, out="larger.yaml"))
    assert pipeline.quality is not None
    assert (pipeline.quality.good, pipeline.quality.raw) == (["books"], ["crawl"])


def test_a_text_file_that_is_no_document_is_told(tmp_path: Path) -> None:
    path = tmp_path / "all.txt.gz"
    path.write_bytes(gzip.compress(b"One line of a very long file.\n" * 4_000_000, 1))
    found = sniff(path)
    assert "this one has about 1" in str(found) and "split -C 1M" in str(found)


@pytest.mark.parametrize(
    ("records", "text", "id", "url"),
    [
        ([{"title": "t" * 30, "text": "w " * 99}], "text", None, None),
        ([{"prompt": "p " * 200, "reply": "r " * 300}], "reply", None, None),
        ([{"text": "s" * 25, "article": "a " * 900}], "article", None, None),
        ([{"a": {"b": {"c": "w " * 99}}, "uuid": str(n)} for n in range(3)], "a.b.c", "uuid", None),
        ([{"content": "w " * 99, "id": 1}, {"content": "w " * 99, "id": 1}], "content", None, None),
        ([{"body": "w " * 99, "src": f"http://a.b/{'x' * 300}"}], "body", None, "src"),
        ([{"words": ["a", "b"], "n": 3}], None, None, None),
    ],
)
def test_fields(records: list[dict[str, Any]], text: str | None, id: str | None, url: str | None) -> None:
    fields, share = fields_of(records)
    assert (fields and (fields.text, fields.id, fields.url)) == (text and (text, id, url))
    assert 0 <= share <= 1


def test_three_questions(millrace: Cli) -> None:
    folders.json_lines(millrace.folder / "my news/feed")
    answers = millrace.folder / "answers"
    answers.write_text("my news\nwrong=1\nfeed.text=headline\n\n2\n")
    millrace.program = ["-c", f"import sys; sys.stdin = open({str(answers)!r}); from flows.cli import main; main()"]
    answer = millrace("init")
    assert answer.status == 0, answer
    assert re.search(r"1\. Where is your text.*that names no source: feed are there", answer.out, re.S)
    pipeline = load(millrace.folder / "my-news.yaml")
    assert pipeline.sources["feed"].text == "headline"
    assert pipeline.models["small"].filled(4096, 1)[0].width == 256, "2: one GPU"
    answers.write_text("")
    unanswered = millrace("init")
    assert unanswered.status == 2 and "give --from FOLDER" in unanswered.err


names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 60)
bodies = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(str.encode),
    st.integers(0, 99).map(lambda number: folders.prose(number, 90).encode()),
    st.dictionaries(st.text(max_size=5), st.text(max_size=50), max_size=4).map(lambda row: json.dumps(row).encode()),
    st.integers(0, 9).map(lambda number: json.dumps({"a~b": folders.prose(number, 90), "id": number}).encode()),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.tuples(st.sampled_from(["", "sub/", "a [1]/", "~x/"]), names), bodies, max_size=8))
def test_any_folder_gives_a_pipeline_that_loads_and_finds_its_files_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, str], bytes]
) -> None:
    base = tmp_path_factory.mktemp("any")
    folder = base / "some folder"
    folder.mkdir()
    for (sub, name), body in files.items():
        (folder / sub).mkdir(exist_ok=True)
        (folder / sub / name).write_bytes(body)
    out = base / "own.yaml"
    try:
        init(QUIET, out, folder, False, nobody)
    except Mistake:
        assert not out.exists()
        return
    groups, strange = look(folder, set())
    pipeline = load(out)
    found = [
        path for source in pipeline.sources.values() for pattern in _list(source.files) for path in match(pattern, base)
    ]
    assert sorted(found) == sorted(path for group in groups for path in group.files)
    assert len(found) + len(strange) == len(match("**/*", folder)), "every file is read, or told of"


@pytest.mark.long
def test_what_is_written_runs_to_its_report_for_every_kind(millrace: Cli) -> None:
    for kind, make in folders.KINDS.items():
        make(millrace.folder / "texts" / kind, 60)
    folders.strange(millrace.folder / "texts/other")
    first = millrace("init", "--from", "texts", "--on", "cpu")
    assert first.status == 0, first
    assert set(load(millrace.folder / "texts.yaml").sources) == set(folders.KINDS)
    answer = millrace("run", "texts.yaml", "--set", "models.small.tokens=8192", timeout=900)
    assert answer.status == 0, answer
    assert (millrace.folder / "store/reports/texts.html").stat().st_size > 10_000
    status = json.loads(millrace("status", "texts.yaml", "--set", "models.small.tokens=8192", "--json").out)
    assert status["counts"]["to do"] == 0
    ingested = {row["name"]: row for row in status["stages"] if row["stage"] == "ingest"}
    for kind in folders.KINDS:
        told = json.loads((Path(ingested[kind]["folder"]) / "manifest.json").read_text())["statistics"]
        assert told["documents"] == 60, (kind, told)


@pytest.mark.long
@pytest.mark.parametrize("files", [1, 3])
def test_a_folder_of_one_or_three_texts_runs_to_its_report(millrace: Cli, files: int) -> None:
    (millrace.folder / "texts").mkdir()
    for number in range(files):
        (millrace.folder / f"texts/{number}.txt").write_text(folders.prose(number, 3000))
    assert millrace("init", "--from", "texts", "--on", "cpu").status == 0
    answer = millrace("run", "texts.yaml", "--set", "models.small.tokens=8192", timeout=900)
    assert answer.status == 0, answer


def _list(files: Any) -> list[str]:
    return [files] if isinstance(files, str) else files
