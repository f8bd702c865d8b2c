"""`evaluate`: a model's perplexity on each source's validation split, and its few-shot tasks (GPT-3, section 2.4).

    cloze    {context, continuation}: right iff every token of the continuation is the likeliest (LAMBADA)
    choice   {query, choices, gold}: right iff the gold choice has the highest log-likelihood per token

Solved examples come from the benchmark itself, without the item (as the paper does where there is no training set),
drawn by hash of seed and item; those that do not fit the context are left out. Scores are given on all items and
on those that `overlap` found clean.
"""

import json
import os
from dataclasses import field
from typing import Any

import numpy as np

from tasks.decontaminate.benchmark import items_of
from tasks.evaluation.overlap import states_of
from tasks.kernels.draw import uniform
from tasks.models.loader import windows_of
from tasks.models.pretrain import model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FIELDS = {"cloze": ("context", "continuation"), "choice": ("query", "choices", "gold")}
Pair = tuple[list[int], list[int]]


@statistics
class Accuracy:
    """Of one task. Shares are of items; `clean_*` of those that `overlap` found clean; None where there is no item."""

    kind: str = ""
    shots: int = 0
    items: int = 0
    accuracy: float | None = None
    clean_items: int = 0
    clean_accuracy: float | None = None
    chance: float | None = None
    log_likelihood: float | None = None


@statistics
class HeldOut:
    """Loss in nats per token on the sample of a source's validation split, its exponential, and tokens predicted.

    `stderr`: the loss's standard error; None where the sample is of one document. Windows and documents of the sample.
    """

    loss: float = 0.0
    perplexity: float = 0.0
    tokens: int = 0
    stderr: float | None = None
    windows: int = 0
    documents: int = 0


@statistics
class Evaluated:
    """By source, and by task."""

    perplexity: dict[str, HeldOut] = field(default_factory=dict)
    tasks: dict[str, Accuracy] = field(default_factory=dict)


@stage("evaluate", kind="measure", section="scores", libraries=("torch", "tokenizers", "numpy"))
def evaluate(
    job: Job,
    *,
    model: Artifact,
    mixture: Artifact,
    benchmarks: dict[str, Artifact],
    overlap: Artifact | None,
    tasks: dict[str, dict[str, Any]],
    seed: int,
) -> Evaluated:
    """What the model answered to each item (answers.jsonl); the scores are in the statistics.

    Raises:
        Mistake: a benchmark's record lacks a field that its task needs.
    """
    # As model/train.py does, and before torch starts: OpenMP's threads otherwise spin while they wait.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from model.score import load

    gpt, tokenizer, _ = load(model_folder(model), "cuda" if torch.cuda.is_available() else "cpu")
    states = states_of(overlap) if overlap is not None else {}
    scores = {}
    with job.publish("answers.jsonl") as file:
        for number, (name, settings) in enumerate(tasks.items()):
            job.progress(number, len(tasks))
            answers = _answer(gpt, tokenizer, name, _records(benchmarks[name], name, settings), settings, seed)
            for answer in answers:
                answer["state"] = states.get((name, answer["item"]), "unchecked")
                file.write(json.dumps(answer).encode() + b"\n")
            scores[name] = _score(answers, settings["kind"], settings["shots"])
    return Evaluated(_perplexity(gpt, mixture), scores)


