"""`millrace label` and `compare --prompts` as commands: address, page's end, files gone on with, tables, mistakes."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from commands import Cli
from test_models import publish, write_tokenizer
from tokenizers import Tokenizer as Library

from flows.compare_prompts import read, roles_of
from model.tokenizer import Tokenizer
from tasks.runtime.errors import Mistake
from tasks.runtime.visible import visible


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def prompts(folder: Path) -> Path:
    return write(folder / "prompts.jsonl", [{"id": f"p{n}", "prompt": "?", "answers": ["a", "b"]} for n in range(3)])


class Page:
    """A command whose page is asked as a browser would."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"Page: (http://127\.0\.0\.1:\d+/[\w-]+/)", first)
        assert found, (first, process.communicate(timeout=60))
        self.address = found[1]

    def ask(self, door: str, **said: Any) -> dict[str, Any]:
        body = json.dumps(said).encode()
        with urlopen(Request(self.address + door, body, {"Content-Type": "application/json"}), timeout=30) as answer:
            got: dict[str, Any] = json.load(answer)
            return got

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


FLAGS = (
    "fails_instruction inappropriate hallucination satisfies_constraint sexual violent encourages_harm denigrates "
    "harmful_advice opinion moral_judgment"
)


def say(page: Page, n: int, ranks: list[int]) -> dict[str, Any]:
    flags = {name: [False, False] for name in FLAGS.split()}
    return page.ask("say", n=n, ranks=ranks, likert=[None, 5], flags=flags)


def test_labels_are_kept_gone_on_with_after_a_kill_and_agreement_is_told(millrace: Cli) -> None:
    asked = prompts(millrace.folder)
    page = Page(millrace.start("label", asked, "--labeler", "Ann B"))
    assert say(page, 0, [1, 2]) == {"next": 1, "done": 1}
    page.process.send_signal(signal.SIGKILL)
    page.process.communicate()
    kept = millrace.folder / "prompts-Ann-B.jsonl"
    with kept.open("ab") as file:
        file.write(b'{"id": "p1", "prom')
    page = Page(millrace.start("label", asked, "--labeler", "Ann B"))
    assert page.ask("item")["n"] == 1
    say(page, 1, [2, 1])
    say(page, 2, [1, 1])
    page.ask("finish")
    status, out, err = page.end()
    assert status == 0 and "3 of 3 prompts are labelled" in out
    assert f"millrace: {kept}:2: the last line was cut in its middle" in err
    assert [(row["id"], row["labeler"], row["judge"]) for row in lines(kept)] == [
        (f"p{n}", "Ann B", "human") for n in range(3)
    ]
    machine = [row | {"labeler": "rules", "judge": "machine"} for row in lines(kept)]
    write(millrace.folder / "rules.jsonl", machine)
    answer = millrace("label", "--agreement", kept, "rules.jsonl")
    assert answer.status == 0 and re.search(r"Ann B, rules \(machine\) +3 +3 +2 +100.0% ", answer.out)
    assert "No two people ranked the same: this is agreement with machines." in answer.out and "72.6" not in answer.out
    write(millrace.folder / "odd.jsonl", [row | {"labeler": "[red]o\x1b[31m"} for row in machine])
    assert "Ann B, [red]o\\x1b[31m (machine)" in millrace("label", "--agreement", kept, "odd.jsonl").out
    write(millrace.folder / "bob.jsonl", [row | {"labeler": "bob"} for row in lines(kept)])
    answer = millrace("label", "--agreement", kept, "bob.jsonl", "rules.jsonl")
    assert re.search(r"Ann B, bob +3 +3 +2 +100.0% ", answer.out) and "72.6 +- 1.5 %" in answer.out


def test_ctrl_c_ends_the_page_well(millrace: Cli) -> None:
    page = Page(millrace.start("label", prompts(millrace.folder), "--labeler", "ann"))
    say(page, 0, [1, 2])
    page.process.send_signal(signal.SIGINT)
    status, out, _ = page.end()
    assert status == 0 and "1 of 3 prompts are labelled" in out


def test_mistakes_are_sentences(millrace: Cli) -> None:
    asked = prompts(millrace.folder)
    for arguments, sentence in (
        (("label", "none.jsonl"), "none.jsonl is missing; see PROMPTS"),
        (("label", asked, asked), "one file of prompts at a time, not 2"),
        (("label", asked, "--labeler", " "), "--labeler is empty"),
        (("label", "--agreement", asked), "no field 'ranks'"),
        (("label", asked, "--out", "absent/x.jsonl"), "absent/x.jsonl cannot be written: its folder is not there"),
    ):
        answer = millrace(*arguments)
        assert answer.status == 2 and sentence in answer.err, answer


def test_a_quiz_needs_news(toy: Cli) -> None:
    answer = toy("label", "toy.yaml", "--quiz", "small")
    assert answer.status == 2 and "small has written no news in this pipeline (evaluate.news asks for it)" in answer.err


@pytest.fixture
def two(millrace: Cli) -> Cli:
    """A folder with a pipeline, two models of it by their folders, and prompts."""
    folder = millrace.folder
    (folder / "web").mkdir()
    (folder / "web/a.txt").write_text("a mill races\n")
    (folder / "p.yaml").write_text(
        "store: ./store\nsources:\n  web: {kind: text, files: 'web/*.txt'}\nmodels:\n  mine: {preset: demo}\n"
    )
    publish(folder / "large", 1)
    publish(folder / "small", 2, layers=1)
    asked: list[dict[str, Any]] = [{"id": f"p{n}", "prompt": f"question {n}"} for n in range(4)]
    asked.append({"id": "p4", "messages": [{"role": "user", "content": "x" * 90}]})  # longer than the context
    write(folder / "asked.jsonl", asked)
    return millrace


COMPARE = ("compare", "small", "large", "p.yaml", "--prompts", "asked.jsonl", "--labeler", "ann", "--tokens", "8")


def test_two_models_are_compared_without_their_names_and_the_rate_is_told(two: Cli) -> None:
    page = Page(two.start(*COMPARE))
    with urlopen(page.address, timeout=30) as answer:
        html = answer.read().decode()
    shown = [page.ask("item", n=n) for n in range(5)]
    assert not re.search("small|large", html + json.dumps(shown))
    for n in range(4):
        page.ask("say", n=n, ranks=[1, 2] if n else [1, 1])
    page.process.send_signal(signal.SIGKILL)
    page.process.communicate()
    page = Page(two.start(*COMPARE))
    assert [page.ask("item", n=n)["answers"] for n in range(5)] == [one["answers"] for one in shown], "the same again"
    page.ask("say", n=4, ranks=[2, 1])
    page.ask("finish")
    status, out, err = page.end()
    rows = lines(two.folder / "asked-small-large-ann.jsonl")
    assert status == 0 and "small and large answer 5 prompts" in err and len(rows) == 5
    assert {tuple(row["models"]) for row in rows} == {("small", "large")}
    won = sum(row["ranks"] == [1, 2] for row in rows)
    assert f"{won} won, {4 - won} lost, 1 equal (half each), of 5 prompts by 1 person" in out
    assert re.search(rf"small is better than large in {(won + 0.5) / 5:.1%} \(\d+\.\d% to \d+\.\d%\)", out)
    assert [visible(row["answers"][row["shown"][0]]) for row in rows] == [one["answers"][0] for one in shown]
    assert len({row["shown"][0] for row in rows}) == 2 and rows[0]["answers"][0] != rows[0]["answers"][1]


def test_what_cannot_be_compared_is_a_sentence(two: Cli) -> None:
    write(two.folder / "robot.jsonl", [{"messages": [{"role": "robot", "content": "?"}]}])
    for arguments, sentence in (
        (("small", "small", "p.yaml", "--prompts", "asked.jsonl"), "small is compared with itself: give two models"),
        (("small", "absent", "p.yaml", "--prompts", "asked.jsonl"), "absent is neither a model of this pipeline"),
        (("small", "mine", "p.yaml", "--prompts", "asked.jsonl"), "the model mine is not built yet"),
        (("small", "large", "p.yaml", "--prompts", "none.jsonl"), "none.jsonl is missing"),
        (("small", "large", "p.yaml", "--prompts", "robot.jsonl"), "robot.jsonl:1: give the prompt as `prompt`"),
    ):
        answer = two("compare", *arguments)
        assert answer.status == 2 and sentence in answer.err, answer


ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")


def test_a_model_of_a_chat_reads_roles_and_another_reads_text(tmp_path: Path) -> None:
    path = write_tokenizer(tmp_path / "tokenizer.json")
    said = [{"role": "system", "content": "be"}, {"role": "user", "content": "<|end|>?"}]
    assert roles_of(tmp_path) == {}
    assert read(Tokenizer(path), {}, said) == Tokenizer(path).encode("be\n\n<|end|>?")
    library = Library.from_file(str(path))
    library.add_special_tokens(list(ROLES))
    library.save(str(path))
    chat, roles = Tokenizer(path), roles_of(tmp_path)
    system, user, assistant, end = (roles[name] for name in ROLES)
    ids = read(chat, roles, said)
    # What spells a role stays text: nobody speaks in another's name.
    assert ids == [system, *chat.encode("be"), end, user, *chat.encode("<|end|>?"), end, assistant]
    assert len(chat.encode("<|end|>?")) == 8
    del roles["<|system|>"]
    with pytest.raises(Mistake, match=r"the model's tokenizer has no <\|system\|>"):
        read(chat, roles, said)
