"""`dedup: rehydrate`: documents that stood in a source several times count several times in training, as conf says.

Through the DAG, from files to the windows of the loader; what is expected is counted from the texts alone.
"""

import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from corpora import contents, workers
from rich.console import Console

from conf.load import load
from conf.pipeline import Pipeline
from flows import dag
from flows.dag.built import Built
from flows.explain import show
from model.windows import Windows
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.tokens.mixture import Mixed, mixture_file
from tasks.tokens.pieces import held_out
from tasks.tokens.tokenizer import tokenizer_file
from tasks.tokens.tokens import Tokenised, TokenShards

WORDS = ["river", "stone", "lantern", "meadow", "copper", "window", "harbour", "thistle", "velvet", "ember", "quarry"]
VALIDATION, SEED = 0.3, 1
TABLE = {2: 2, 4: 3, 10: 1}
CLUSTERS = [1] * 40 + [2, 3, 2, 3, 4, 5, 4, 6, 4, 9, 10, 12] * 2  # how often each text stands in the source
CONTEXT = 16
REHYDRATE = f"dedup: {{rehydrate: {TABLE}}}\n"
MODEL = "{preset: demo, layers: 1, width: 16, heads: 2, context: 16, updates: 2, batch: 32, warm_up: 1, band: null}"


def prose(seed: int) -> str:
    return " ".join(f"{WORDS[(seed * 7 + n * n) % len(WORDS)]}{seed}x{n}" for n in range(20 + seed % 9))


def expected_times(members: int) -> int:
    return 2 if 2 <= members < 4 else 3 if 4 <= members < 10 else 1


def pipeline(folder: Path, rehydrate: str) -> Path:
    """Two sources of one group; of a text in both the first holds all that count."""
    folder.mkdir(exist_ok=True)
    # Copies lie apart, and in several shards.
    web = [prose(number) for copy in range(max(CLUSTERS)) for number, count in enumerate(CLUSTERS) if copy < count]
    for name, texts in (("web", web), ("more", [prose(900), prose(41), prose(901), prose(900)])):
        lines = [json.dumps({"id": n, "text": text}) for n, text in enumerate(texts)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    sources = "".join(
        f"  {name}: {{kind: jsonl, files: {folder}/{name}.jsonl, id: id, shard: 12000, group: crawl}}\n"
        for name in ("web", "more")
    )
    path = folder / "conf.yaml"
    path.write_text(
        f"store: {folder}/store\nseed: {SEED}\nvalidation: {VALIDATION}\nsources:\n{sources}"
        f"tokenizer: {{vocabulary: 300}}\n{rehydrate}models:\n  tiny: {MODEL}\n"
    )
    return path


def built(path: Path, engine: LocalEngine, until: Callable[[Run, Pipeline], Built]) -> tuple[Run, Built]:
    conf = load(path)
    run = Run(conf.store_url(), engine)
    return run, until(run, conf)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Built]:
    return built(pipeline(tmp_path_factory.mktemp("rehydrated") / "on", REHYDRATE), LocalEngine(1), dag.crawl_to_model)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(pipeline(tmp_path_factory.mktemp("plain") / "off", ""), LocalEngine(1), dag.train_tokenizer)[1]


def texts_of(ids: np.ndarray, tokenizer: Artifact) -> Counter[str]:
    """The documents of a stream, each with how often it stands there."""
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(tokenizer_file(tokenizer)))
    ends = np.flatnonzero(ids == library.get_vocab_size() - 1)
    assert not len(ids) or ends[-1] == len(ids) - 1
    return Counter(library.decode(part[:-1].tolist()) for part in np.split(ids, ends + 1)[:-1])


