"""docs/commands.md says what the command line takes; mistyped commands are answered by a sentence; Tab offers names."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from commands import ROOT, Cli

from flows import completion
from flows.commands import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it again: python -m flows.commands"
    for option in ("`--set KEY=VALUE`", "`--until STAGE[:NAME]`", "`--to hf\\|gguf`", "`--json`", "`--k, -k NUMBER`"):
        assert option in page()


@pytest.mark.parametrize("command", [(), ("run",), ("verify",), ("gc",)])
def test_help_tells_exit_statuses(millrace: Cli, command: tuple[str, ...]) -> None:
    told = re.sub(r"\s+", " ", millrace(*command, "--help", COLUMNS="100").out)
    assert "Exit status: 0 success; 1 a failure on the way" in told
    assert "2 a mistake in what was asked; 130 Ctrl-C; 143 SIGTERM" in told


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "millrace: give a command: `millrace run demo` builds the demo, .*`millrace init` writes a pipeline"),
        ("run", "run needs CONF, .*`millrace run toy.yaml`.*demo.* come with Millrace; in this folder: toy.yaml\\)"),
        ("rnu toy.yaml", "there is no command rnu; did you mean run\\?"),
        ("fly", "there is no command fly; `millrace --help` lists them"),
        ("toy.yaml", "toy.yaml is no command: `millrace run toy.yaml` builds that pipeline"),
        ("run toy.yaml --worker 2", "run has no option --worker; did you mean --workers\\?"),
        ("run toy.yaml --zzz", "run has no option --zzz; `millrace run --help` lists them"),
        ("run toy.yaml --workers 0", "run: invalid value for '--workers': .*`millrace run --help`"),
        ("sample toy.yaml", "sample needs MODEL; `millrace sample --help`"),
        ("run toy.yaml more", "run: got unexpected extra argument.* \\(more\\); `millrace run --help`"),
    ],
)  # fmt: skip
def test_what_is_mistyped_is_a_sentence_with_its_remedy(toy: Cli, typed: str, said: str) -> None:
    (toy.folder / "prefect.yaml").write_text("deployments: []\n")  # a YAML file that is no pipeline
    answer = toy(*typed.split())
    assert answer.status == 2
    assert re.fullmatch(f"millrace: .*{said.removeprefix('millrace: ')}.*\n", answer.err), answer


def test_status_as_json(toy: Cli) -> None:
    toy("run", "toy.yaml", "--until", "keep:web")
    answer = toy("status", "toy.yaml", "--json")
    assert answer.status == 0 and answer.err == ""
    told = json.loads(answer.out)
    assert told["version"] == 1 and told["store"] == str(toy.folder / "store")
    assert told["counts"] == {"done": 2, "partial": 0, "to do": 3}
    rows = {(row["stage"], row["name"]): row for row in told["stages"]}
    keep = rows["keep", "web"]
    assert keep["state"] == "done" and keep["why"] == "" and keep["bytes"] > 0
    assert Path(keep["folder"]).name == f"web-{keep['fingerprint']}"
    assert rows["keep", "books"] | {"fingerprint": "", "folder": ""} == {
        "stage": "keep", "name": "books", "state": "to do", "why": "never built", "shards": None, "bytes": 0,
        "fingerprint": "", "folder": "",
    }  # fmt: skip
    part = json.loads(toy("status", "toy.yaml", "--json", "--only", "keep").out)
    assert [row["name"] for row in part["stages"]] == ["web", "books"]


def test_verify_as_json_and_its_status(toy: Cli) -> None:
    toy("run", "toy.yaml")
    well = toy("verify", "toy.yaml", "--json")
    assert well.status == 0
    told = json.loads(well.out)
    assert told["version"] == 1 and told["damaged"] == [] and told["not_built"] == 0
    assert told["checked"]["artifacts"] == 5 and told["checked"]["files"] == 50 and told["checked"]["bytes"] > 0
    next(toy.folder.glob("store/keep/web-*/00003.parquet")).write_bytes(b"")
    hurt = toy("verify", "toy.yaml", "--json")
    assert hurt.status == 1 and "millrace repair toy.yaml" in hurt.err
    damaged = json.loads(hurt.out)["damaged"]
    assert [(row["stage"], row["name"], row["files"]) for row in damaged] == [
        ("keep", "web", ["00003.parquet"]),
        ("report", "report", []),
    ]
    assert "has 0 bytes" in damaged[0]["sentences"][0]


def test_tab_offers_pipelines_stages_and_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text("sources: {web: {}}\nmodels: {small: {}, large: {}}\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/other.yml").write_text("x: [")
    (tmp_path / "notes.txt").write_text("")
    assert list(completion.confs("")) == [
        "deep/", "own.yaml", "common-crawl", "demo", "gpt1", "gpt3", "instruct", "ladder", "real",
    ]  # fmt: skip
    assert list(completion.confs("d")) == ["deep/", "demo"]
    assert list(completion.confs("deep/o")) == ["deep/other.yml"]
    assert list(completion.confs("./o")) == ["./own.yaml"]
    assert list(completion.confs("absent/")) == [] and list(completion.confs("[")) == []

    context: typer.Context = SimpleNamespace(params={"conf": Path("own.yaml")})  # type: ignore[assignment]
    assert completion.models(context, "") == ["small", "large"]
    assert completion.stages(context, "pretr") == ["pretrain"]
    assert completion.stages(context, "pretrain:s") == ["pretrain:small"]
    context.params["conf"] = Path("deep/other.yml")
    assert completion.models(context, "") == [], "what is no YAML offers nothing"
    context.params["conf"] = Path("demo")
    assert completion.models(context, "") == ["small"]


def test_tab_knows_the_stages_of_the_reference() -> None:
    told = set(re.findall(r"^## (\S+)$", (ROOT / "docs/stages.md").read_text(), re.M))
    assert told and told <= set(completion.declared())


def test_bash_completes_by_the_installed_script(millrace: Cli) -> None:
    (millrace.folder / "own.yaml").write_text("models: {small: {}}\n")
    script = millrace("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_MILLRACE_COMPLETE" in script.out, script

    def offered(*words: str) -> list[str]:
        line = " ".join(("millrace", *words))
        answer = millrace(COMP_WORDS=line, COMP_CWORD=str(len(words)), _MILLRACE_COMPLETE="complete_bash")
        return answer.out.split()

    assert "run" in offered("ru")
    assert offered("run", "o") == ["own.yaml"]
    assert offered("sample", "own.yaml", "s") == ["small"]
    assert offered("run", "own.yaml", "--until", "survi") == ["survivors"]
    assert os.environ.get("_MILLRACE_COMPLETE") is None
