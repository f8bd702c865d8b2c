"""The task files that come with Millrace: each asks a record of its data set's own form as the paper, or
lm-evaluation-harness, asks it; and all items of the real files can be asked."""

import csv
import gzip
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from corpora import REAL
from jinja2 import BaseLoader, Environment, StrictUndefined
from official import ANLI, ARC_EASY, BOOLQ, CASES, CB, COPA, HELLASWAG, LAMBADA, MMLU, PIQA, RTE, TRUTHFUL, WIC, Case

from conf.task import PACKAGED, Task, files, load
from tasks.evaluation.asking.prompts import scored_text
from tasks.evaluation.asking.way import Question, Unaskable, Way, asked
from tasks.evaluation.generated.table import GENERATED
from tasks.evaluation.metrics import METRICS
from tasks.evaluation.scores import metric_of
from tasks.runtime.errors import Mistake

NAMES = sorted(files())


def question(task: str, record: dict[str, Any], template: str = "default") -> tuple[Way, Question]:
    way = Way(**load(files()[task]).way(template))
    return way, asked(way, record)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.task}-{case.template}")
def test_it_asks_a_published_record_as_the_paper_does(case: Case) -> None:
    way, found = question(case.task, case.record, case.template)
    assert found.question == case.question
    assert found.description == case.description
    if case.gold is None:
        assert way.form == "free"
        assert list(found.references) == case.answers
        right = case.answers[0]
    else:
        assert list(found.answers) == case.answers
        assert list(found.gold) == case.gold
        right = case.answers[case.gold[0]]
    assert found.rest == case.rest
    assert found.cluster == case.cluster
    assert found.solved == (case.solved or case.question + way.delimiter + right)


def test_a_sentence_is_asked_with_its_label() -> None:
    for label in (0, 1):
        _, found = question("cola-gpt1", {"sentence": "The hen sang.", "label": label})
        assert found.references == (str(label),) and found.solved == "The hen sang."
    with pytest.raises(Unaskable, match="references: label is not in the record"):
        question("cola-gpt1", {"sentence": "The hen sang."})


def test_every_task_has_a_record_here() -> None:
    """Or is of records that are only made here, which tests/evaluation/generated asks."""
    assert set(NAMES) == {case.task for case in CASES} | set(GENERATED)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_comes_from_and_what_to_put_where(name: str) -> None:
    task = load(files()[name])
    assert task.title and task.paper
    if name not in ("choice", "cloze"):  # of any benchmark
        assert task.source and task.data and (task.licence or task.source.startswith("made by a rule"))


@pytest.mark.parametrize("name", NAMES)
def test_its_metric_is_there_and_of_its_form(name: str) -> None:
    task = load(files()[name])
    assert metric_of(task.reported, task.form, programs=True) is METRICS[task.reported]
    if task.reported.startswith("pass@"):
        assert task.samples >= int(task.reported.removeprefix("pass@"))
    assert task.best is None or 0 < task.best <= 1


def test_shots_are_the_papers() -> None:
    """GPT-3's K a task (SPECS.md, 2.4), beside zero- and one-shot."""
    most = {
        "lambada-fill": 15, "storycloze": 70, "hellaswag": 20, "piqa": 50, "arc-easy": 50, "arc-challenge": 50,
        "openbookqa": 100, "coqa": 5, "drop": 20, "quac": 5, "squad2": 16, "race-m": 10, "race-h": 10, "triviaqa": 64,
        "webqs": 64, "nq": 64, "winograd": 7, "winogrande": 50, "sat-analogies": 20,
        **dict.fromkeys(("boolq", "cb", "copa", "rte", "wic", "wsc", "multirc", "record"), 32),
        **dict.fromkeys(("anli-r1", "anli-r2", "anli-r3"), 50),
        **{name: 64 for name in NAMES if name.startswith("translate-")},
        **{name: 50 for name in NAMES if "-digit-" in name},
        **{name: 100 for name in NAMES if name.endswith(("-word", "-words", "-anagrams")) and "lambada" not in name},
    }  # fmt: skip
    for name, count in most.items():
        assert load(files()[name]).shots == [0, 1, count], name


# ---- as lm-evaluation-harness asks: its prompts as fixed strings, and its own files where it is installed

PROMPTS = {
    ("piqa", "lm-eval"): (
        PIQA,
        "Question: How to apply sealant to wood.\nAnswer: "
        "Using a brush, brush on sealant onto wood until it is fully saturated with the sealant.",
    ),
    ("arc-easy", "default"): (
        ARC_EASY,
        "Question: Which factor will most likely cause a person to develop a fever?\nAnswer: "
        "a leg muscle relaxing after exercise",
    ),
    ("hellaswag", "default"): (
        HELLASWAG,
        "Making a cake: Several cake pops are shown on a display. A woman and girl make them in a kitchen. They "
        "bake them. Then frost.",
    ),
    ("lambada", "default"): (LAMBADA, LAMBADA["text"]),
    ("copa", "default"): (COPA, "My body cast a shadow over the grass because the sun was rising."),
}


