"""Measure: `asked`, what the rules on prompts look at (prompts.py): tokens, personal data, beginning, and whose it is.

A prompt is all that a record says before the answer: its messages, joined. What was found is counted, and not written.
"""

import hashlib
import json
from typing import Any

import pyarrow as pa

from tasks.examples.fields import item_of, user_of
from tasks.examples.vocabulary import encoder
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics
from tasks.tokens.tokenizer import tokenizer_file

COLUMNS = (
    Column("prompt_tokens", pa.int32(), "of the messages before the answer, without roles"),
    Column("personal", pa.int32(), "places that look like personal data (tasks/kernels/pii.py)"),
    Column("begins", pa.string(), "hash of the prompt's first characters, white space and case apart"),
    Column("user", pa.string(), "the record's `user`, hashed; null where it names none"),
)
SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])


@statistics
class Asked:
    """Records, tokens of their prompts, records that look to hold personal data, and that name a user."""

    documents: int = 0
    tokens: int = 0
    personal: int = 0
    named: int = 0


@stage("asked", kind="measure", columns=COLUMNS, libraries=("tokenizers",))
def asked(
    job: Job,
    *,
    documents: Artifact,
    tokenizer: Artifact,
    form: str,
    fields: dict[str, Any],
    classes: list[str],
    prefix: int,
) -> Asked:
    """Of each labelled record what is to be known of its prompt; `prefix`: so many characters are its beginning."""
    items: list[tuple[str, Any]] = [(shard.key, shard) for shard in documents.shards()]
    reading = {"form": form, "fields": fields, "classes": tuple(classes)}
    return job.total(asked_shard, items, tokenizer=tokenizer, prefix=prefix, **reading)


def asked_shard(
    out: Output,
    shard: Shard,
    *,
    tokenizer: Artifact,
    form: str,
    fields: dict[str, Any],
    classes: tuple[str, ...],
    prefix: int,
) -> Asked:
    from tasks.kernels.pii import counts_of

    out.of(shard)
    out.write(SCHEMA.empty_table())  # a shard without rows has its columns too
    encode = encoder(tokenizer_file(tokenizer).read_bytes())
    made = Asked()
    for batch in batches(shard, ["meta"]):
        records = [json.loads(record) for record in batch.column("meta").to_pylist()]
        texts = ["\n".join(item_of(record, form, fields, classes).asked) for record in records]
        sizes = [len(encode(text).ids) for text in texts]
        personal = counts_of(pa.array(texts, pa.large_string())).sum(1)
        users = [None if (user := user_of(record)) is None else _hash(user) for record in records]
        columns = [sizes, personal, [beginning(text, prefix) for text in texts], users]
        out.write(pa.table([pa.array(of, one.type) for of, one in zip(columns, SCHEMA, strict=True)], schema=SCHEMA))
        made = Asked(
            made.documents + len(texts),
            made.tokens + sum(sizes),
            made.personal + int((personal > 0).sum()),
            made.named + sum(user is not None for user in users),
        )
    return made


def beginning(text: str, prefix: int) -> str:
    """A hash of the first characters, in lower case and with single spaces."""
    return _hash(" ".join(text.lower().split())[:prefix])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
