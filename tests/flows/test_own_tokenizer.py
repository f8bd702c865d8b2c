"""`tokenizer: {kind: file}` from the configuration to token shards: GPT-2's two files, with another end of text."""

import json
from pathlib import Path

import numpy as np
import pytest

from conf.load import load
from flows.dag import models as dag
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.tokens.kinds.alphabet import CHARACTERS
from tasks.tokens.tokens import TokenShards

TEXTS = ["the mill <s> races", "another text of the mill", "<s>"]


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """<s> is the first id, and not the last; one merge, of t and h."""
    (tmp_path / "mine").mkdir()
    ids = {token: number for number, token in enumerate(["<s>", *CHARACTERS, "th"])}
    (tmp_path / "mine/encoder.json").write_text(json.dumps(ids))
    (tmp_path / "mine/vocab.bpe").write_text("#version: 0.2\nt h\n")
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    path = tmp_path / "conf.yaml"
    path.write_text(
        f'store: {tmp_path}/store\nvalidation: 0\nsources:\n  a: {{kind: jsonl, files: "{tmp_path}/a.jsonl"}}\n'
        f'tokenizer: {{kind: file, file: "{tmp_path}/mine", vocabulary: 258, end_of_text: "<s>"}}\n'
    )
    return path


def test_a_users_own_tokenizer_makes_the_tokens(conf: Path) -> None:
    pipeline = load(conf)
    run = Run(pipeline.store_url(), LocalEngine(1))
    built = dag.train_tokenizer(run, pipeline)
    shards = TokenShards.of(built.tokens["a"])
    assert shards.about["end_of_text"] == 0 and shards.about["vocabulary"] == 258
    ids = np.concatenate([shards.read(file) for file in shards.files("train")])
    ends = np.flatnonzero(ids == 0)
    assert len(ends) == 3 and ends[-1] == len(ids) - 1  # a text that spells it ends no document
    sizes = np.diff(ends, prepend=-1) - 1
    assert sorted(sizes) == sorted(len(text) - text.count("th") for text in TEXTS)


def test_a_folder_that_holds_none(conf: Path) -> None:
    (conf.parent / "mine/vocab.bpe").unlink()
    pipeline = load(conf)
    with pytest.raises(Mistake, match=r"tokenizer\.json' matches no file"):
        dag.train_tokenizer(Run(pipeline.store_url(), LocalEngine(1)), pipeline)
