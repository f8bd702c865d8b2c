"""Measure: `judged`, the number that a judge gives to each answer: of a model, or of comparisons that people made.

One artifact is one judge and one set of answers; it knows no other judge and no threshold. Rules read the text alone; a
reward model reads the prompt's messages and the answer as the chat forms lay them out; a rubric gives a letter and its
worth (rubric.py). All three are machines.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from model.chat import END
from tasks.evaluation.given import Files
from tasks.judges.completions import completed
from tasks.judges.messages import text_of
from tasks.judges.own import own_rules
from tasks.judges.prompts import Chat
from tasks.judges.ranked import comparisons_in
from tasks.judges.rubric import Rubric
from tasks.judges.rules import judge as ruled
from tasks.models.files import model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "judged.parquet"
JUDGED = pa.schema(
    [
        ("id", pa.string()),  # of the prompt, or of the comparison
        ("labeler", pa.string()),  # who ranked the answers; null of a model's
        ("answer", pa.int32()),  # its number
        ("text", pa.string()),
        ("rank", pa.float64()),  # the labeler's, 1 is best; null of a model's
        ("value", pa.float64()),  # the judge's: more is better; to six decimals
        ("parts", pa.map_(pa.string(), pa.float64())),  # by rule, 0..1; null of other judges
        ("letter", pa.string()),  # of a rubric; null of other judges
        ("truth", pa.string()),  # the letter by the rubric's rules; null where it has none
    ]
)
DECIMALS = 6  # of a value: float32 has no more to say of a reward of some units


class Answers(NamedTuple):
    """Of one prompt."""

    id: str
    messages: list[dict[str, str]]
    texts: list[str]
    labeler: str | None = None
    ranks: Sequence[float | None] = ()


@statistics
class Judged:
    """Prompts and answers that were judged; prompts without an answer; comparisons that machines made, left out."""

    prompts: int = 0
    answers: int = 0
    unanswered: int = 0
    machines: int = 0


@stage("judged", kind="measure", section="alignment", libraries=("torch", "tokenizers", "numpy"))
def judged(
    job: Job,
    *,
    completions: Artifact | None,
    people: Files,
    judge: dict[str, Any],
    records: Artifact | None = None,
    model: Artifact | None,
    prompts_are: str | None,
) -> Judged:
    """The judge's number of each answer (judged.parquet, JUDGED).

    `completions`: a model's answers; or `people`: files of comparisons, of which those are judged that people ranked.
    `records`: of `labelled`, where prompts are judged by rules of their own records. `model`: whom the judge asks.
    `prompts_are`: the kind of the prompts in a rubric's table of rewards.

    Raises:
        Mistake: a file of comparisons is not what it should be; the judge needs a model, and there is none.
    """
    answers, left_out = _of_people(people) if completions is None else _of_model(completions)
    rows: list[dict[str, Any]] = [
        {
            "id": one.id, "labeler": one.labeler, "answer": number, "text": text,
            "rank": one.ranks[number] if one.ranks else None,
        }
        for one in answers
        for number, text in enumerate(one.texts)
    ]  # fmt: skip
    told = _own(judge, records, answers) if records is not None else _values(judge, model, answers, prompts_are)
    for row, found in zip(rows, told, strict=True):
        row |= {**found, "value": round(found["value"], DECIMALS)}
    table = [{name: row.get(name) for name in JUDGED.names} for row in rows]
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(table, schema=JUDGED), file)
    unanswered, machines = (0, left_out) if completions is None else (left_out, 0)
    return Judged(len(answers), len(rows), unanswered, machines)


def _of_model(artifact: Artifact) -> tuple[list[Answers], int]:
    rows = completed(artifact)
    asked = [Answers(row["id"], row["messages"], row["answers"]) for row in rows if row["fault"] is None]
    return asked, len(rows) - len(asked)


def _of_people(files: Files) -> tuple[list[Answers], int]:
    found, machines = [], 0
    for one in comparisons_in(files):
        if one.judge == "human":
            found.append(Answers(one.id, one.messages, one.answers, one.labeler, one.ranks))
        else:
            machines += 1
    return found, machines


def _values(
    how: dict[str, Any], model: Artifact | None, answers: Sequence[Answers], prompts_are: str | None
) -> Iterator[dict[str, Any]]:
    """Of every answer what its row says of it."""
    pairs = [(one.messages, text) for one in answers for text in one.texts]
    if how["kind"] == "rules":
        rules = ruled(how["rules"])
        for messages, text in pairs:
            prompt = text_of(messages)
            yield {"value": rules(prompt, text), "parts": list(rules.parts(prompt, text).items())}
        return
    if how["kind"] == "rubric":
        rubric = Rubric.of(how)
        texts = [(text_of(messages), text) for messages, text in pairs]
        truths = [rubric.truth(*pair) for pair in texts]
        letters = [rubric.class_of(*pair) for pair in texts] if model is None else rubric.told(model, texts)
        for letter, truth in zip(letters, truths, strict=True):
            yield {"value": rubric.reward(prompts_are, letter), "letter": letter, "truth": truth}
        return
    if model is None:
        raise Mistake("a reward model is to judge, and none was given")
    yield from ({"value": value} for value in rewards(model, pairs))


def _own(how: dict[str, Any], records: Artifact, answers: Sequence[Answers]) -> Iterator[dict[str, Any]]:
    """Of every answer the weighted mean of what its prompt's own rules give; `parts` by key, the least of each."""
    rules = own_rules(records, how["field"])
    for one in answers:
        if one.id not in rules:
            raise Mistake(f"{records.name} has no record {one.id}, whose rules are to judge: make the examples again")
        given = ruled(rules[one.id])
        weight = sum(each for _, _, each in given.rules)
        prompt = text_of(one.messages)
        for text in one.texts:
            least: dict[str, float] = {}
            for name, value in given.parts(prompt, text).items():
                key = name.partition(" ")[0]
                least[key] = min(value, least.get(key, 1.0))
            yield {"value": given(prompt, text) / weight, "parts": list(least.items())}


def rewards(model: Artifact, pairs: Sequence[tuple[list[dict[str, str]], str]]) -> list[float]:
    """A reward model's numbers of (messages, answer), bias included, each read as the chat forms lay it out."""
    import torch

    from model.reward import Reward

    chat = Chat.of(model)
    reward = Reward(model_folder(model), "cuda" if torch.cuda.is_available() else "cpu")
    room = reward.trunk.architecture.context - 1
    sequences = [
        # An answer that a plain model's context held may not fit: its end is cut, and the token that is read stays.
        [*[*chat.tokens(messages), *chat.tokenizer.encode(answer)][:room], chat.added[END]]
        for messages, answer in pairs
    ]
    return [float(value) for value in reward.of(sequences)]


def judged_of(artifact: Artifact) -> list[dict[str, Any]]:
    """The rows of JUDGED, answer by answer; `parts` as a dictionary."""
    rows: list[dict[str, Any]] = read_file(artifact, FILE).to_pylist()
    return [{**row, "parts": None if row["parts"] is None else dict(row["parts"])} for row in rows]


def by_prompt(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str | None], list[dict[str, Any]]]:
    """Rows by (id, labeler), in their order."""
    found: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["id"], row["labeler"]), []).append(row)
    return found
