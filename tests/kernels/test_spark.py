"""Features against Spark's own Tokenizer and HashingTF, and tables.py against Java, in one small session."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.kernels import features, tables

from . import make_tables
from .strategies import random_texts

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java here, and Spark needs one"),
]
SIZES = [1 << 18, 1000]  # a power of two, and not


def texts() -> list[str]:
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    alone = [" ".join(every[at : at + 2000]) for at in range(0, len(every), 2000)]
    given = ["", " ", "  ", " a", "a ", "a  b", "\x0ba\fb\r\n", "ΑΣ. ΑΣ.Β 1Σ A1Σ", "a\u00a0b\u2003c", "İI ẞ", 70 * "x"]
    return given + alone + random_texts(6_000, seed=3)


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", False)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", 1)
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.local.dir", str(folder))
        .getOrCreate()
    )
    yield session
    session.stop()


def test_features_equal_sparks(spark, tmp_path):
    from pyspark.ml.feature import HashingTF, Tokenizer

    java = str(spark._jvm.java.lang.System.getProperty("java.specification.version"))
    if java != "17":
        pytest.skip(f"tables.py holds Java 17's Unicode; Spark runs on Java {java} here")
    column = pa.array(texts(), pa.string())
    pq.write_table(pa.table({"row": np.arange(len(column)), "text": column}), tmp_path / "texts.parquet")
    frame = Tokenizer(inputCol="text", outputCol="words").transform(spark.read.parquet(str(tmp_path / "texts.parquet")))
    for size in SIZES:
        frame = HashingTF(inputCol="words", outputCol=f"f{size}", numFeatures=size).transform(frame)
    frame.drop("words").write.parquet(str(tmp_path / "features"))  # no Python object a row
    rows = pq.read_table(tmp_path / "features").sort_by("row")
    assert rows["text"].to_pylist() == column.to_pylist()
    for size in SIZES:
        indptr, indices, counts = features.term_frequencies(column, size)
        for i, theirs in enumerate(rows[f"f{size}"].to_pylist()):
            part = slice(indptr[i], indptr[i + 1])
            assert indices[part].tolist() == theirs["indices"], repr(column[i].as_py())
            assert counts[part].tolist() == theirs["values"], repr(column[i].as_py())


def test_tables_are_javas():
    version = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    if '"17.' not in version and '"17"' not in version:
        pytest.skip(f"tables.py holds Java 17's Unicode, and this is {version.splitlines()[0]}")
    run = subprocess.run(["java", "CodePoints.java"], cwd=HERE, capture_output=True, text=True)
    if "compiler" in run.stderr and run.returncode:
        pytest.skip("a Java without its compiler (a JRE)")
    assert run.returncode == 0, run.stderr
    expected = make_tables.rows(run.stdout.splitlines())
    distances, flags = tables.rows()
    assert distances.tolist() == [row[0] for row in expected]
    assert flags.tolist() == [row[1] for row in expected]
