"""A pipeline of models that came in, and of tasks: no source, no training; from the folder to the page."""

import json
from pathlib import Path

import pytest
from corpora import counts, workers

from conf.load import load
from flows import page
from model import hf
from model.config import Architecture
from model.gpt import GPT
from model.tokenizer import END_OF_TEXT
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

CONF = """\
store: {store}
models:
  one: {{from: "hf:{folder}/one"}}
  two: {{from: "hf:{folder}/two"}}
benchmarks:
  choice: {{files: "{folder}/choice.jsonl", text: [query]}}
  cloze: {{files: "{folder}/cloze.jsonl", text: [context], train: "{folder}/more.jsonl"}}
  two-digit-addition: {{generate: two-digit-addition, items: 30}}
evaluate:
  tasks: [{{task: cloze, shots: [0, 2], draws: 2}}, choice, {{task: two-digit-addition, shots: 0}}]
"""


def tokenizer_json() -> bytes:
    """Bytes and <|endoftext|>."""
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers

    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    library = Library(models.BPE({name: n for n, name in enumerate(symbols)}, []))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens([END_OF_TEXT])
    return library.to_str().encode()


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    for seed, (name, width) in enumerate((("one", 16), ("two", 32))):
        shape = Architecture(layers=1, width=width, heads=2, context=96, vocabulary=257)
        hf.write(GPT(shape).initialise(seed), tmp_path / name, tokenizer_json(), 256, "# a card\n")
    cloze = [{"context": f"the mill turns {n}", "continuation": "times"} for n in range(20)]
    choice = [{"query": f"is {n} odd?", "choices": ["no", "yes"], "gold": n % 2} for n in range(20)]
    for file, records in (("cloze", cloze[:12]), ("more", cloze[12:]), ("choice", choice)):
        (tmp_path / f"{file}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    path = tmp_path / "ask.yaml"
    path.write_text(CONF.format(store=tmp_path / "store", folder=tmp_path))
    return path


def test_it_runs_to_its_page(conf: Path) -> None:
    pipeline = load(conf)
    run = Run(pipeline.store_url(), workers(1))
    built, where = page.crawl_to_model(run, pipeline)
    stages = {artifact.stage for artifact in run.artifacts}
    assert stages == {"benchmark", "generated", "imported", "answers", "scores", "report"}
    for name in ("one", "two"):
        cloze = counts(built.scores[name]["cloze"])
        assert list(cloze["ways"]) == ["0", "2", "2.draw1"] and cloze["ways"]["0"]["all"]["items"] == 12
        assert counts(built.scores[name]["choice"])["ways"]["0"]["chance"] == 0.5
        assert counts(built.scores[name]["two-digit-addition"])["ways"]["0"]["all"]["items"] == 30
    text = Path(where).read_text(encoding="utf-8")
    assert "Tasks, one" in text and "How much wording and examples matter" in text
    assert "cloze by size (greedy by parameters)" in text


def test_another_task_asks_that_task_only(conf: Path) -> None:
    first = Run(load(conf).store_url(), workers(1))
    page.crawl_to_model(first, load(conf))
    conf.write_text(conf.read_text().replace("choice, {task", "{task: choice, reading: sum, shots: [0, 1]}, {task"))
    second = Run(load(conf).store_url(), None)
    from flows import dag

    dag.crawl_to_model(second, load(conf))
    due = sorted(f"{one.stage} {one.name}" for one in second.artifacts if not one.built)
    assert due == [
        "answers one.choice.1", "answers two.choice.1", "report ask", "scores one.choice", "scores two.choice",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "models:\n  one: {",
            "models:\n  one: {tokens: 1M, ",
            r"models.one is to be trained, and there are no sources",
        ),
        ("benchmarks:", "ladder: {sizes: [demo]}\nbenchmarks:", r"ladder is to be trained, and there are no sources"),
    ],
)
def test_nothing_is_trained_without_text(conf: Path, old: str, new: str, said: str) -> None:
    conf.write_text(conf.read_text().replace(old, new))
    with pytest.raises(Mistake, match=said):
        load(conf)


def test_a_pipeline_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("seed: 1\n")
    with pytest.raises(Mistake, match=r"empty.yaml:1: sources: give at least one; or models that come in"):
        load(path)


def test_a_metric_that_is_fitted_asks_development_items(conf: Path) -> None:
    """GPT-1's rule for CoLA: the threshold is that of `dev`; without it, or choosing by it too, nothing is asked."""
    folder = conf.parent
    for file, numbers in (("cola", range(8)), ("cola-dev", range(8, 20))):
        records = [
            {"sentence": f"hen {n} sang" if n % 3 else f"{n} sang hen", "label": int(n % 3 > 0)} for n in numbers
        ]
        (folder / f"{file}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    text = conf.read_text()
    head, _, _ = text.partition("evaluate:")
    cola = f'  cola: {{files: "{folder}/cola.jsonl", text: [sentence], dev: "{folder}/cola-dev.jsonl"}}\n'
    conf.write_text(head + cola + "evaluate:\n  tasks: [cola-gpt1]\n")
    run = Run(load(conf).store_url(), workers(1))
    built, _ = page.crawl_to_model(run, load(conf))
    asked = sorted(f"{one.stage} {one.name}" for one in run.artifacts if one.stage == "answers")
    assert asked == [f"answers {model}.cola-gpt1.{of}0" for model in ("one", "two") for of in ("", "dev.")]
    scored = counts(built.scores["one"]["cola-gpt1"])
    assert scored["ways"]["0"]["all"]["items"] == 8 and scored["ways"]["0"]["threshold"] < 0
    whole = conf.read_text()
    chosen = whole.replace("[cola-gpt1]", "[{task: cola-gpt1, choose: true}]")
    for new, said in ((whole.replace(", dev:", ", train:"), "give cola its `dev`"), (chosen, "leave `choose` out")):
        conf.write_text(new)
        with pytest.raises(Mistake, match=said):
            page.crawl_to_model(Run(load(conf).store_url(), workers(1)), load(conf))