def _records(benchmark: Artifact, name: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The benchmark's records with their item, checked for the fields that the task needs."""
    records = []
    for row in items_of(benchmark).to_pylist():
        record = json.loads(row["record"])
        if fault := _fault(record, settings["kind"]):
            raise Mistake(f"{row['file']}:{row['line']}: {fault} (benchmark {name})")
        records.append({**record, "item": row["item"]})
    return records


def _fault(record: dict[str, Any], kind: str) -> str | None:
    """Why a record cannot be asked, if so."""
    for key in FIELDS[kind]:
        if key not in record:
            return f"no field {key!r}, which a task of kind {kind} needs"
        if key not in ("choices", "gold") and not isinstance(record[key], str):
            return f"{key} is not text"
    if kind == "choice":
        choices, gold = record["choices"], record["gold"]
        if not isinstance(choices, list) or not choices or not all(isinstance(choice, str) for choice in choices):
            return "choices is not a list of texts"
        if type(gold) is not int or not 0 <= gold < len(choices):
            return f"gold is {gold!r}; it is the right choice's place, from 0 to {len(choices) - 1}"
    return None


def _answer(
    gpt: Any, tokenizer: Any, name: str, records: list[dict[str, Any]], settings: dict[str, Any], seed: int
) -> list[dict[str, Any]]:
    from model.score import log_likelihoods

    draws = uniform([f"{name}:{record['item']}" for record in records], seed, "evaluate")
    order = np.argsort(draws, kind="stable").tolist()
    asked = order[: settings["limit"]]
    choice = settings["kind"] == "choice"
    pairs: list[Pair] = []
    firsts = []
    for place in asked:
        record = records[place]
        # The examples are the next items in the order of draws, the item itself never among them.
        at = order.index(place)
        shots = [records[order[(at + 1 + k) % len(order)]] for k in range(min(settings["shots"], len(order) - 1))]
        options = record["choices"] if choice else [record["continuation"]]
        question = record["query"] if choice else record["context"]
        firsts.append(len(pairs))
        pairs.extend(_prompt(gpt, tokenizer, shots, question, answer, choice) for answer in options)
    likelihoods = log_likelihoods(gpt, pairs)
    answers = []
    for place, start in zip(asked, firsts, strict=True):
        record = records[place]
        if choice:
            rates = [total / count for total, count, _ in likelihoods[start : start + len(record["choices"])]]
            best = int(np.argmax(rates))
            answers.append(
                {
                    "item": record["item"],
                    "right": best == record["gold"],
                    "answer": best,
                    "chance": 1 / len(rates),
                    "log_likelihoods": [round(rate, 6) for rate in rates],
                }
            )
        else:
            total, count, greedy = likelihoods[start]
            answers.append(
                {"item": record["item"], "right": greedy, "chance": 0.0, "log_likelihoods": [round(total / count, 6)]}
            )
    return answers


def _prompt(gpt: Any, tokenizer: Any, shots: list[dict[str, Any]], question: str, answer: str, choice: bool) -> Pair:
    """(context, continuation) as tokens; examples stand before, blank lines between, as many as fit."""
    continuation = tokenizer.encode(_spaced(answer))
    context = tokenizer.encode(question.rstrip())
    for shot in shots:
        solved = shot["choices"][shot["gold"]] if choice else shot["continuation"]
        asked = shot["query"] if choice else shot["context"]
        longer = tokenizer.encode(asked.rstrip() + _spaced(solved) + "\n\n") + context
        if len(longer) + len(continuation) > gpt.architecture.context:
            break
        context = longer
    return context, continuation[: gpt.architecture.context]


def _spaced(answer: str) -> str:
    """The answer as it follows its question: byte-level BPE has a word's space at its beginning."""
    return " " + answer.strip()


def _score(answers: list[dict[str, Any]], kind: str, shots: int) -> Accuracy:
    clean = [answer for answer in answers if answer["state"] == "clean"]

    def accuracy(subset: list[dict[str, Any]]) -> float | None:
        return round(sum(answer["right"] for answer in subset) / len(subset), 6) if subset else None

    return Accuracy(
        kind=kind,
        shots=shots,
        items=len(answers),
        accuracy=accuracy(answers),
        clean_items=len(clean),
        clean_accuracy=accuracy(clean),
        chance=round(float(np.mean([answer["chance"] for answer in answers])), 6) if answers else None,
        log_likelihood=round(float(np.mean([max(a["log_likelihoods"]) for a in answers])), 6) if answers else None,
    )


def _perplexity(gpt: Any, mixture: Artifact) -> dict[str, HeldOut]:
    """Loss in nats per token, and its exponential, on the windows that the mixture names of each source."""
    from model.held_out import estimate
    from model.score import window_losses

    scored = {}
    with windows_of(mixture, gpt.architecture.context, gpt.architecture.vocabulary, 0) as windows:
        for source, held_out in windows.validation.items():
            found = estimate(window_losses(gpt, list(held_out.read())), held_out.documents())
            if found is not None:
                scored[source] = HeldOut(
                    loss=round(found.loss, 6),
                    perplexity=round(float(np.exp(found.loss)), 4),
                    tokens=found.tokens,
                    stderr=None if found.stderr is None else round(found.stderr, 6),
                    windows=found.windows,
                    documents=found.documents,
                )
    return scored
