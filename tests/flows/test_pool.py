"""Whose command line makes the work pool: `prefect deploy`'s alone."""

from contextlib import nullcontext

import pytest

from flows import pool


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["/x/.venv/bin/prefect", "--no-prompt", "deploy", "--all"], True),
        (["/x/site-packages/prefect/__main__.py", "deploy"], True),
        (["/x/.venv/bin/prefect", "deployment", "run", "build-corpus/demo"], False),
        (["/x/site-packages/prefect/engine.py"], False),
        (["/x/.venv/bin/millrace", "deploy", "my.yaml"], False),
        (["-c"], False),
    ],
)
def test_only_prefect_deploy(monkeypatch: pytest.MonkeyPatch, words: list[str], made: bool) -> None:
    asked: list[object] = []
    monkeypatch.setattr(pool, "make_pool", asked.append)
    monkeypatch.setattr("prefect.get_client", lambda sync_client: nullcontext("client"))
    pool.make_pool_for_deploy(words)
    assert asked == (["client"] if made else [])
