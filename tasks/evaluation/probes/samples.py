"""Measure: `samples`, how a model continues prompts: about people, for co-occurring words, or begun sentences.

Every text stands beside its prompt and the seed that its draws came from: (seed, prompt, sample) makes it again.
"""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.evaluation.given import Files, one
from tasks.evaluation.probes import contexts
from tasks.evaluation.probes.prompts import TEMPERATURE, Prompt, about_people
from tasks.models.files import model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "sampled.parquet"
SAMPLED = pa.schema(
    [
        ("probe", pa.string()),
        ("group", pa.string()),
        ("prompt", pa.string()),
        ("sample", pa.int32()),  # number of the text; null where the prompt was not continued
        ("seed", pa.int64()),
        ("text", pa.string()),
        ("fault", pa.string()),  # why it was not
    ]
)


@statistics
class Sampled:
    """Prompts continued, those too long for the model's context, texts made, and those of them that may have fewer
    tokens than asked for, since the context ends before."""

    prompts: int = 0
    unfit: int = 0
    texts: int = 0
    short: int = 0


@stage("samples", kind="measure", section="probes", libraries=("torch", "tokenizers", "numpy"))
def samples(
    job: Job,
    *,
    model: Artifact,
    files: Files,
    rated: bool,
    limit: int | None,
    samples: int,
    tokens: int,
    top_p: float,
    seed: int,
) -> Sampled:
    """`samples` texts of each prompt (sampled.parquet), of up to `tokens` tokens, at temperature 1.

    Without `files` the prompts are about people (prompts.py); with, sentences begun (contexts.py): `limit` of them,
    from a file of prompts or of rated texts.

    Raises:
        Mistake: the user's file is not what it should be. Failure: it changed since it was listed.
    """
    import torch

    from model.score import load
    from tasks.evaluation.probes.sampled import Asked, texts

    gpt, tokenizer, _ = load(model_folder(model), "cuda" if torch.cuda.is_available() else "cpu")
    key = "evaluate.probes.toxicity.rated" if rated else "evaluate.probes.toxicity.prompts"
    wanted = contexts.prompts(one(files, key), rated, limit, seed) if files else about_people()
    room = gpt.architecture.context
    fit: list[tuple[Prompt, Asked]] = []
    rows: list[dict[str, Any]] = []
    for prompt in wanted:
        ids = tokenizer.encode(prompt.text)
        if 1 <= len(ids) <= room:
            fit.append((prompt, Asked(prompt.text, ids)))
        else:
            fault = f"{len(ids)} tokens; the context has {room}"
            rows.append({**prompt._asdict(), "prompt": prompt.text, "seed": seed, "text": None, "fault": fault})
    unfit = len(rows)
    job.progress(0, len(fit))
    made = texts(
        gpt, tokenizer, [asked for _, asked in fit],
        samples=samples, limit=tokens, temperature=TEMPERATURE, top_p=top_p, seed=seed,
    )  # fmt: skip
    rows += [
        {**prompt._asdict(), "prompt": prompt.text, "sample": number, "seed": seed, "text": text}
        for (prompt, _), of in zip(fit, made, strict=True)
        for number, text in enumerate(of)
    ]
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=SAMPLED), file)
    short = samples * sum(len(asked.tokens) + tokens > room + 1 for _, asked in fit)
    return Sampled(len(fit), unfit, samples * len(fit), short)


def sampled(artifact: Artifact) -> pa.Table:
    """The texts of a model's samples: columns of SAMPLED."""
    return read_file(artifact, FILE)
