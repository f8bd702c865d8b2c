"""Each generated benchmark has a task of its name, which asks every record as it stands; right answers score 1."""

import pytest

from conf.task import PACKAGED, load
from tasks.evaluation.asking.way import Way, asked
from tasks.evaluation.generated import words
from tasks.evaluation.generated.table import GENERATED
from tasks.evaluation.metrics import METRICS, Answer


def records(name, items=24):
    listed = {"words": words.shipped()} if GENERATED[name].words else {}
    return list(GENERATED[name].records(1, items, **listed))


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_task_asks_its_records(name):
    task = load(PACKAGED / f"{name}.yaml")
    way, metric = Way(**task.way("default")), METRICS[task.reported]
    for record in records(name):
        question = asked(way, record)
        if task.form == "choice":
            assert question.question == record["query"] and question.answers[question.gold[0]] in ("Y", "N")
            continue
        assert question.question == record.get("context", record.get("prompt"))
        assert not way.delimiter and not any(stop in text_of(record) for stop in way.stop)
        if metric.of != "program":
            assert question.solved == record["context"] + record["completion"]
            assert len(text_of(record)) <= task.length  # a byte a token would do
            answer = Answer(texts=[text_of(record)], references=question.references)
            assert metric.item(answer) == 1
            assert metric.item(answer._replace(texts=[text_of(record) + "0"])) == 0


def text_of(record):
    """What a model that is right says."""
    return record.get("completion", record.get("canonical_solution"))


@pytest.mark.parametrize("kind", ["number", "text"])
def test_a_function_that_is_right_passes_and_one_that_leaves_a_step_out_does_not(kind):
    """Run as a model's programs are, in a closed subprocess."""
    name = f"{kind}-functions"
    task = load(PACKAGED / f"{name}.yaml")
    metric = METRICS[task.reported]
    for record in records(name, 6)[::3]:
        references = asked(Way(**task.way("default")), record).references
        texts = [text_of(record), "    return x\n"]
        assert metric.item(Answer(texts=texts[:1], references=references)) == 1
        assert metric.item(Answer(texts=texts[1:], references=references)) == 0
        assert metric.item(Answer(texts=texts, references=references)) == 0.5
