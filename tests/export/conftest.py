"""The corpus that the tests export, built once."""

from pathlib import Path

import exported
import pytest
from exported import Corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    conf = exported.write(tmp_path_factory.mktemp("corpus"))
    return Corpus(conf, exported.build(conf))


@pytest.fixture(scope="session")
def out(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of all of it as Parquet; not to be written to."""
    folder = tmp_path_factory.mktemp("out")
    exported.leave(corpus.conf, folder)
    return folder
