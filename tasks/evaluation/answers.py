"""Measure: `answers`, what a model answers to a task's items: log-likelihoods, or generated text. It knows no metric.

One artifact is one model, task, number of solved examples, template and draw of examples: another one asks for itself
alone. Items are asked in blocks, each of them one file, so that a killed run goes on behind the last. A block is asked
on one thread: no number of workers or threads shows in it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.decontaminate.benchmark import items_of
from tasks.evaluation.asking.prompts import Prompt, pairs, prompt, scored_text
from tasks.evaluation.asking.shots import drawn
from tasks.evaluation.asking.table import answers_table
from tasks.evaluation.asking.way import Question, Unaskable, Way, alike, asked
from tasks.kernels.draw import uniform
from tasks.models.loaded import loaded
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

if TYPE_CHECKING:
    from model.gpt import GPT
    from model.tokenizer import Tokenizer

BLOCK = 256  # items of a file
LOOKED_AT = 20  # records, before anything is asked: where none of them can be, the task is not the benchmark's


@statistics
class Answered:
    """Items; those asked, and not asked by reason; solved examples before those asked, and those that were wanted too
    and did not fit, or were not there."""

    items: int = 0
    asked: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    shots: int = 0
    left_out: int = 0


@stage("answers", kind="measure", section="scores", libraries=("torch", "tokenizers", "numpy", "jinja2"))
def answers(
    job: Job,
    *,
    model: Artifact,
    benchmark: Artifact,
    solved: Artifact | None,
    way: dict[str, Any],
    shots: int,
    items: int | None,
    step: int | None,
    seed: int,
) -> Answered:
    """What a model answered to each item: ANSWERS of asking/table.py.

    `way`: how the task asks. `solved`: where examples are drawn from; None: the benchmark itself. `items`: asked at
    most, drawn by hash. `step`: of a snapshot.

    Raises:
        Mistake: no record can be asked as the task says, or the model has no such snapshot.
    """
    import torch

    how = Way(**way)
    _require_askable(how, benchmark)
    ids = items_of(benchmark, ["item"])["item"].to_pylist()
    places = np.arange(len(ids))
    if items is not None and items < len(ids):
        order = np.argsort(uniform(ids, seed, "asked items"), kind="stable")
        places = np.sort(order[:items])
    if torch.cuda.is_available():  # one process has the device
        job.engine = LocalEngine(1)
    blocks = [(f"{at // BLOCK:05d}", places[at : at + BLOCK].tolist()) for at in range(0, len(places), BLOCK)]
    asking = Asking(model, benchmark, solved or benchmark, how, shots, step, seed)
    return job.total(asking.block, blocks)


def _require_askable(way: Way, benchmark: Artifact) -> None:
    """See that one of the first records can be asked."""
    for row in (rows := items_of(benchmark).slice(0, LOOKED_AT).to_pylist()):
        try:
            asked(way, json.loads(row["record"]))
            return
        except Unaskable as error:
            fault = str(error)
    raise Mistake(
        f"{rows[-1]['file']}:{rows[-1]['line']}: {fault} (benchmark {benchmark.name}; `fields` of the task says which "
        f"of a record's fields the task's own names are)"
    )


@dataclass(frozen=True)
class Asking:
    """All that a block's items share."""

    model: Artifact
    benchmark: Artifact
    solved: Artifact
    way: Way
    shots: int
    step: int | None
    seed: int

    def block(self, out: Output, places: list[int]) -> Answered:
        """Ask the items at these places of the benchmark."""
        import torch

        if not torch.cuda.is_available():
            torch.set_num_threads(1)
        gpt, tokenizer = loaded(self.model, self.step)
        rows = items_of(self.benchmark).take(places).to_pylist()
        items: list[Item] = []
        faults: dict[str, int] = {}
        answered: list[dict[str, Any]] = []
        for row, examples in zip(rows, self._examples(rows), strict=True):
            try:
                question = asked(self.way, json.loads(row["record"]))
                made = prompt(self.way, question, examples, tokenizer, gpt.architecture.context)
            except Unaskable as error:
                faults[error.reason] = faults.get(error.reason, 0) + 1
                answered.append({"item": row["item"], "fault": str(error)})
                continue
            items.append(Item(row["item"], question, made))
            answered.append(items[-1].row())
        ask = self._generated if self.way.form == "free" else self._scored
        said = ask(gpt, tokenizer, items)
        for answer in answered:
            if "fault" not in answer:
                answer |= next(said)
        out.write(answers_table(answered))
        fitted = sum(item.prompt.shots for item in items)
        return Answered(len(rows), len(items), faults, fitted, self.shots * len(items) - fitted)

    def _generated(self, gpt: "GPT", tokenizer: "Tokenizer", items: list["Item"]) -> Iterator[dict[str, Any]]:
        """The texts that follow each item's prompt."""
        from model.generate import Free, generated
        from model.sampling import Sampling

        how = Free(
            limit=self.way.length,
            stop=tuple(self.way.stop),
            beams=self.way.beams,
            length_penalty=self.way.penalty,
            sampling=Sampling(self.way.temperature, self.way.top_k, self.way.top_p),
            samples=self.way.samples,
            seed=self.seed,
            keys=tuple(item.id for item in items),
        )
        for texts in generated(gpt, tokenizer, [item.prompt.tokens for item in items], how):
            yield {
                "texts": [one.text for one in texts],
                "text_log_likelihoods": [one.log_likelihood for one in texts],
            }

    def _scored(self, gpt: "GPT", tokenizer: "Tokenizer", items: list["Item"]) -> Iterator[dict[str, Any]]:
        """The likelihoods of each item's answers."""
        from model.likelihood import Asked, likelihoods

        requests = [Asked(before, after) for item in items for before, after in _by_context(item.prompt.pairs)]
        if (neutral := self.way.neutral) is not None:
            for item in items:
                alone = pairs(tokenizer, neutral, [self.way.delimiter + one for one in item.question.answers])
                requests += [Asked(before, after) for before, after in _by_context(alone)]
        found = [one for each in likelihoods(gpt, requests) for one in each]
        count = sum(len(item.question.answers) for item in items)
        said, unconditional = iter(found[:count]), iter(found[count:])
        for item in items:
            each = [next(said) for _ in item.question.answers]
            yield {
                "log_likelihoods": [one.total for one in each],
                "tokens": [one.tokens for one in each],
                "bytes": [len(scored_text(self.way, item.question, one).encode()) for one in item.question.answers],
                "greedy": [one.greedy for one in each],
                "unconditional": None if neutral is None else [next(unconditional).total for _ in each],
            }

    def _examples(self, rows: list[dict[str, Any]]) -> Iterator[list[str]]:
        """Of each item the solved examples that stand before it."""
        if not self.shots:
            yield from ([] for _ in rows)
            return
        pool = items_of(self.solved, ["item", "record"])
        ids, records = pool["item"].to_pylist(), pool["record"]
        pools: dict[str | None, list[int]] = {}  # places of those that have `same` in common
        if self.way.same is None:
            pools[None] = list(range(len(ids)))
        else:
            for place, record in enumerate(records.to_pylist()):
                with suppress(Unaskable):  # what does not say is no example
                    pools.setdefault(alike(self.way, json.loads(record)), []).append(place)
        alikes = {kind: [ids[place] for place in places] for kind, places in pools.items()}
        different = {kind: frozenset(those) for kind, those in alikes.items()}
        solved: dict[int, str | None] = {}  # by place; None: it cannot be an example
        for row in rows:
            try:
                kind = alike(self.way, json.loads(row["record"]))
            except Unaskable:  # nor is it asked
                yield []
                continue
            of = row["item"] if self.way.draw == "item" else "all items"
            texts = []
            if kind in pools:
                for at in drawn(alikes[kind], different[kind], row["item"], self.shots, self.seed, of):
                    place = pools[kind][at]
                    if place not in solved:
                        solved[place] = None
                        with suppress(Unaskable):  # counted as left out
                            solved[place] = asked(self.way, json.loads(records[place].as_py())).solved
                    if (text := solved[place]) is not None:
                        texts.append(text)
            yield texts


@dataclass(frozen=True)
class Item:
    """An item that is asked."""

    id: str
    question: Question
    prompt: Prompt

    def row(self) -> dict[str, Any]:
        """What ANSWERS holds of it before the model has said anything."""
        return {
            "item": self.id,
            "cluster": self.question.cluster,
            "prompt": self.prompt.text,
            "prompt_sha256": hashlib.sha256(self.prompt.text.encode()).hexdigest(),
            "shots": self.prompt.shots,
            "choices": self.question.answers,
            "gold": self.question.gold,
            "references": self.question.references,
        }


def _by_context(answered: Sequence[tuple[Any, Any]]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Answers of one context together: (context, answers), in their order."""
    at = 0
    while at < len(answered):
        end = at + 1
        while end < len(answered) and answered[end][0] == answered[at][0]:
            end += 1
        yield answered[at][0], tuple(answer for _, answer in answered[at:end])
        at = end