def splits_of(documents: list[Artifact]) -> dict[str, set[bool]]:
    """On which sides of the split the documents of a text are, by text: the first of them in order stays."""
    firsts: dict[str, tuple[int, str]] = {}
    for rank, artifact in enumerate(documents):
        for shard in artifact.shards():
            table = read(shard, ["id", "text"])
            for id, text in zip(table.column("id").to_pylist(), table.column("text").to_pylist(), strict=True):
                firsts[text] = min(firsts.get(text, (rank, id)), (rank, id))
    sides = held_out([id for _, id in firsts.values()], VALIDATION, SEED)
    return dict(zip(firsts, sides.tolist(), strict=True))


def windows_of(made: Built) -> Windows:
    plan = made.mixtures["tiny"]
    return Windows(mixture_file(plan), Path(str(plan.folder.parents[1])), CONTEXT, 300, SEED)


def expected(made: Built) -> tuple[Counter[str], Counter[str]]:
    """(texts of train with their times, texts held out), from the texts alone."""
    members = {prose(number): count for number, count in enumerate(CLUSTERS)}
    members |= {prose(900): 2, prose(901): 1}  # that of 41, which the first source has, is no member
    sides = splits_of([made.sources[name].documents for name in ("web", "more")])
    assert sides.keys() == members.keys()
    train = Counter({text: expected_times(count) for text, count in members.items() if not sides[text]})
    return train, Counter([text for text in members if sides[text]])


def test_an_epoch_reads_each_document_as_often_as_its_cluster_says(made):
    _, each = made
    train, held = expected(each)
    assert {1, 2, 3} == set(train.values()) and len(held) > 5
    windows = windows_of(each)
    (group,) = windows.groups
    assert len(each.sources["web"].documents.shards()) > 2
    stream = group.stream.read(0, group.stream.tokens)
    assert texts_of(stream, each.tokenizer) == train
    again = Counter()
    for source in ("web", "more"):
        again += texts_of(
            windows.validation[source].stream.read(0, windows.validation[source].stream.tokens), each.tokenizer
        )
    assert again == held
    once = sum(TokenShards.of(tokens).count("train") for tokens in each.tokens.values())
    first = texts_of(stream[:once], each.tokenizer)
    assert set(first.values()) == {1} and first.keys() == train.keys(), "nothing again before all was read"


def test_the_counts_of_the_stages_agree(made):
    """documents x times = what the report tells, tokens x times = what the mixture holds and the loader reads."""
    _, each = made
    train, _ = expected(each)
    parts = [tokens.counts(Tokenised) for tokens in each.tokens.values()]
    times = {"1": 1, **{str(size): often for size, often in TABLE.items()}}
    assert all(part.train == sum(of.tokens for of in part.clusters.values()) for part in parts)
    written = {size: sum(part.clusters[size].documents for part in parts) for size in times}
    assert sum(written.values()) == len(train)
    assert sum(count * times[size] for size, count in written.items()) == train.total()
    assert sum(of.bytes for part in parts for of in part.clusters.values()) == sum(len(text.encode()) for text in train)
    share = each.mixtures["tiny"].counts(Mixed).groups["crawl"]
    held = sum(part.clusters[size].tokens * often for part in parts for size, often in times.items())
    assert share.held == held == windows_of(each).groups[0].stream.tokens
    assert share.again == held - sum(part.train for part in parts) > 0
    shown = json.loads(each.report.read("report.json"))["sections"]
    rows = shown["duplicates"]["training"]
    assert [(row["from"], row["to"], row["times"]) for row in rows] == [(1, 1, 1), (2, 3, 2), (4, 9, 3), (10, None, 1)]
    assert [row["documents"] for row in rows] == list(written.values())
    assert sum(row["documents_read"] for row in rows) == train.total()
    assert sum(row["tokens_read"] for row in rows) == held
    assert shown["mixture"]["mixtures"][0]["groups"][0]["again"] == share.again
    stay = {row["from"]: (row["documents"], row["times"]) for row in shown["duplicates"]["stay"]}
    sizes = [1, 2, 3, 4, 5, 10, 100, 1000]
    members = Counter(max(size for size in sizes if size <= count) for count in [*CLUSTERS, 2, 1])
    assert stay == {size: (members[size], expected_times(size)) for size in sizes}
    assert f"are read as {held:,} an epoch" in each.report.read("summary.txt").decode()


