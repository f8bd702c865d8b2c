"""What stages declare, held against what they do: libraries, columns, reasons; and what no fingerprint holds."""

import ast
import importlib
import json
import pkgutil
import re
import sys
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ruled
from corpora import Counted, decided, document_id, scored, source
from examples_made import tokenizer_made

import tasks
from conf.corpus import Decontaminate
from tasks.decontaminate.benchmark import benchmark
from tasks.decontaminate.cuts import cuts
from tasks.decontaminate.frequent import frequent
from tasks.decontaminate.grams import grams
from tasks.decontaminate.hits import hits
from tasks.dedup.signatures import signatures
from tasks.dedup.survivors import survivors
from tasks.examples.asked import asked
from tasks.examples.cleared import cleared
from tasks.examples.labelled import labelled
from tasks.examples.prompts import prompts
from tasks.quality.classifier import classifier
from tasks.quality.harm import harm
from tasks.quality.harm_classifier import harm_classifier
from tasks.quality.heuristics import heuristics
from tasks.quality.keep import keep
from tasks.quality.pii import pii
from tasks.quality.score import score
from tasks.runtime import decisions, fingerprint
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import Decided
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import Output, read
from tasks.runtime.stage import Column, Stage, stage
from tasks.sources.ingest import ingest
from tasks.sources.input.files import expand
from tasks.sources.retracted import retracted
from tasks.sources.selection.select import select
from tasks.sources.webtext.submissions import submissions

OURS = ("conf", "flows", "model", "tasks")


@cache
def stages() -> dict[str, Stage]:
    """Every stage of tasks/, by name."""
    modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(tasks.__path__, "tasks.")]
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Stage)}
    named = {what.name: what for what in found.values()}
    assert len(named) == len(found) >= 17, "two stages have one name"
    return named


# ---- libraries