@pytest.mark.parametrize(("named", "asked_for"), PROMPTS.items(), ids=lambda value: str(value)[:30])
def test_a_prompt_is_lm_evals_byte_for_byte(named: tuple[str, str], asked_for: tuple[dict[str, Any], str]) -> None:
    way, found = question(named[0], asked_for[0], named[1])
    assert found.description + found.question + way.delimiter + found.answers[0] == asked_for[1]


def test_winogrande_is_lm_evals_to_the_blank() -> None:
    """There the choice is part of the context, and the rest, stripped, follows a blank."""
    for rest, there in ((" are sweet.", " are sweet."), ("'s.  ", " 's.")):
        record = {"sentence": f"It is the _{rest}", "option1": "fig", "option2": "pea", "answer": "2"}
        _, found = question("winogrande", record, "lm-eval")
        assert [found.question + choice for choice in found.answers] == ["It is the fig", "It is the pea"]
        assert (found.rest, found.gold) == (there, (1,))
        assert question("winogrande", record)[1].rest == rest  # by default nothing is rewritten


HARNESS = {
    ("piqa", "lm-eval"): ("piqa/piqa.yaml", PIQA),
    ("arc-easy", "default"): ("arc/arc_easy.yaml", ARC_EASY),
    ("lambada", "default"): ("lambada/lambada_openai.yaml", LAMBADA),
    ("copa", "default"): ("super_glue/copa/default.yaml", COPA),
    ("boolq", "lm-eval"): ("super_glue/boolq/default.yaml", BOOLQ),
    ("cb", "lm-eval"): ("super_glue/cb/default.yaml", CB),
    ("rte", "lm-eval"): ("super_glue/rte/default.yaml", RTE),
    ("wic", "lm-eval"): ("super_glue/wic/default.yaml", WIC),
    ("anli-r1", "lm-eval"): ("anli/anli_r1.yaml", ANLI),
    ("truthfulqa-mc1", "default"): ("truthfulqa/truthfulqa_mc1.yaml", TRUTHFUL),
    ("mmlu", "default"): ("mmlu/default/_default_template_yaml", MMLU),
}


class Theirs(yaml.SafeLoader):
    """Their files: `!function utils.name` is a function of the file beside."""


def _function(loader: Any, node: yaml.Node) -> Callable[..., Any]:
    module, name = loader.construct_scalar(node).split(".")
    path = Path(loader.name).parent / f"{module}.py"
    spec = importlib.util.spec_from_file_location(f"theirs_{path.parent.name}_{module}", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return getattr(made, name)


Theirs.add_constructor("!function", _function)


@pytest.mark.parametrize(("named", "theirs"), HARNESS.items(), ids=lambda value: str(value)[:30])
def test_their_own_files_give_the_same_prompt(named: tuple[str, str], theirs: tuple[str, dict[str, Any]]) -> None:
    spec = importlib.util.find_spec("lm_eval")
    if spec is None or spec.origin is None:
        pytest.skip("lm-evaluation-harness is not installed")
    path = Path(spec.origin).parent / "tasks" / theirs[0]
    with path.open() as file:
        told = yaml.load(file, Theirs)
    environment = Environment(loader=BaseLoader(), undefined=StrictUndefined, keep_trailing_newline=True)

    def rendered(template: Any) -> Any:
        if callable(template):
            return template(theirs[1])
        return environment.from_string(template).render(**theirs[1])

    way, found = question(named[0], theirs[1], named[1])
    text = rendered(told["doc_to_text"])
    described = "" if named[0] == "mmlu" else found.description  # MMLU's stands in a file of each subject
    assert described + found.question == text
    choices = told.get("doc_to_choice") or [told["doc_to_target"]]
    if isinstance(choices, str):
        made = rendered(choices) if "{{" in choices else theirs[1][choices]
        choices = yaml.safe_load(made) if isinstance(made, str) else made
    choices = [rendered(one) for one in (choices(theirs[1]) if callable(choices) else choices)]
    delimiter = told.get("target_delimiter", " ")
    ours = [way.delimiter + scored_text(way, found, one) for one in found.answers]
    assert ours == [one if one.startswith(delimiter) else delimiter + one for one in choices]


# ---- real files

BENCHMARKS = REAL / "benchmarks"
MOSAIC = {"llm-foundry/piqa": "piqa", "llm-foundry/arc_easy": "arc-easy", "llm-foundry/copa": "copa",
          "llm-foundry/lambada_openai": "lambada", "llm-foundry/gsm8k": "gsm8k",
          "llm-foundry/winograd_wsc": "winograd"}  # fmt: skip


def lines(path: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        if ".tsv" in path.name:  # as docs/evaluation.md makes JSONL of it
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield json.loads(json.dumps(row))
        else:
            yield from map(json.loads, file)


@pytest.mark.real
@pytest.mark.parametrize(("file", "task"), MOSAIC.items())
def test_all_of_mosaicmls_items_can_be_asked(file: str, task: str) -> None:
    records = list(lines(BENCHMARKS / f"{file}.jsonl.gz"))
    for name in [task, "lambada-fill", "lambada-words"] if task == "lambada" else [task]:
        for record in records:
            _, found = question(name, record, "mosaic")
            if name in ("piqa", "arc-easy"):  # lm-evaluation-harness's prompt
                assert found.question.startswith("Question: ") and found.question.endswith("\nAnswer:")
                assert found.question.count("\nAnswer:") == 1
            if name == "lambada":
                assert found.solved == f"{record['context']} {record['continuation']}"
            if name == "lambada-fill":
                assert found.question.endswith(" ____. ->")
            if name == "winograd":
                assert found.solved == f"{record['context_options'][record['gold']]} {record['continuation']}"


@pytest.mark.real
def test_openais_files_are_asked_to_the_byte() -> None:
    paths = sorted((BENCHMARKS / "gpt-3" / "data").iterdir())
    assert len(paths) == 13
    for path in paths:
        name = path.name.partition(".")[0].replace("_", "-")
        for record in lines(path):
            way, found = question(name, record)
            assert found.question == record["context"]
            assert found.references == (record["completion"],)
            assert (
                found.solved + way.between + found.question
                == record["context"] + record["completion"] + record["context"]
            )


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "task", "items"),
    [
        ("human-eval/HumanEval.jsonl.gz", "humaneval", 164),
        ("alps/SST-2-test.tsv.gz", "sst2", 872),
        ("rte/RTE-resplit-dev.tsv", "rte", 139),
    ],
)
def test_the_other_real_files_can_be_asked(file: str, task: str, items: int) -> None:
    records = list(lines(BENCHMARKS / file))
    assert len(records) == items
    golds = {question(task, record)[1].gold for record in records}
    assert golds == ({()} if task == "humaneval" else {(0,), (1,)})


