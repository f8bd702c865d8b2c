"""A part of a DAG: what is asked with all that it needs, or alone; which lists of files nobody of it reads."""

from types import SimpleNamespace
from typing import Any

import pytest

from tasks.runtime.part import needs, part, placeless

FILES = [{"path": "/here/a.txt", "name": "a.txt", "bytes": 3}]


def handle(stage: str, inputs: Any = None, **parameters: Any) -> Any:
    return SimpleNamespace(
        stage=stage,
        name="all",
        label=f"{stage}/all-0",
        recipe={"inputs": inputs or {}, "parameters": {key: placeless(value) for key, value in parameters.items()}},
    )


INGEST = handle("ingest", files=FILES)
SCORE = handle("score", {"documents": "ingest/all-0"})
KEEP = handle("keep", {"documents": "ingest/all-0", "measures": {"score": ["score/all-0"]}})
OTHER = handle("tokens", {"documents": "ingest/all-0"}, files=[{"path": "/b", "name": "b"}])
EVERY = [INGEST, SCORE, KEEP, OTHER]


def test_what_is_asked_comes_with_what_it_needs_however_deep() -> None:
    assert needs(KEEP) == ["ingest/all-0", "score/all-0"]
    told = part([KEEP], EVERY, {})
    assert told.wanted == {("keep", "all"), ("score", "all"), ("ingest", "all")}
    assert told.holds(SCORE) and not told.holds(OTHER)
    assert part([KEEP], EVERY, {}, with_needs=False).wanted == {("keep", "all")}
    assert part([SCORE, OTHER], EVERY, {}).wanted == {("score", "all"), ("ingest", "all"), ("tokens", "all")}
    assert part([handle("x", {"a": "elsewhere/all-9"})], EVERY, {}).wanted == {("x", "all")}
    assert part([], EVERY, {}).wanted == frozenset()


def test_a_list_is_idle_where_only_the_rest_reads_it() -> None:
    moved = [{**FILES[0], "path": "/there/a.txt"}]  # the same file, elsewhere
    lists = {"files": moved, "other": [{"path": "/c", "name": "b"}], "unread": [{"path": "/d", "name": "d"}]}
    assert part([KEEP], EVERY, lists).idle_lists == {"other"}
    assert part([KEEP], EVERY, lists, with_needs=False).idle_lists == {"files", "other"}
    assert part([OTHER], EVERY, lists).idle_lists == frozenset()


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ({"path": "/a", "name": "a", "bytes": 1}, {"name": "a", "bytes": 1}),
        ({"path": "https://x/a", "name": "a"}, {"path": "https://x/a", "name": "a"}),
        ({"path": "/a"}, {"path": "/a"}),  # no listed file
        ({"name": "a"}, {"name": "a"}),
        ([{"files": [{"path": "/a", "name": "a"}]}, 3, "path"], [{"files": [{"name": "a"}]}, 3, "path"]),
    ],
)
def test_a_place_on_this_machine_is_no_part_of_a_recipe(value: Any, left: Any) -> None:
    assert placeless(value) == left
