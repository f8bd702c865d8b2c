"""Measure: `reward-by-step`, what a reward model gives a tuned model's answers, by how far it was trained.

InstructGPT chooses a checkpoint of SFT so (Ouyang et al. 2022, appendix C.1): the loss on held-out demonstrations rises
after an epoch, and people go on to prefer later ones, as the reward model does. At each snapshot the model answers the
held-out demonstrations' prompts, one sample each at temperature 1, drawn by (seed, id): the same draws at each step.
"""

from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.kernels.draw import uniform
from tasks.models.files import model_folder
from tasks.models.pretrain import snapshots_of
from tasks.models.tuned import examples_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.shards import COMPRESSION
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

if TYPE_CHECKING:
    from model.examples import Example

FILE = "rewards.parquet"
ASSISTANT, END = "<|assistant|>", "<|end|>"
ROWS = pa.schema(
    [
        ("step", pa.int64()),
        ("id", pa.string()),  # of the demonstration
        ("answer", pa.string()),
        ("tokens", pa.int32()),  # of the answer, without the <|end|> behind it
        ("reward", pa.float32()),
        ("loss", pa.float64()),  # nats a token of the demonstration's own answer, its <|end|> too
    ]
)


@statistics
class Rewarded:
    """Prompts, and the answers of all steps; those of them without a token."""

    prompts: int = 0
    answers: int = 0
    empty: int = 0
    steps: tuple[int, ...] = field(default=())


@stage("reward-by-step", kind="measure", section="rewards", libraries=("torch", "tokenizers", "numpy"))
def reward_by_step(
    job: Job, *, model: Artifact, reward: Artifact, examples: Artifact, prompts: int, limit: int, seed: int
) -> Rewarded:
    """The answers of each of a model's snapshots to prompts of held-out demonstrations, and their rewards.

    Beside them how likely the snapshot finds what the demonstrations answer.

    Args:
        model: of `sft`, with snapshots. reward: a reward model. examples: of the form chat.
        prompts: asked at most, drawn by hash. limit: tokens of an answer, at most.

    Raises:
        Mistake: there are no snapshots or no held-out demonstrations, or the model is no reward model.
    """
    import torch

    from model.generate import Free, generate
    from model.likelihood import Asked, likelihoods
    from model.reward import Reward
    from model.sampling import Sampling
    from model.score import load

    device = "cuda" if torch.cuda.is_available() else "cpu"
    steps = sorted(snapshots_of(model))
    if not steps:
        raise Mistake(f"{model.label} kept no snapshots: give the model `snapshots`, the updates to choose among")
    try:
        judge = Reward(model_folder(reward), device)
    except ValueError as error:
        raise Mistake(f"{reward.label}: {error}") from error
    held_out = examples_of(examples, "validation")
    added, room = held_out.about["added"], judge.trunk.architecture.context
    asked = _asked(list(held_out), added[ASSISTANT], prompts, limit, room, seed)
    if not asked:
        raise Mistake(f"{examples.label} holds out no demonstration whose prompt leaves room for an answer")
    how = Free(limit, (END,), sampling=Sampling(1.0), seed=seed, keys=tuple(one.id for one in asked))
    shown = [Asked(tuple(one.prompt), (tuple(one.answer),)) for one in asked]
    rows: list[dict[str, Any]] = []
    for number, step in enumerate(steps):
        gpt, tokenizer, _ = load(model_folder(model, step), device, step)
        answers = [texts[0] for texts in generate(gpt, tokenizer, [one.prompt for one in asked], how)]
        ids = [tokenizer.encode(answer) for answer in answers]
        rewards = judge.of(
            [
                [*one.prompt, *made[: room - len(one.prompt) - 1], added[END]]
                for one, made in zip(asked, ids, strict=True)
            ]
        )
        losses = [-found.total / found.tokens for (found,) in likelihoods(gpt, shown)]
        for one, answer, made, given, loss in zip(asked, answers, ids, rewards.tolist(), losses, strict=True):
            told = {"step": step, "id": one.id, "answer": answer, "tokens": len(made)}
            rows.append({**told, "reward": given, "loss": round(loss, 6)})
        job.progress(number + 1, len(steps))
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=ROWS), file, compression=COMPRESSION)
    return Rewarded(len(asked), len(rows), sum(not row["tokens"] for row in rows), tuple(steps))


class Prompt(NamedTuple):
    """Of a demonstration: all to where its last answer begins, and that answer with its <|end|>, token ids."""

    id: str
    prompt: list[int]
    answer: list[int]


def _asked(held_out: "list[Example]", assistant: int, most: int, limit: int, context: int, seed: int) -> list[Prompt]:
    """Demonstrations that leave room for an answer, so many of them, drawn by hash."""
    found = []
    for one in held_out:
        tokens = one.tokens[0].tolist()
        begins = len(tokens) - tokens[::-1].index(assistant)
        if begins + limit + 1 <= context:
            found.append(Prompt(one.id, tokens[:begins], tokens[begins:]))
    if not found:
        return []
    order = uniform([one.id for one in found], seed, "asked prompts").argsort(kind="stable")
    return [found[place] for place in sorted(order[:most].tolist())]


def rewards_by_step(rewarded: Artifact) -> pa.Table:
    """The rows of a built one: ROWS."""
    return pq.read_table(rewarded.local(FILE))