# What a stage's code imports and its fingerprint leaves out: (stage, distribution) and why.
LEFT_OUT = {
    ("ingest", "trafilatura"): "its version stands in the parameter `extractor` where it is used",
    ("benchmark", "isal"): "undoes a lossless code, as zstandard does",
    ("benchmark", "lz4"): "undoes a lossless code, as zstandard does",
    ("benchmark", "zstandard"): "undoes a lossless code: any version gives the same bytes, or an error",
    ("answers", "botocore"): "signs requests to a store",
    ("answers", "obstore"): "brings files here, which are checked",
    ("answers", "safetensors"): "reads weights: a lossless container",
    ("perplexity", "botocore"): "signs requests to a store",
    ("perplexity", "obstore"): "brings files here, which are checked",
    ("perplexity", "safetensors"): "reads weights: a lossless container",
    ("asked", "awkward"): "holds the ids that gigatoken gives, which is not asked here",
    ("asked", "gigatoken"): "prompts are encoded by `tokenizers` alone",
    ("examples", "awkward"): "holds the ids that gigatoken gives, which is not asked here",
    ("examples", "gigatoken"): "records are encoded by `tokenizers` alone",
    ("file-perplexity", "botocore"): "signs requests to a store",
    ("file-perplexity", "isal"): "undoes a lossless code, as zstandard does",
    ("file-perplexity", "lz4"): "undoes a lossless code, as zstandard does",
    ("file-perplexity", "obstore"): "brings files here, which are checked",
    ("file-perplexity", "safetensors"): "reads weights: a lossless container",
    ("file-perplexity", "zstandard"): "undoes a lossless code: any version gives the same bytes, or an error",
    ("completions", "botocore"): "signs requests to a store",
    ("completions", "obstore"): "brings files here, which are checked",
    ("completions", "safetensors"): "reads weights: a lossless container",
    ("judged", "botocore"): "signs requests to a store",
    ("judged", "isal"): "undoes a lossless code, as zstandard does",
    ("judged", "lz4"): "undoes a lossless code, as zstandard does",
    ("judged", "pydantic"): "refuses rules that are none; what it lets through is as the record has it",
    ("judged", "obstore"): "brings files here, which are checked",
    ("judged", "safetensors"): "reads weights: a lossless container",
    ("judged", "zstandard"): "undoes a lossless code, as zstandard does",
    ("steering", "botocore"): "signs requests to a store",
    ("steering", "obstore"): "brings files here, which are checked",
    ("steering", "safetensors"): "reads weights: a lossless container",
    ("harm-classifier", "isal"): "undoes a lossless code, as zstandard does",
    ("harm-classifier", "lz4"): "undoes a lossless code, as zstandard does",
    ("harm-classifier", "zstandard"): "undoes a lossless code: any version gives the same bytes, or an error",
    ("head-answers", "botocore"): "signs requests to a store",
    ("head-answers", "obstore"): "brings files here, which are checked",
    ("head-answers", "safetensors"): "reads weights: a lossless container",
    ("imported", "botocore"): "signs requests to a store",
    ("imported", "obstore"): "brings files here; this stage's are here",
    ("labels", "isal"): "undoes a lossless code, as zstandard does",
    ("labels", "lz4"): "undoes a lossless code, as zstandard does",
    ("labels", "zstandard"): "undoes a lossless code: any version gives the same bytes, or an error",
    ("news", "botocore"): "signs requests to a store",
    ("news", "obstore"): "brings files here, which are checked",
    ("news", "safetensors"): "reads weights: a lossless container",
    ("news", "isal"): "undoes a lossless code, as zstandard does",
    ("news", "lz4"): "undoes a lossless code, as zstandard does",
    ("news", "zstandard"): "undoes a lossless code: any version gives the same bytes, or an error",
    ("news-judged", "isal"): "undoes a lossless code, as zstandard does",
    ("news-judged", "lz4"): "undoes a lossless code, as zstandard does",
    ("news-judged", "zstandard"): "undoes a lossless code: any version gives the same bytes, or an error",
    ("ngrams", "botocore"): "signs requests to a store",
    ("ngrams", "obstore"): "brings files here, which are checked",
    ("ngrams", "tokenizers"): "imported beside the check that tokens are of one tokenizer; text was tokenised before",
    ("pretrain", "botocore"): "signs requests to a store",
    ("pretrain", "obstore"): "brings files here, which are checked",
    ("pretrain", "numpy"): "the order of windows, integers again; MODEL_VERSION stands for the trainer's own code",
    ("pretrain", "pyyaml"): "writes run.yaml in the workspace, which is no file of the artifact",
    ("pretrain", "tokenizers"): "the model's tokenizer is a copy of the file; text was tokenised before",
    ("probes", "botocore"): "signs requests to a store",
    ("probes", "obstore"): "brings files here, which are checked",
    ("probes", "safetensors"): "reads weights: a lossless container",
    ("samples", "botocore"): "signs requests to a store",
    ("samples", "obstore"): "brings files here, which are checked",
    ("samples", "safetensors"): "reads weights: a lossless container",
    ("samples", "isal"): "undoes a lossless code, as zstandard does",
    ("samples", "lz4"): "undoes a lossless code, as zstandard does",
    ("samples", "zstandard"): "undoes a lossless code: any version gives the same bytes, or an error",
    ("reward-accuracy", "botocore"): "signs requests to a store",
    ("reward-accuracy", "obstore"): "brings files here, which are checked",
    ("reward-accuracy", "safetensors"): "reads weights: a lossless container",
    ("reward-accuracy", "tokenizers"): "imported beside a model; token ids are read as they are",
    ("reward-by-step", "botocore"): "signs requests to a store",
    ("reward-by-step", "obstore"): "brings files here, which are checked",
    ("reward-by-step", "safetensors"): "reads weights: a lossless container",
    ("report", "rouge-score"): "of metrics, which scores are made with; the report reads what they came to",
    ("report", "sacrebleu"): "of metrics, which scores are made with; the report reads what they came to",
    ("ppo", "botocore"): "signs requests to a store",
    ("ppo", "obstore"): "brings files here, which are checked",
    ("ppo", "numpy"): "draws and the order of episodes, integers; MODEL_VERSION stands for the trainer's own code",
    ("ppo", "pyyaml"): "writes run.yaml in the workspace, which is no file of the artifact",
    ("ppo", "tokenizers"): "the model's tokenizer is a copy of its start's; prompts were tokenised before",
    ("train", "botocore"): "signs requests to a store",
    ("train", "obstore"): "brings files here, which are checked",
    ("train", "numpy"): "the order of examples, integers; MODEL_VERSION stands for the trainer's own code",
    ("train", "pyarrow"): "reads the rows of examples, as they were written",
    ("train", "pyyaml"): "writes run.yaml in the workspace, which is no file of the artifact",
    ("train", "tokenizers"): "the model's tokenizer is a copy of the examples' file; text was tokenised before",
    ("tokens", "awkward"): "holds the ids that gigatoken gives, as they are",
    ("select", "isal"): "what a list of records needs of parts.py is a tuple",
    ("select", "lz4"): "what a list of records needs of parts.py is a tuple",
    ("select", "zstandard"): "what a list of records needs of parts.py is a tuple",
    ("sample", "fastwarc"): "its parameter `machine` is a hash of every installed distribution",
    ("sample", "resiliparse"): "its parameter `machine` is a hash of every installed distribution",
}