# ---- files of the user's own


def written(folder: Path, text: str) -> Task:
    path = folder / "mine.yaml"
    path.write_text(text)
    return load(path)


def test_a_task_may_be_like_another(tmp_path: Path) -> None:
    mine = written(tmp_path, 'title: mine\nlike: arc-challenge\nquestion: "{{ question }}"\nshots: [3]\n')
    theirs = load(PACKAGED / "arc-challenge.yaml")
    assert (mine.question, mine.shots, mine.title) == ("{{ question }}", [3], "mine")
    for key in ("choices", "gold", "reading", "neutral", "licence", "templates", "form"):  # of arc-easy, by way of it
        assert getattr(mine, key) == getattr(theirs, key)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: x\nlike: nothing\n", "like: nothing is no task"),
        ("title: x\nlike: piqa\nquestion: '{{ goal'\n", "mine.yaml:3: .*not a Jinja2 template"),
        ("title: x\nlike: piqa\ngold: label | int)\n", "mine.yaml:3: .*not a Jinja2 expression"),
        ("title: x\nlike: piqa\ngold: label int\n", "mine.yaml:3: .*not a Jinja2 expression"),
        ("title: x\nlike: piqa\nreading: unconditional\n", "needs `neutral`"),
        ("title: x\nform: choice\nquestion: q\nchoices: [a]\n", "form choice needs gold"),
        ("title: x\nlike: cnn-dm\nextract: '[a-z]+'\n", "no group"),
        ("title: x\nlike: piqa\nshots: []\n", "mine.yaml:3: shots"),
        ("title: x\nlike: piqa\ncolour: red\n", "mine.yaml:3: colour is no key here"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Mistake, match=said):
        written(tmp_path, text)


def test_a_filter_of_ours_is_known_to_the_schema(tmp_path: Path) -> None:
    mine = written(tmp_path, "title: x\nlike: truthfulqa-mc2\ngold: mc2_targets.labels | places\n")
    assert mine.gold == "mc2_targets.labels | places"


# ---- what is taken out of generated texts


@pytest.mark.parametrize(
    ("task", "text", "answer"),
    [
        ("lambada-words", " step.\" He", "step"),
        ("lambada-words", " the step", ""),
        ("lambada-words", " The", ""),
        ("lambada-words", " theatre", "theatre"),
        ("lambada-words", " don't know", "don't"),
        ("lambada-words", "\n\n\"", ""),
        ("lambada-words", " o'clock,", "o'clock"),
        ("cnn-dm", " It rained. It \"snowed.\" It had 3.5 feet! More.", "It rained. It \"snowed.\" It had 3.5 feet! "),
        ("cnn-dm", " It rained and", "It rained and"),
        ("cnn-dm", "", ""),
    ],
)  # fmt: skip
def test_what_is_taken_out_of_a_text(task: str, text: str, answer: str) -> None:
    import re

    pattern = load(files()[task]).extract
    assert pattern is not None
    found = re.compile(pattern, re.DOTALL).search(text)
    assert (found[1] if found else "") == answer
