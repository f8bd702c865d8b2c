"""`evaluate`: a model's perplexity on each source's validation split, and its few-shot tasks (GPT-3, section 2.4).

    cloze    {context, continuation}: right iff every token of the continuation is the likeliest (LAMBADA)
    choice   {query, choices, gold}: right iff the gold choice has the highest log-likelihood per token

Solved examples come from the benchmark itself, without the item (as the paper does where there is no training set),
drawn by hash of seed and item; those that do not fit the context are left out. Scores are given on all items and
on those that `overlap` found clean.
"""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import field
from typing import Any

import numpy as np

from tasks.decontaminate.benchmark import items_of
from tasks.evaluation.overlap import states_of
from tasks.evaluation.own_tokens import sample_of
from tasks.kernels.draw import uniform
from tasks.models.files import model_folder
from tasks.models.loader import windows_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.mixture import EVALUATED
from tasks.tokens.tokenizer import end_of_text_of, tokenizer_file

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
    `bits_per_byte`: the loss in bits a byte of text, which models of different tokenizers can be compared by; the bytes
    are those of the tokens decoded, to within 3 a window.
    """

    loss: float = 0.0
    perplexity: float = 0.0
    tokens: int = 0
    stderr: float | None = None
    windows: int = 0
    documents: int = 0
    bits_per_byte: float | None = None


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
    mixture: Artifact | None = None,
    tokens: dict[str, Artifact] | None = None,
    tokenizer: Artifact | None = None,
    benchmarks: dict[str, Artifact],
    overlap: Artifact | None,
    tasks: dict[str, dict[str, Any]],
    seed: int,
) -> Evaluated:
    """What the model answered to each item (answers.jsonl); the scores are in the statistics.

    A model trained here is asked the held-out windows that its `mixture` names; one that came in, the same text in its
    own tokens (own_tokens.py), decoded from the pipeline's `tokens` by the pipeline's `tokenizer`.

    Raises:
        Mistake: a benchmark's record lacks a field that its task needs.
    """
    # As model/train.py does, and before torch starts: OpenMP's threads otherwise spin while they wait.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from model.score import load

    gpt, own, _ = load(model_folder(model), "cuda" if torch.cuda.is_available() else "cpu")
    # Clean and dirty are by the first rule that is asked
    states = next(iter(states_of(overlap).values()), {}) if overlap is not None else {}
    scores = {}
    with job.publish("answers.jsonl") as file:
        for number, (name, settings) in enumerate(tasks.items()):
            job.progress(number, len(tasks))
            answers = _answer(gpt, own, name, _records(benchmarks[name], name, settings), settings, seed)
            for answer in answers:
                answer["state"] = states.get((name, answer["item"]), "unchecked")
                file.write(json.dumps(answer).encode() + b"\n")
            scores[name] = _score(answers, settings["kind"], settings["shots"])
    if mixture is not None:
        samples = _of_mixture(gpt, mixture)
    else:
        assert tokens is not None and tokenizer is not None
        samples = _in_own_tokens(gpt, own, tokens, tokenizer, seed)
    return Evaluated(_perplexity(gpt, own, samples), scores)


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


Sampled = tuple[str, list[Any], list[str]]  # a source, its windows, the document of each


def _of_mixture(gpt: Any, mixture: Artifact) -> Iterator[Sampled]:
    """The windows that the mixture names of each source."""
    with windows_of(mixture, gpt.architecture.context, gpt.architecture.vocabulary, 0) as windows:
        for source, held_out in windows.validation.items():
            yield source, list(held_out.read()), held_out.documents()


def _in_own_tokens(
    gpt: Any, own: Any, tokens: dict[str, Artifact], tokenizer: Artifact, seed: int
) -> Iterator[Sampled]:
    """As many windows of each source, in the model's own tokens."""
    from model.tokenizer import Tokenizer

    by = Tokenizer(tokenizer_file(tokenizer), end_of_text=end_of_text_of(tokenizer))
    for source, artifact in tokens.items():
        yield source, *sample_of(artifact, by, own, gpt.architecture.context, EVALUATED, seed)


def _perplexity(gpt: Any, own: Any, samples: Iterator[Sampled]) -> dict[str, HeldOut]:
    """Loss in nats per token, and its exponential, on each source's sample; sources without any are left out."""
    from model.held_out import estimate
    from model.score import window_losses

    scored = {}
    for source, windows, documents in samples:
        found = estimate(window_losses(gpt, windows), documents)
        if found is None:
            continue
        size = sum(len(own.decode(t for t in window[1:] if t != own.end_of_text).encode()) for window in windows)
        scored[source] = HeldOut(
            loss=round(found.loss, 6),
            perplexity=round(float(np.exp(found.loss)), 4),
            tokens=found.tokens,
            stderr=None if found.stderr is None else round(found.stderr, 6),
            windows=found.windows,
            documents=found.documents,
            bits_per_byte=round(found.loss * found.tokens / math.log(2) / size, 6) if size else None,
        )
    return scored
