"""Paths of a pipeline: relative to its own folder, with `~` and the environment's variables; URLs as they are."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain import PLAIN, ROOT, read

from conf.load import load
from conf.pipeline import Pipeline
from conf.places import expanded
from conf.sources import Select
from tasks.runtime.errors import Mistake
from tasks.sources.input.matches import match

EVERYWHERE = """\
store: "{0}/store"
cache: {{folder: "{0}/cache"}}
without: "{0}/gone.txt"
sample: {{}}
sources:
  a: {{kind: webtext, submissions: ["{0}/r/*.zst"], pages: "{0}/p/**/*.warc"}}
  b: {{kind: text, files: "{{sample}}/x/*.txt"}}
  c: {{kind: warc, select: {{domains: [a.org], index: "{0}/index/*.parquet"}}, base: "{0}/crawl"}}
  d: {{kind: text, files: "https://host/a.txt"}}
benchmarks:
  quiz: {{files: "{0}/quiz.jsonl", text: [query], train: ["{0}/train.jsonl"], dev: "{0}/dev.jsonl"}}
  words: {{generate: reversed-words, words: "{0}/words.txt"}}
quality: {{raw: [b], classifier: "{0}/q.npz", labels: {{files: "{0}/labels.jsonl"}}}}
harm: {{files: "{0}/harm.jsonl", text: t, label: l}}
tokenizer: {{kind: file, file: ["{0}/vocab.json", "{0}/merges.txt"], vocabulary: 300}}
models:
  small: {{preset: demo}}
  came: {{from: "hf:{0}/gpt2"}}
  more: {{from: small, tokens: 1M}}
evaluate:
  perplexity: {{wiki: {{files: "{0}/wiki.txt"}}}}
  folder: "{0}/tasks"
  exams: ["{0}/law.json"]
  probes:
    occupations: "{0}/o.txt"
    winogender: "{0}/w.tsv"
    crows_pairs: "{0}/c.csv"
    lexicon: "{0}/l.txt"
    toxicity: {{rated: "{0}/t.csv", prompts: "{0}/p.jsonl"}}
  news: {{articles: "{0}/news.jsonl", ratings: "{0}/answers/*.jsonl"}}
"""


def places(value: object) -> list[str]:
    """Every text below a value."""
    if isinstance(value, dict):
        return [text for key in value for text in places(value[key])]
    if isinstance(value, list):
        return [text for item in value for text in places(item)]
    return [value] if isinstance(value, str) else []


def everywhere(folder: Path, data: Path, written: str) -> Pipeline:
    data.mkdir(parents=True, exist_ok=True)
    (data / "gone.txt").write_text("")
    (data / "tasks").mkdir()
    (data / "law.json").write_text("{title: Law, sections: [{kind: choice, weight: 1, task: cloze}]}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mine.yaml"
    text = EVERYWHERE.format(written).replace("exams: ", "tasks: [cloze]\n  exams: ")
    path.write_text(text.replace("  words:", f"  cloze: {{files: '{written}/cloze.jsonl', text: [context]}}\n  words:"))
    return load(path)


@pytest.mark.parametrize(
    "written", [".", "./x", "../x", "~", "~/x", "$HOME/x", "${HOME}/x", "${MINE:-x}", "${MINE}", "{0}"]
)
def test_every_path_is_made_whole_by_one_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MINE", str(tmp_path / "elsewhere"))
    monkeypatch.chdir("/")
    written = written.replace("{0}", str(tmp_path))
    data = project / Path(expanded(written, os.environ))
    p = everywhere(project, data, written)
    found = [text for text in places(p.model_dump(by_alias=True)) if "/" in text and "://" not in text]
    inside = [text for text in found if not text.startswith("{sample}")]
    inside = [text for text in inside if text not in Select().mime]
    assert len(inside) == 29, inside
    for text in inside:
        assert text.removeprefix("hf:").startswith("/"), text
        assert os.path.normpath(text.removeprefix("hf:")).startswith(os.path.normpath(data)), text
    assert p.sources["d"].files == "https://host/a.txt" and p.models["more"].start == "small"
    assert p.store_url() == str((data / "store").resolve()) and p.cache.path() == (data / "cache").resolve()


def test_a_variable_that_is_not_set_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATA", raising=False)
    with pytest.raises(Mistake) as told:
        read(tmp_path, PLAIN.replace("web/*.txt", "'${DATA}/*.txt'").replace("./store", "$DATA"))
    first, second = str(told.value).splitlines()
    assert "mine.yaml:1: store: $DATA: DATA is not set in the environment" in first
    assert "mine.yaml:4: sources.web.files: ${DATA}: DATA is not set" in second and "${DATA:-a/path}" in second
    with pytest.raises(Mistake, match=r"mine.yaml:4: not YAML: .*what holds \$\{\.\.\.\} wants quotes"):
        read(tmp_path, PLAIN.replace("web/*.txt", "${DATA}/*.txt"))
    with pytest.raises(Mistake, match="~nobody-here: there is no such home folder"):
        read(tmp_path, PLAIN.replace("web/*.txt", "~nobody-here/*.txt"))


def test_a_variable_may_hold_a_url_and_none_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE", "s3://bucket/prefix")
    assert read(tmp_path, PLAIN.replace("./store", "${STORE}/mine")).store_url() == "s3://bucket/prefix/mine"
    monkeypatch.setenv("STORE", "s3://me:hunter2@bucket/prefix")
    with pytest.raises(Mistake, match="store: a URL holds a credential") as told:
        read(tmp_path, PLAIN.replace("./store", "$STORE"))
    assert "hunter2" not in str(told.value)
    assert read(tmp_path, PLAIN.replace("web/*.txt", "'https://host/$x/~y/a.txt'")).sources["web"].files == (
        "https://host/$x/~y/a.txt"
    )


def test_millraces_own_pipelines_begin_where_one_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load("demo").store_url() == load(ROOT / "conf/demo.yaml").store_url() == str(tmp_path / "store")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/mine.yaml").write_text((ROOT / "conf/demo.yaml").read_text())
    assert load("conf/mine.yaml").store_url() == str(tmp_path / "conf/store")
    (tmp_path / "conf/mine.yaml").write_text(PLAIN.replace("store: ./store\n", ""))
    assert load("conf/mine.yaml").store_url() == str(tmp_path / "conf/store")  # the default too


@given(st.text("${}:-_ab/~ ", max_size=20))
def test_expansion_leaves_what_is_no_variable(text: str) -> None:
    environment = {"a": "A", "b": "", "ab": "$a"}
    try:
        told = expanded(text.replace("~", "-"), environment)
    except ValueError as error:
        assert "is not set in the environment" in str(error)
        return
    if "$" not in text:
        assert told == text.replace("~", "-")


def test_expansion_of_each_form() -> None:
    environment = {"A": "/x", "B": ""}
    assert expanded("$A/${A}/${C:-d e}/${B:-f}/$B$", environment) == "/x//x/d e/f/$"
    assert expanded("a$1b${", environment) == "a$1b${"


def test_a_folder_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    project = tmp_path / "corpora [2024] *"
    for name in ("web/a.txt", "web/b/c.txt", "other/d.txt"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    p = read(project, PLAIN.replace("web/*.txt", "web/**/*.txt"))
    files = p.sources["web"].files
    assert isinstance(files, str)
    assert [str(path.relative_to(project)) for path in match(files, Path("/"))] == ["web/a.txt", "web/b/c.txt"]
    assert [path.name for path in match(str(project / "[ow]*/[ad].txt"), Path("/"))] == ["d.txt", "a.txt"]
