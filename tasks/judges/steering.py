"""Measure: `steering`, whether a system message is obeyed turn after turn while the user asks for something else.

GPT-4's report shows steerability by examples; here the system message asks for what a judge's rules can see, and an
answer obeys it where all rules do. Of a conversation the user's turns are prompts drawn by hash of (seed, conversation,
turn), every second one of which begins with a sentence that overrides the system message. The model reads its own
answers of earlier turns. Where the context is full the earliest turns leave, the system message never.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.chat import END, ROLES
from tasks.judges.completions import MESSAGES
from tasks.judges.estimates import Estimate, estimate
from tasks.judges.prompts import Chat, prompts_of
from tasks.judges.rules import judge as ruled
from tasks.kernels.draw import uniform
from tasks.models.chosen_step import step_of
from tasks.models.loaded import loaded
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "steering.parquet"
STEERING = pa.schema(
    [("id", pa.string()), ("turn", pa.int32()), ("messages", MESSAGES), ("answer", pa.string()), ("obeyed", pa.bool_())]
)


@statistics
class Steered:
    """Of a model: the share of answers that obey the system message, by turn, and conversations cut to the context."""

    model: str = ""
    method: str = ""
    judge: str = ""
    turns: tuple[Estimate, ...] = ()
    cut: int = 0


@stage("steering", kind="measure", section="alignment", libraries=("torch", "tokenizers", "numpy"))
def steering(
    job: Job,
    *,
    name: str,
    method: str,
    model: Artifact,
    prompts: Artifact,
    judge: str,
    rules: list[dict[str, Any]],
    system: str,
    override: str,
    turns: int,
    limit: int | None,
    tokens: int,
    temperature: float,
    seed: int,
    chosen: Artifact | None = None,
) -> Steered:
    """Conversations of `turns` turns, one a prompt of the validation part (steering.parquet, STEERING).

    `limit`: conversations at most. `chosen`: at which step the model is taken; None: at its end.

    Raises:
        Mistake: the model has no roles, or its context does not hold one turn.
    """
    from model.generate import Free, generate
    from model.sampling import Sampling

    chat = Chat.of(model)
    gpt, tokenizer = loaded(model, None if chosen is None else step_of(chosen))
    asked = prompts_of(prompts, "validation", limit, seed)
    said = [one.messages[-1]["content"] for one in prompts_of(prompts, "validation")]
    obeys = ruled(rules)
    room = gpt.architecture.context - 1
    talks: list[list[dict[str, str]]] = [[{"role": "system", "content": system}] for _ in asked]
    cut: set[str] = set()
    rows: list[dict[str, Any]] = []
    told: list[Estimate] = []
    for turn in range(turns):
        draws = uniform([f"{one.id}:{turn}" for one in asked], seed, "turns of the user")
        ids = []
        for one, talk, draw in zip(asked, talks, draws, strict=True):
            text = one.messages[-1]["content"] if turn == 0 else said[int(np.floor(draw * len(said)))]
            talk.append({"role": "user", "content": f"{override} {text}" if turn % 2 else text})
            while len(chat.tokens(talk)) > room and len(talk) > 2:
                del talk[1:3]  # the earliest turn: what the user said and what was answered
                cut.add(one.id)
            if len(talk) < 2 or len(chat.tokens(talk)) > room:
                raise Mistake(
                    f"the context of {name}, {room + 1} tokens, does not hold the system message and the prompt "
                    f"{one.id}: shorten `system`, or leave long prompts out"
                )
            ids.append(chat.tokens(talk))
        how = Free(
            limit=tokens, stop=(END, *ROLES), sampling=Sampling(temperature), seed=seed,
            keys=tuple(f"steering {one.id} {turn}" for one in asked),
        )  # fmt: skip
        obeyed = []
        for one, talk, (answer,) in zip(asked, talks, generate(gpt, tokenizer, ids, how), strict=True):
            text = answer.strip()
            obeyed.append(all(value == 1 for value in obeys.parts(talk[-1]["content"], text).values()))
            rows.append({"id": one.id, "turn": turn + 1, "messages": list(talk), "answer": text, "obeyed": obeyed[-1]})
            talk.append({"role": "assistant", "content": text})
        told.append(estimate([float(one) for one in obeyed], [one.id for one in asked], seed))
        job.progress(turn + 1, turns)
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=STEERING), file)
    return Steered(name, method, judge, tuple(told), len(cut))
