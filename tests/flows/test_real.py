"""The pipeline over real files, as conf/real.yaml has it, up to its tokens."""

from pathlib import Path

import pytest

from conf.load import load
from flows import dag
from tasks.quality.classifier import Fitted
from tasks.runtime.decisions import decided
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run
from tasks.runtime.shards import read, read_column
from tasks.sources.ingest import Ingested
from tasks.tokens.tokens import Tokenised

CONF = Path(__file__).resolve().parents[2] / "conf" / "real.yaml"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dag.Built:
    folder = tmp_path_factory.mktemp("real")
    engine = LocalEngine(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(CONF.parents[1])  # its paths begin where one runs, as those of all pipelines that Millrace brings
        tokenizer = {"vocabulary": 2048, "sample": "2M"}
        pipeline = load(CONF, {"store": str(folder / "store"), "tokenizer": tokenizer})
        try:
            return dag.train_tokenizer(Run(Path(pipeline.store_url()), engine), pipeline)
        finally:
            engine.close()


@pytest.mark.real
@pytest.mark.slow
def test_every_byte_is_accounted_for(built: dag.Built) -> None:
    for source in built.documents.values():
        found = source.counts(Ingested)
        assert found.bytes == found.bytes_in_records + found.bytes_damaged
        assert found.documents == sum(shard.rows for shard in source.shards())


@pytest.mark.real
@pytest.mark.slow
def test_the_classifier_tells_books_and_articles_from_crawl(built: dag.Built) -> None:
    assert built.classifier
    assert built.classifier.counts(Fitted).auc > 0.9


@pytest.mark.real
@pytest.mark.slow
def test_the_book_that_is_there_twice_stays_once(built: dag.Built) -> None:
    """One part of Don Quixote lies there under two editors' names, the same bytes."""
    source = built.sources["books1"]
    (survivors,) = (decision for decision in source.decisions if decision.stage == "survivors")
    quixote = [
        keep
        for shard in source.documents.shards()
        for text, keep in zip(
            read(shard, ["text"]).column("text").to_pylist(),
            read_column(survivors, shard).column("keep").to_pylist(),
            strict=True,
        )
        if "Project Gutenberg EBook of The History of Don Quixote" in text.replace("\n", " ")
    ]
    assert sum(quixote) == 1  # the other left when it was read (`repeated`), or as a copy


@pytest.mark.real
@pytest.mark.slow
def test_tokens_are_the_kept_text(built: dag.Built) -> None:
    for name, tokens in built.tokens.items():
        made = tokens.counts(Tokenised)
        assert made.bytes == decided(built.decided[name]).kept_bytes
        assert made.train + made.validation > 0
