"""Survivors on Spark: the local engine's bytes, by the walk and by rounds."""

import pytest
from corpora import contents, source
from test_near_copies import near_copies, removed

from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run
from tasks.runtime.spark import SparkEngine


@pytest.mark.spark
@pytest.mark.long
def test_spark_gives_the_local_engines_bytes(tmp_path):
    corpus, found = near_copies(7), []
    spark = SparkEngine("local[2]")
    try:
        for place, (engine, memory) in enumerate(((LocalEngine(1), 1 << 30), (spark, 1 << 30), (spark, 0))):
            other = Run(tmp_path / str(place), engine)
            documents = [source(other, name, texts, 3) for name, texts in corpus.items()]
            found.append([contents(one) for one in removed(other, documents, memory=memory)])
    finally:
        spark.close()
    assert found[0] == found[1] == found[2]
