"""Measure: `completions`, K answers of a model to each prompt of an `examples` artifact.

A draw hangs on (seed, prompt's id, number of the answer, token) alone (model/generate.py): the same answers whatever is
asked beside, in whatever blocks. A model whose tokenizer has the roles reads the prompt's tokens and ends with <|end|>;
one that has never seen a role, such as what was pretrained alone, reads what the messages say, a line each, and ends a
line: it is asked as the paper asks GPT-3 without a prompt of its own.
"""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa

from model.chat import END, ROLES, roles_of
from tasks.judges.messages import text_of
from tasks.judges.prompts import TOKENIZER, Prompt, prompts_of
from tasks.models.chosen_step import step_of
from tasks.models.files import ABOUT, model_folder
from tasks.models.loaded import loaded
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

BLOCK = 64  # prompts of a file
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
COMPLETIONS = pa.schema(
    [
        ("id", pa.string()),  # of the prompt
        ("split", pa.string()),
        ("messages", MESSAGES),
        ("seed", pa.int64()),
        ("answers", pa.list_(pa.string())),  # null where the prompt was not asked
        ("log_likelihoods", pa.list_(pa.float64())),  # nats, of each answer with the end that the model wrote
        ("fault", pa.string()),  # why it was not
    ]
)


@statistics
class Completed:
    """Prompts asked, those too long for the context, and answers: all, those of no word, and those that say what an
    earlier answer to the same prompt says. And the model's parameters, embeddings among them."""

    prompts: int = 0
    unfit: int = 0
    answers: int = 0
    empty: int = 0
    repeated: int = 0
    parameters: int = 0


@stage("completions", kind="measure", section="alignment", libraries=("torch", "tokenizers", "numpy"))
def completions(
    job: Job,
    *,
    model: Artifact,
    prompts: Artifact,
    split: str | None,
    limit: int | None,
    answers: int,
    tokens: int,
    temperature: float,
    seed: int,
    chosen: Artifact | None = None,
) -> Completed:
    """`answers` answers of up to `tokens` tokens to each prompt of a split (COMPLETIONS, blocks of 64 prompts).

    `split`: train or validation; None: both. `limit`: prompts at most, drawn by hash. `chosen`: at which step the model
    is taken; None: at its end. An answer has no white space around it.

    Raises:
        Mistake: the examples are of another form; the model's roles are other tokens than theirs.
    """
    import torch

    from model.config import Architecture, parameters

    asked = prompts_of(prompts, split, limit, seed)
    if torch.cuda.is_available():  # one process has the device
        job.engine = LocalEngine(1)
    blocks = [(f"{at // BLOCK:05d}", asked[at : at + BLOCK]) for at in range(0, len(asked), BLOCK)]
    how = {
        "answers": answers,
        "tokens": tokens,
        "temperature": temperature,
        "seed": seed,
        "step": None if chosen is None else step_of(chosen),
    }
    told = job.total(answered, blocks, model=model, prompts=prompts, **how)
    about = json.loads((model_folder(model) / ABOUT).read_bytes())
    return replace(told, parameters=parameters(Architecture(**about["architecture"])))


def answered(
    out: Output,
    asked: list[Prompt],
    *,
    model: Artifact,
    prompts: Artifact,
    answers: int,
    tokens: int,
    temperature: float,
    seed: int,
    step: int | None,
) -> Completed:
    """A block. Runs in a worker, on one thread."""
    import torch

    from model.generate import Free, generated
    from model.sampling import Sampling

    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    gpt, tokenizer = loaded(model, step)
    roles = knows_roles(model, prompts)
    rows: list[dict[str, Any]] = []
    for prompt in asked:
        ids = prompt.tokens if roles else tokenizer.encode(text_of(prompt.messages) + "\n")
        room = gpt.architecture.context
        fault = f"{len(ids):,} tokens; the context of {room:,} leaves no room" if len(ids) >= room else None
        rows.append({"id": prompt.id, "split": prompt.split, "messages": prompt.messages, "seed": seed, "fault": fault})
        rows[-1]["ids"] = ids
    fit = [row for row in rows if row["fault"] is None]
    how = Free(
        limit=tokens,
        stop=(END, *ROLES) if roles else ("\n",),
        sampling=Sampling(temperature),
        samples=answers,
        seed=seed,
        keys=tuple(f"completion {row['id']}" for row in fit),
    )
    for row, made in zip(fit, generated(gpt, tokenizer, [row["ids"] for row in fit], how), strict=True):
        row["answers"] = [one.text.strip() for one in made]
        row["log_likelihoods"] = [one.log_likelihood for one in made]
    table = [{name: row.get(name) for name in COMPLETIONS.names} for row in rows]
    out.write(pa.Table.from_pylist(table, schema=COMPLETIONS))
    texts = [row["answers"] for row in fit]
    return Completed(
        prompts=len(fit),
        unfit=len(rows) - len(fit),
        answers=sum(map(len, texts)),
        empty=sum(not text for each in texts for text in each),
        repeated=sum(len(each) - len(set(each)) for each in texts),
    )


def knows_roles(model: Artifact, prompts: Artifact) -> bool:
    """Whether a model reads the prompts' own tokens.

    Raises:
        Mistake: it has roles, and they are other tokens.
    """
    wanted = roles_of(prompts.read(TOKENIZER))
    own = roles_of((model_folder(model) / TOKENIZER).read_bytes())
    if not own:
        return False
    if own != wanted:
        raise Mistake(
            f"{model.name} has roles of other tokens than {prompts.name}: both must come from the pipeline's tokenizer"
        )
    return True


def completed(artifact: Artifact) -> list[dict[str, Any]]:
    """The rows of COMPLETIONS, prompt by prompt; those that were not asked among them."""
    rows: list[dict[str, Any]] = pa.concat_tables([read(block) for block in artifact.shards()]).to_pylist()
    return rows