def test_the_index_says_where_each_document_lies(made):
    import pyarrow.parquet as pq

    _, each = made
    tokens = each.tokens["web"]
    for shard in each.sources["web"].documents.shards():
        text = {row["id"]: row["text"] for row in read(shard, ["id", "text"]).to_pylist()}
        for row in pq.read_table(tokens.folder / f"{shard.key}.parquet").to_pylist():
            ids = np.fromfile(tokens.folder / f"{shard.key}.{row['split']}.bin", "<u2")
            assert texts_of(ids[row["start"] : row["start"] + row["tokens"]], each.tokenizer) == {text[row["id"]]: 1}


def test_what_is_held_out_and_what_is_written_once_do_not_change(made, plain):
    """Against a run without the key: the same validation files, and the same train tokens but for their order."""
    _, each = made
    for name in ("web", "more"):
        on, off = contents(each.tokens[name]), contents(plain.tokens[name])
        assert on.keys() == off.keys()
        held = [file for file in on if file.endswith(".validation.bin")]
        assert len(held) == len(each.tokens[name].shards()) and all(on[file] == off[file] for file in held)
        for file in on:
            if file.endswith(".train.bin") and off[file]:
                streams = [np.frombuffer(data[file], "<u2") for data in (on, off)]
                assert texts_of(streams[0], each.tokenizer) == texts_of(streams[1], plain.tokenizer)
    about = json.loads(plain.tokens["web"].read("tokens.json"))
    assert "sizes" not in about and "clusters" not in about["shards"][0]


def conf_of(run: Run) -> Pipeline:
    return load(Path(run.store.url).parent / "conf.yaml")


def test_bytes_do_not_depend_on_workers(made, tmp_path):
    run, each = made
    other = dag.train_tokenizer(Run(tmp_path / "other", workers(2)), conf_of(run))
    for name in ("web", "more"):
        assert contents(other.tokens[name]) == contents(each.tokens[name])


def test_other_times_tokenise_nothing(made):
    run, each = made
    conf = conf_of(run)
    dedup = conf.dedup.model_copy(update={"rehydrate": {2: 5, 4: 1, 10: 7}})
    other = dag.pretrain(Run(conf.store_url(), None), conf.model_copy(update={"dedup": dedup}))
    assert {name: tokens.fingerprint for name, tokens in other.tokens.items()} == {
        name: tokens.fingerprint for name, tokens in each.tokens.items()
    }
    assert other.mixtures["tiny"].fingerprint != each.mixtures["tiny"].fingerprint


def test_explain_tells_how_often_a_document_counts(made):
    run, each = made
    train, held = expected(each)
    says = {
        "counts 2 times in training: its cluster has 3 members": 3,
        "counts 3 times in training: its cluster has 4 members": 4,
        "counts once in training: its cluster has 12 members": 12,
    }
    for sentence, members in says.items():
        assert sentence in explained(run, stays(each, in_web(train, members)))
    held_copy = next(text for text in held if text in map(prose, range(40, len(CLUSTERS))))
    for text in (in_web(train, 1), held_copy):
        told = explained(run, stays(each, text))
        assert "tokens of" in told and "its cluster" not in told


def in_web(texts: Counter[str], members: int) -> str:
    """A text of these whose cluster is of this size."""
    return next(prose(number) for number, count in enumerate(CLUSTERS) if count == members and prose(number) in texts)


def stays(each: Built, text: str) -> str:
    shards = each.sources["web"].documents.shards()
    rows = [row for shard in shards for row in read(shard, ["id", "text"]).to_pylist()]
    return min(row["id"] for row in rows if row["text"] == text)


def explained(run: Run, document: str) -> str:
    out = io.StringIO()
    show(Console(file=out, width=300), run, document)
    return out.getvalue()