def own_code(what: Stage) -> set[str]:
    """A stage's modules, as its fingerprint has them, but those that are there for their stage's door alone.

    What is read through a door was shaped by the other stage, whose libraries are in the input's fingerprint.
    """
    others = {other.function.__module__ for other in stages().values()} - {what.function.__module__}
    own, waiting = set(), [what.function.__module__]
    known = set(fingerprint.code_hashes(what.function.__module__))
    while waiting:
        name = waiting.pop()
        if name in own or name in others or name not in known:
            continue
        own.add(name)
        waiting.extend(fingerprint.imports(fingerprint._source(name)))
    return own


@cache
def distributions(module: str) -> set[str]:
    """What a module imports that is neither ours nor Python's, as the names of distributions."""
    found = set()
    for node in ast.walk(ast.parse(fingerprint._source(module).read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for top in {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - set(OURS):
            found |= {plain(name) for name in installed().get(top, [top])}
    return found


@cache
def installed() -> Mapping[str, list[str]]:
    return packages_distributions()


def plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@pytest.mark.parametrize("name", sorted(stages()))
def test_declared_libraries_are_those_that_the_code_imports(name: str) -> None:
    what = stages()[name]
    imported = {library for module in own_code(what) for library in distributions(module)}
    module = what.function.__module__
    counted = what.libraries if what.version else fingerprint.libraries_of(module, what.libraries)
    missing = imported - {plain(library) for library in counted}
    assert missing == {library for stage, library in LEFT_OUT if stage == name}


def test_the_libraries_of_a_stage_are_seen() -> None:
    assert {"gigatoken", "tokenizers", "numpy", "pyarrow"} <= distributions("tasks.tokens.encode")
    assert "tasks.sources.page.extract" in own_code(stages()["ingest"])
    assert "tasks.quality.classifier" not in own_code(stages()["score"])
    for name, told in (("ingest", True), ("overlap", True), ("mixture", False)):
        what = stages()[name]
        known = fingerprint.versions(fingerprint.libraries_of(what.function.__module__, what.libraries))
        assert (known.get("unicodedata") == unicodedata.unidata_version) == told


# ---- columns and reasons

LEAK = " ".join(f"leak{n}" for n in range(13))
FILL = " ".join(f"fill{n}" for n in range(300))
TEXTS = [
    *(f"{FILL} {n}" for n in range(3)),
    "one two three four five",
    "one two three four five",
    "six seven eight nine ten",
    "six seven eight nine ten",
    f"{FILL} a {LEAK} b {FILL}",
    LEAK,
    *(f"text {n} " * 30 for n in range(40)),
]


def index_of(folder: Path) -> dict[str, Any]:
    """Arguments of `select` for a crawl of one record, in a folder."""
    where = {"warc_filename": "a.warc", "warc_record_offset": 0, "warc_record_length": 9}
    row = {"url_surtkey": "org,example)/", "url": "http://example.org/", "url_host_name": "example.org", **where}
    row["fetch_status"] = 200
    pq.write_table(pa.Table.from_pylist([row]), folder / "index.parquet")
    (folder / "a.warc").write_bytes(b"x" * 9)
    files = [file.as_dict() for file in expand({"name": "crawl", "files": "index.parquet"}, folder)]
    anything: dict[str, Any] = {"domains": ["org"], "prefixes": [], "languages": [], "mime": [], "status": []}
    return {"files": files, "source": "crawl", "base": str(folder), "shard": 100, **anything}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """An artifact of every stage that declares columns, by stage; documents leave for every reason."""
    from corpora import workers

    folder = tmp_path_factory.mktemp("declared")
    run = Run(folder / "store", workers(1))
    ids = [document_id("web", n) for n in range(len(TEXTS))]
    ids[6] = ids[5]  # one document twice
    ids[9] = ids[40]  # two documents of one id
    documents = source(run, "web", TEXTS, shards=2, ids=ids, languages=["en", "de"] + ["en"] * (len(TEXTS) - 2))
    (folder / "a.txt").write_text("A text of some words.")
    files = [file.as_dict() for file in expand({"name": "files", "files": "a.txt"}, folder)]
    fields = {"text": "text", "id": None, "url": None}
    read_in = run(ingest, "files", files=files, source="files", kind="text", fields=fields, reject_share=0.0)
    other = source(run, "good", [f"other {n}" for n in range(20)])
    how = {"preset": "modern", "sample": 40, "features": 64, "validation": 0.0, "seed": 1}
    fitted = run(classifier, "all", good=[other], raw=[documents], **how)
    kept, counted = kept_by_rules(run, folder)
    everything = decided(run, documents)
    signed = run(signatures, "web", documents=documents, shingle=5, permutations=64, seed=1)
    how = {"bands": 16, "rows": 4, "threshold": 0.5, "bucket": 64}
    inputs = {"documents": [documents], "before": everything, "signatures": [signed], "buckets": []}
    survived = run(survivors, "web", **inputs, memory=1 << 30, **how)
    (folder / "quiz.jsonl").write_text('{"text": "' + LEAK + '"}\n')
    items = run(benchmark, "quiz", files=[{"path": str(folder / "quiz.jsonl")}], inside=None, text=["text"])
    how = Decontaminate()
    wanted = run(grams, "all", benchmarks={"quiz": items}, rules=how.sought(), seed=None)
    met = run(hits, "web", documents=documents, grams=wanted, margin=0)
    often = run(frequent, "all", documents=[documents], hits=[met], before=[everything], grams=wanted, limit=10)
    inputs = {"documents": documents, "hits": met, "before": everything, "grams": wanted, "frequent": often}
    cut = run(cuts, "web", **inputs, rule="gpt3", judged=how.judged(), shortest=200, pieces=1)
    given = run(score, "web", documents=documents, classifier=fitted)
    (folder / "posts.jsonl").write_text('{"url": "http://example.org/", "score": 3}\n')
    files = [file.as_dict() for file in expand({"name": "posts", "files": "posts.jsonl"}, folder)]
    posted = run(submissions, "posts", files=files, source="posts", reject_share=0.0)
    chosen = run(select, "crawl", **index_of(folder))
    taken = run(retracted, "web", documents=documents, before=None, ids=sorted(set(ids[:2])))
    read_records, clear = records_cleared(run, folder)
    of_records = (read_records, clear, *prompts_decided(run, folder))
    every = (read_in, posted, chosen, taken, kept, *counted, signed, survived, cut, given, *of_records)
    return {each.stage: each for each in every}


def records_cleared(run: Run, folder: Path) -> tuple[Artifact, Artifact]:
    """Labelled records, and which of them hold no benchmark text."""
    lines = [json.dumps({"text": text, "label": "x"}) for text in (LEAK, FILL, f"{FILL} {LEAK} {FILL}")]
    (folder / "records.jsonl").write_text("\n".join(lines))
    files = [file.as_dict() for file in expand({"name": "records", "files": "records.jsonl"}, folder)]
    reading = {"form": "classify", "fields": {"text": "text", "label": "label"}, "classes": ["x", "y"]}
    records = run(labelled, "records", files=files, **reading, reject_share=0.0)
    items = run(benchmark, "quiz", files=[{"path": str(folder / "quiz.jsonl")}], inside=None, text=["text"])
    how = Decontaminate()
    wanted = run(grams, "all", benchmarks={"quiz": items}, rules=how.sought(), seed=None)
    met = run(hits, "records", documents=records, grams=wanted, margin=0)
    every = decided(run, records)
    often = run(frequent, "records", documents=[records], hits=[met], before=[every], grams=wanted, limit=10)
    inputs = {"documents": records, "hits": met, "grams": wanted, "frequent": often}
    return records, run(cleared, "records", **inputs, rule="gpt3", judged=how.judged())


def prompts_decided(run: Run, folder: Path) -> tuple[Artifact, Artifact]:
    """What is known of prompts, and which of them stay; one leaves for each reason."""
    told = ["the mill", "The  mill", "write to joe@example.org", "the mill " * 30, "a sea", "a sun"]
    lines = [json.dumps({"prompt": text, "user": "ann"}) for text in told]
    (folder / "prompts.jsonl").write_text("\n".join(lines))
    files = [file.as_dict() for file in expand({"name": "prompts", "files": "prompts.jsonl"}, folder)]
    reading = {"form": "prompt", "fields": {"messages": "messages", "prompt": "prompt"}, "classes": []}
    records = run(labelled, "prompts", files=files, **reading, reject_share=0.0)
    met = run(asked, "prompts", documents=records, tokenizer=tokenizer_made(run), prefix=20, **reading)
    rules = {"tokens": 40, "personal": True, "same_prefix": True, "per_user": 2}
    return met, run(prompts, "prompts", documents=records, asked=met, before=None, rules=rules)


def kept_by_rules(run: Run, folder: Path) -> tuple[Artifact, list[Artifact]]:
    """What `keep` says of texts of which some leave for each of its reasons, and the measures that it read."""
    texts = [*ruled.BREAKS.values()] * 3 + [ruled.BASE] * 3
    languages = ["en"] * (len(texts) - 1) + ["de"]
    documents = source(run, "ruled", texts, shards=2, languages=languages)
    ruled.labels(folder / "labels.jsonl")
    files = {"files": [{"path": str(folder / "labels.jsonl")}], "inside": None}
    fields = {"yes": "rejected", "no": "chosen"}
    fitted = run(harm_classifier, "harm", **files, fields=fields, features=4096, seed=1)
    counted = {
        "heuristics": run(heuristics, "ruled", documents=documents),
        "pii": run(pii, "ruled", documents=documents),
        "harm": run(harm, "ruled", documents=documents, classifier=fitted),
    }
    how = {"pareto": None, "threshold": 0.5, "languages": ["en"], "seed": 1, "measures": counted, "rules": ruled.LIMITS}
    measured = scored(run, documents, [0.1, *[0.9] * 9])
    kept = run(keep, "ruled", documents=documents, before=None, scores=measured, **how)
    return kept, list(counted.values())


def test_every_stage_with_columns_writes_what_it_declares(made: dict[str, Artifact]) -> None:
    assert {name for name, what in stages().items() if what.columns} == set(made)
    for name, artifact in made.items():
        for shard in artifact.shards():
            schema = read(shard).schema
            assert schema.names == [column.name for column in stages()[name].columns]
            for column in stages()[name].columns:
                written = schema.field(column.name).type
                # Parquet keeps seconds as milliseconds.
                same = column.type in (None, written) or pa.types.is_timestamp(written)
                assert same, f"{name}.{column.name}: {column.type} is declared, {written} written"


def test_a_decisions_reasons_are_those_that_it_declares(made: dict[str, Artifact]) -> None:
    deciding = {name: what for name, what in stages().items() if issubclass(what.statistics, Decided)}
    assert {name for name, what in stages().items() if what.reasons and what.kind == "decision"} == set(deciding)
    for name, what in deciding.items():
        assert decisions.KEEP in what.columns and decisions.REASON in what.columns and what.title
        counted = decisions.decided(made[name]).reasons
        assert set(counted) == set(what.reasons)
        rows = [row for shard in made[name].shards() for row in read(shard, ["keep", "reason"]).to_pylist()]
        written = [row["reason"] for row in rows if row["reason"] is not None]
        assert counted == {reason: written.count(reason) for reason in what.reasons}
        assert all(row["keep"] == (row["reason"] is None) for row in rows)
        assert min(counted.values()) > 0, f"{name}: choose texts of which one leaves for each reason: {counted}"


def test_the_reasons_that_ingest_rejects_for_are_declared() -> None:
    """Those that readers raise `Bad` with; that rejects.parquet holds no other is seen in tests/sources."""
    raised = {
        node.args[0].value
        for module in own_code(ingest)
        for node in ast.walk(ast.parse(fingerprint._source(module).read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Bad"
        if isinstance(node.args[0], ast.Constant)
    }
    assert len(raised) > 8 and raised <= set(ingest.reasons)


@stage("liar", kind="measure", version="1", columns=(Column("score", pa.float32(), "a score"),))
def liar(job: Job, *, documents: Artifact, written: str) -> Counted:
    return job.total(liar_shard, [(shard.key, shard) for shard in documents.shards()], written=written)


def liar_shard(out: Output, shard: Shard, *, written: str) -> Counted:
    columns = {
        "score": {"score": pa.array([0.5] * shard.rows, pa.float32())},
        "another type": {"score": pa.array([0.5] * shard.rows, pa.float64())},
        "another name": {"scores": pa.array([0.5] * shard.rows, pa.float32())},
        "one more": {"score": pa.array([0.5] * shard.rows, pa.float32()), "more": pa.nulls(shard.rows)},
    }
    out.of(shard)
    out.write(pa.table(columns[written]))
    return Counted(shard.rows)


@pytest.mark.parametrize("written", ["another type", "another name", "one more"])
def test_other_columns_than_declared_stop_the_stage(run: Run, written: str) -> None:
    documents = source(run, "web", ["a", "b"])
    assert run(liar, "web", documents=documents, written="score").built
    with pytest.raises(RuntimeError, match=r"liar declares the columns .*score.* and writes"):
        run(liar, "web", documents=documents, written=written)


# ---- what shapes no byte


def hashed(path: Path, text: str) -> str:
    path.write_text(text)
    fingerprint._facts.cache_clear()
    return fingerprint._file_hash(path)


CODE = '''
def f(a):
    """What it does."""
    if a > 1:
        raise Failure(f"{a} is too much; give less")
    if a < 0:
        raise ValueError("too little")
    return "a text"
'''


def test_the_wording_of_errors_for_people_is_in_no_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    before = hashed(path, CODE)
    assert hashed(path, CODE.replace('f"{a} is too much; give less"', '"that is " + str(a)')) == before
    assert hashed(path, CODE.replace("What it does", "What it did")) == before
    assert hashed(path, CODE.replace("raise Failure", "raise Mistake")) != before
    assert hashed(path, CODE.replace("too little", "much too little")) != before, "only our two errors are sentences"
    assert hashed(path, CODE.replace("a > 1", "a > 2")) != before
    assert hashed(path, CODE.replace("a text", "text")) != before


def test_what_brings_files_here_and_tells_of_them_is_in_no_fingerprint() -> None:
    every = {module for what in stages().values() for module in fingerprint.code_hashes(what.function.__module__)}
    ways = ("asking", "bring", "budget", "manners", "objects", "outages")
    silent = {
        *(f"tasks.sources.remote.{name}" for name in ways),
        *(f"tasks.sources.input.{name}" for name in ("files", "hashed", "matches")),
        "tasks.sources.told",
        "tasks.sources.records",
        "tasks.models.steps",
        "tasks.models.tuned_steps",
        *(f"tasks.retraction.{name}" for name in ("difference", "evidence", "held", "named", "sample")),
        "tasks.decontaminate.told",
        "tasks.dedup.told",
        "tasks.examples.told",
        "tasks.quality.told",
        "tasks.sources.found",
        "tasks.tokens.told",
        "tasks.kernels.ahead",
        "tasks.kernels.cache",
    }
    assert not silent & every
    assert silent <= {found.name for found in pkgutil.walk_packages(tasks.__path__, "tasks.")}
    assert {"tasks.sources.ingest", "tasks.sources.parts", "tasks.sources.rejects"} <= every
    assert not [module for module in every if module.startswith(("tasks.runtime", "conf", "flows"))]
