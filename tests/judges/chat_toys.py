"""Prompts as the `examples` artifact holds them, written by hand; chat models as they are initialised; answers."""

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from corpora import Counted, workers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from model import checkpoint
from model.config import Architecture
from model.gpt import GPT
from model.headed import Outputs, attach
from tasks.judges.completions import COMPLETIONS, Completed
from tasks.models.files import MODEL_FILES
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import Output
from tasks.runtime.stage import stage
from tasks.sources.input.files import expand

ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
TEXT = "name three things, please. I am sorry: apples, pears and plums. what is 12 of 3.5? a b c d class answer"


def tokenizer(path: Path, roles: bool) -> Tokenizer:
    """A byte-level BPE of a sentence; its roles follow its vocabulary."""
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator([TEXT] * 9, trainer)
    if roles:
        library.add_special_tokens([AddedToken(role, special=True) for role in ROLES])
    library.save(str(path))
    return library


@stage("pretrain", kind="fit", version="untrained chat")
def untrained(job: Job, *, roles: bool, context: int, seed: int, rewards: bool = False) -> Counted:
    path = job.workspace / "own-tokenizer.json"
    library = tokenizer(path, roles)
    shape = Architecture(layers=1, width=16, heads=2, context=context, vocabulary=library.get_vocab_size())
    end = library.token_to_id("<|endoftext|>")
    model, more = GPT(shape).initialise(seed), {}
    if rewards:
        attach(model, Outputs("reward", 1), seed)
        more = {"objective": "reward", "head": {"kind": "reward", "outputs": 1}}
    checkpoint.publish(job.workspace, model, path, "fingerprint", end, asdict(shape), more)
    for name in MODEL_FILES:
        job.put(name, job.workspace / name)
    return Counted()


def chat(run: Run, name: str = "sft", seed: int = 1, context: int = 128) -> Artifact:
    """A model that has roles."""
    return run(untrained, name, roles=True, context=context, seed=seed)


def rewarding(run: Run, context: int = 128) -> Artifact:
    """A reward model."""
    return run(untrained, "reward", roles=True, context=context, seed=3, rewards=True)


def plain(run: Run, context: int = 128) -> Artifact:
    """One that has none."""
    return run(untrained, "plain", roles=False, context=context, seed=1)


@stage("examples", kind="measure", version="by hand")
def by_hand(job: Job, *, prompts: list[list[dict[str, str]]], held_out: int, form: str) -> Counted:
    """Prompts as shared/SPECS.md 2.0 lays example shards out: the last `held_out` are validation."""
    path = job.workspace / "own-tokenizer.json"
    library = tokenizer(path, True)
    library.encode_special_tokens = True
    ids = {role: library.token_to_id(role) for role in ROLES}
    streams: dict[str, list[int]] = {"train": [], "validation": []}
    counts = dict.fromkeys(streams, 0)
    rows = []
    for number, messages in enumerate(prompts):
        split = "validation" if number >= len(prompts) - held_out else "train"
        tokens: list[int] = []
        for message in messages:
            tokens += [ids[f"<|{message['role']}|>"], *library.encode(message["content"]).ids, ids["<|end|>"]]
        tokens.append(ids["<|assistant|>"])
        rows.append(
            {
                "id": f"prompts:{number}", "split": split, "example": counts[split], "row": 0,
                "start": len(streams[split]), "tokens": len(tokens), "label": [],
            }
        )  # fmt: skip
        streams[split] += tokens
        counts[split] += 1
    for split, stream in streams.items():
        with job.publish(f"00000.{split}.bin") as file:
            file.write(b"".join(token.to_bytes(2, "little") for token in stream))
        for mask in ("loss_mask", "segment"):
            with job.publish(f"00000.{split}.{mask}.bin") as file:
                file.write(bytes(len(stream)))
    with job.publish("00000.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows), file)
    about: dict[str, Any] = {
        "format": 1, "form": form, "added": ids, "dtype": "uint16", "vocabulary": library.get_vocab_size(),
        "end_of_text": library.token_to_id("<|endoftext|>"), "classes": [], "rows": 1, "context": 512,
        "longest": max(row["tokens"] for row in rows), "tokenizer": "0" * 16,
        "tokenizer_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "streams": {"tokens": "uint16", "loss_mask": "uint8", "segment": "uint8"},
        "shards": [
            {
                "key": "00000", **{split: len(stream) for split, stream in streams.items()},
                **{f"{split}_examples": count for split, count in counts.items()},
            }
        ],
    }  # fmt: skip
    with job.publish("examples.json") as file:
        file.write(json.dumps(about).encode())
    job.put("tokenizer.json", path)
    return Counted()


def asked(run: Run, texts: list[str], held_out: int = 0, form: str = "prompt", system: str | None = None) -> Artifact:
    """Prompts of these texts."""
    before = [{"role": "system", "content": system}] if system is not None else []
    prompts = [[*before, {"role": "user", "content": text}] for text in texts]
    return run(by_hand, "prompts", prompts=prompts, held_out=held_out, form=form)


@stage("completions", kind="measure", version="said")
def said(job: Job, *, answers: dict[str, list[str] | None], prompts: dict[str, str], parameters: int) -> Completed:
    """Answers as if a model had given them; None: it was not asked."""
    told = job.total(said_block, [("00000", list(answers.items()))], prompts=prompts)
    return Completed(told.prompts, told.unfit, told.answers, parameters=parameters)


def said_block(out: Output, answers: list[tuple[str, list[str] | None]], *, prompts: dict[str, str]) -> Completed:
    rows = [
        {
            "id": id, "split": "train", "messages": [{"role": "user", "content": prompts.get(id, "a question")}],
            "seed": 1, "answers": texts, "log_likelihoods": None if texts is None else [-1.0] * len(texts),
            "fault": "too long" if texts is None else None,
        }
        for id, texts in answers
    ]  # fmt: skip
    out.write(pa.Table.from_pylist(rows, schema=COMPLETIONS))
    there = [row for row in rows if row["fault"] is None]
    return Completed(len(there), len(rows) - len(there), sum(len(row["answers"]) for row in there))


def saying(
    run: Run, name: str, answers: dict[str, list[str] | None], prompts: dict[str, str] | None = None,
    parameters: int = 1000,
) -> Artifact:  # fmt: skip
    return run(said, name, answers=answers, prompts=prompts or {}, parameters=parameters)


def written(path: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A JSONL file, listed as the DAG lists it."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [file.as_dict() for file in expand({"name": "files", "files": str(path)}, path.parent)]


def run_in(folder: Path, count: int = 1) -> Run:
    return Run(folder, workers(count))


if str(Path(__file__).parent) not in sys.path:  # worker processes import this file by its name
    sys.path.append(str(Path(__file__).parent))
