"""A corpus small enough to train on in seconds: two groups, three sources, and a byte-level tokenizer."""

import signal
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from bytewise import END, write_tokenizer
from mixtures_made import TINY, write_mixture, write_source


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # two that share a busy core wait for each other


def text(length: int, seed: int) -> np.ndarray:
    """Something to learn: a noisy cycle of bytes, in documents."""
    draw = np.random.default_rng(seed)
    tokens = (np.arange(length) * (seed + 1) + (draw.random(length) < 0.1) * draw.integers(0, 50, length)) % 64
    tokens[99::100] = END
    return tokens


@pytest.fixture
def make() -> SimpleNamespace:
    """The writers above, for tests that want a corpus of their own."""
    return SimpleNamespace(source=write_source, mixture=write_mixture, tokenizer=write_tokenizer, text=text)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """A store with mixture.json and tokenizer.json in it."""
    store = tmp_path_factory.mktemp("store")
    a = write_source(store / "tokens/cc-a", [(text(1000, 1), text(150, 4)), ([], []), (text(777, 2), text(10, 5))])
    b = write_source(store / "tokens/cc-b", [(text(500, 3), [])])
    c = write_source(store / "tokens/wiki", [(text(400, 6), text(100, 7))])
    write_mixture(store / "mixture.json", [("common-crawl", 60, [a, b]), ("wikipedia", 41, [c])])
    write_tokenizer(store / "tokenizer.json")
    return store


@pytest.fixture
def run_yaml(corpus, tmp_path):
    """Writes a run.yaml for that corpus into tmp_path/<name>; returns its path. Its `out` is tmp_path/<name>/out."""

    def write(
        name: str = "run", model: dict[str, Any] | None = None, train: dict[str, Any] | None = None, **keys: Any
    ) -> Path:
        (tmp_path / name).mkdir(exist_ok=True)
        path = tmp_path / name / "run.yaml"
        training = {
            "updates": 12, "batch": 4 * 32, "micro_batch": 2, "learning_rate": 3e-3, "warm_up": 2,
            "checkpoint_every": 4, "validate_every": 6, "threads": 1, "device": "cpu",
        }  # fmt: skip
        run = {
            "out": str(path.parent / "out"), "store": str(corpus), "mixture": str(corpus / "mixture.json"),
            "tokenizer": str(corpus / "tokenizer.json"),
            "model": {**TINY, **(model or {})}, "train": {**training, **(train or {})},
        }  # fmt: skip
        path.write_text(yaml.safe_dump({**run, **keys}))
        return path

    return write


@pytest.fixture
def here(monkeypatch):
    """Run in this process, a second faster; its settings of torch are undone."""
    from model import train

    yield train.main
    torch.use_deterministic_algorithms(False)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """moto's S3 on loopback, with one bucket, `lab`; its endpoint."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/lab", method="PUT"))
    yield endpoint
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch) -> str:
    """A bucket's URL, an unused prefix below it, and the environment that reaches it."""
    settings = {"ACCESS_KEY_ID": "AKIALOOPBACK", "SECRET_ACCESS_KEY": "hush-hush-hush", "REGION": "us-east-1",
                "ENDPOINT_URL": s3_server, "ALLOW_HTTP": "true"}  # fmt: skip
    for key, value in settings.items():
        monkeypatch.setenv(f"AWS_{key}", value)
    return f"s3://lab/{uuid.uuid4().hex}"


@pytest.fixture(params=["file", "s3"])
def url(request, tmp_path) -> str:
    """An empty store behind a URL, of both kinds."""
    return request.getfixturevalue("bucket") if request.param == "s3" else f"file://{tmp_path}/bucket"


@pytest.fixture
def upload():
    """Copies a folder's files below a URL."""
    from model.files import objects

    def copy(folder: Path, url: str) -> str:
        store = objects(url)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                store.put(path.relative_to(folder).as_posix(), path)
        return url

    return copy
