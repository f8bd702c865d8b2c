"""Measure: `news`, the articles that a model writes to titles and subtitles (GPT-3, section 3.9.4).

Draws are by (seed, article, token): the same texts whatever is asked beside. How texts are drawn the paper does not say
of its news; top-p .9 is its poems' (appendix F). Its control is a small model without articles before the title and
with "increased output randomness", of which it gives no number: 1.5 is ours.
"""

from math import ceil
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.evaluation.given import Files, one
from tasks.evaluation.news.articles import KEY, SHOWN, STOP, drawn, fitted, prompt
from tasks.models.files import model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "news.parquet"
NEWS = pa.schema(
    [
        ("item", pa.string()),
        ("title", pa.string()),
        ("subtitle", pa.string()),
        ("human", pa.string()),  # what a person wrote, cut as the model's text is
        ("shots", pa.int32()),  # articles before the title that the context held; null where it was not asked
        ("temperature", pa.float64()),
        ("seed", pa.int64()),
        ("text", pa.string()),
        ("fault", pa.string()),  # why it was not asked
    ]
)
HOW = {"before": SHOWN, "temperature": 1.0}  # of a model
CONTROL = {"before": 0, "temperature": 1.5}  # of the control
TOP_P = 0.9
HEADROOM = 1.25  # tokens that a model may write, over those that people's texts of so many words have


@statistics
class Written:
    """Texts, titles that did not fit the context, texts of fewer than half the words asked for, words of the texts and
    of people's beside them, and the model's parameters (embeddings among them)."""

    texts: int = 0
    unfit: int = 0
    short: int = 0
    words: int = 0
    human_words: int = 0
    parameters: int = 0


@stage("news", kind="measure", section="news", libraries=("torch", "tokenizers", "numpy"))
def news(
    job: Job, *, model: Artifact, files: Files, titles: int, words: int, before: int, temperature: float, seed: int
) -> Written:
    """A text for each title (news.parquet), beside what a person wrote; at most `words` words of either.

    `before`: articles that stand before the title, as far as whole ones fit beside room for an answer.

    Raises:
        Mistake: the file of articles is not what it should be. Failure: it changed since it was listed.
    """
    import torch

    from model.generate import Free, generate
    from model.sampling import Sampling
    from model.score import load

    asked, shown = drawn(one(files, KEY), titles, seed)
    gpt, tokenizer, _ = load(model_folder(model), "cuda" if torch.cuda.is_available() else "cpu")
    room = gpt.architecture.context
    people = [fitted(article.text, words) for article in asked]
    tokens = sum(len(tokenizer.encode(f" {text}")) for text in people)
    limit = ceil(HEADROOM * words * tokens / sum(len(text.split()) for text in people))
    rows: list[dict[str, Any]] = []
    prompts: list[list[int]] = []
    for article, human in zip(asked, people, strict=True):
        for shots in range(before, -1, -1):
            ids = tokenizer.encode(prompt(article, shown[:shots], words))
            if len(ids) + limit <= room:
                break
        fault = None if len(ids) < room else f"its title has {len(ids):,} tokens; the context has {room:,}"
        rows.append(
            {
                "item": article.id, "title": article.title, "subtitle": article.subtitle, "human": human,
                "shots": shots if fault is None else None, "temperature": temperature, "seed": seed, "text": None,
                "fault": fault,
            }
        )  # fmt: skip
        if fault is None:
            prompts.append(ids)
    written = [row for row in rows if row["fault"] is None]
    job.progress(0, len(written))
    how = Free(
        limit=limit,
        stop=(STOP,),
        sampling=Sampling(temperature=temperature, top_p=TOP_P),
        seed=seed,
        keys=tuple(f"news {row['item']}" for row in written),
    )
    for row, (text,) in zip(written, generate(gpt, tokenizer, prompts, how), strict=True):
        row["text"] = fitted(text.strip(), words)
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=NEWS), file)
    sizes = [len(row["text"].split()) for row in written]
    return Written(
        texts=len(written),
        unfit=len(rows) - len(written),
        short=sum(2 * size < words for size in sizes),
        words=sum(sizes),
        human_words=sum(len(row["human"].split()) for row in written),
        parameters=sum(weights.numel() for weights in gpt.parameters()),
    )


def written_in(artifact: Artifact) -> list[dict[str, Any]]:
    """The rows of a model's news, titles that were not asked among them."""
    rows: list[dict[str, Any]] = read_file(artifact, FILE).to_pylist()
    return rows
