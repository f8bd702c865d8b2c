"""Where a pipeline's work is done and kept: store, cache, engine, work pools; none of them takes a credential."""

import pytest
from plain import PLAIN, read

from conf.engine import Spark
from tasks.runtime.errors import Mistake

PASSWORD = "hunter2"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("./store", f"s3://key:{PASSWORD}@bucket/prefix", "store: a URL holds a credential"),
        ("./store", f"ftp://key:{PASSWORD}@bucket/prefix", "store: a URL holds a credential"),
        ("./store", f"s3://{PASSWORD}@bucket/prefix", "store: s3:// names no user"),
        ("./store", f"s3://bucket/prefix?secret={PASSWORD}", r"store: a URL holds a credential \(secret"),
        ("./store", "s3://bucket/prefix?region=x", r"store: a store's URL has no \? or #"),
        ("seed: 1", f"engine: {{spark: {{conf: {{spark.ssl.keyPassword: {PASSWORD}}}}}}}", "looks like a credential"),
        ("seed: 1", f"engine: {{spark: {{conf: {{spark.a.SECRET.key: [{PASSWORD}]}}}}}}", "looks like a credential"),
        ("seed: 1", f"engine: {{spark: {{conf: {{spark.fs.s3a.access.key: {PASSWORD}}}}}}}", "looks like a credential"),
        ("seed: 1", f'engine: {{spark: {{conf: {{spark.x: "a http://u:{PASSWORD}@h"}}}}}}', "a URL holds a credential"),
        ("web/*.txt", f"https://user:{PASSWORD}@host/*.txt", "sources.web.files: a URL holds a credential"),
        (
            "[a.txt, b.txt]",
            f'[a.txt, "https://user:{PASSWORD}@host/b"]',
            "sources.books.files.1: a URL holds a credential",
        ),
        ("web/*.txt", f"https://{PASSWORD}@host/*.txt", "sources.web.files: a URL holds a credential"),
        ("quiz.jsonl", f'"s3://user:{PASSWORD}@bucket/quiz"', "benchmarks.quiz.files: a URL holds a credential"),
    ],
)
def test_a_credential_is_refused_and_not_repeated(tmp_path, old, new, said):
    assert old in PLAIN
    with pytest.raises(Mistake, match=said) as told:
        read(tmp_path, PLAIN.replace(old, new, 1))
    assert PASSWORD not in str(told.value)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("./store", "{here}/store"),
        ("/data/../store", "/store"),
        ("file:///data/my%20store", "/data/my store"),
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
        ("gs://bucket", "gs://bucket"),
        ("abfs://container@account.dfs.core.windows.net/prefix", None),
        ("memory://", "memory://"),
    ],
)
def test_the_stores_address(tmp_path, monkeypatch, written, url):
    monkeypatch.chdir(tmp_path)
    p = read(tmp_path, PLAIN.replace("./store", written))
    assert p.store_url() == (url or written).format(here=tmp_path)


def test_the_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("MILLRACE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    cache = read(tmp_path, PLAIN).cache
    assert (cache.bytes, cache.path()) == (20 * 10**9, tmp_path / "xdg/millrace/store")
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "ours"))
    assert cache.path() == tmp_path / "ours/store"
    cache = read(tmp_path, PLAIN.replace("seed: 1", f"cache: {{folder: {tmp_path}/mine, bytes: 2.5B}}")).cache
    assert (cache.bytes, cache.path()) == (2_500_000_000, tmp_path / "mine")


@pytest.mark.parametrize(
    ("written", "spark"),
    [
        ("local", None),
        ("spark", Spark()),
        ("{spark: 'local[2]'}", Spark(master="local[2]")),
        ("{spark: {}}", Spark()),
        (
            "{spark: {master: yarn, conf: {spark.executor.memory: 8g, spark.executor.cores: 4, spark.x: true,"
            " spark.y: on, spark.memory.fraction: 0.5, spark.hadoop.fs.s3a.aws.credentials.provider: org.Provider}}}",
            Spark(
                master="yarn",
                conf={
                    "spark.executor.memory": "8g",
                    "spark.executor.cores": "4",
                    "spark.x": "true",
                    "spark.y": "on",
                    "spark.memory.fraction": "0.5",
                    "spark.hadoop.fs.s3a.aws.credentials.provider": "org.Provider",
                },
            ),
        ),
    ],
)
def test_engines(tmp_path, written, spark):
    assert read(tmp_path, PLAIN.replace("seed: 1", f"engine: {written}")).engine.spark == spark


def test_where_a_model_is_trained_is_not_what_it_is(tmp_path):
    """YAML 1.1 reads `on` as true; and neither key reaches the trainer's keys, so that no fingerprint hangs on it."""
    plain = read(tmp_path, PLAIN).models["small"]
    placed = read(
        tmp_path,
        PLAIN.replace("tokens: 300B", "tokens: 300B, on: gpu, torchrun: [--nnodes=2, --rdzv-endpoint=host:29400]"),
    ).models["small"]
    assert (plain.on, plain.torchrun) == (None, [])
    assert (placed.on, placed.torchrun) == ("gpu", ["--nnodes=2", "--rdzv-endpoint=host:29400"])
    assert placed.filled(50257, 1) == plain.filled(50257, 1)
    assert read(tmp_path, PLAIN + "evaluate: {on: gpu}\n").evaluate.on == "gpu"


def test_only_true_and_false_are_booleans(tmp_path):
    p = read(tmp_path, PLAIN.replace("files: web/*.txt", "files: web/*.txt, languages: [no, en]"))
    assert p.sources["web"].languages == ["no", "en"]
    assert read(tmp_path, PLAIN + "dedup: {across: false}\n").dedup.across is False
    with pytest.raises(Mistake, match=r"dedup\.across"):
        read(tmp_path, PLAIN + "dedup: {across: falsehood}\n")
