"""What tests share: a building run on a store in a temporary folder, and where the real files are."""

import logging
import os
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpora import REAL

from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real") and not REAL.is_dir():
        pytest.skip(f"the real files are not here: {REAL}")
    if item.get_closest_marker("spark") and not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("the Spark engine needs Java, and there is none")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A building run on one worker, which is this process."""
    return Run(tmp_path / "store", LocalEngine(1))


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of objects on loopback (moto), with one bucket; its URL. The environment tells it to subprocesses."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ALLOW_HTTP", "true")
        patch.setenv("AWS_ACCESS_KEY_ID", "an-id-of-tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-tests")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/bucket", method="PUT")).read()
        yield "s3://bucket"
    server.stop()
