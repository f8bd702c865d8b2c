"""Rules that prompts bring: read from their records, and what is no such rule, with its line."""

from pathlib import Path
from typing import Any

import pytest
from chat_toys import run_in
from examples_made import labelled_made, write_jsonl

from tasks.judges.own import own_rules
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake


def records(folder: Path, rules: list[Any]) -> Artifact:
    rows = [{"prompt": f"say {n}", **({} if of is None else {"rules": of})} for n, of in enumerate(rules)]
    path = write_jsonl(folder / "prompts.jsonl", rows)
    return labelled_made(run_in(folder / "store"), "prompts", folder, {"files": str(path), "form": "prompt"})


def test_each_record_has_its_own(tmp_path: Path) -> None:
    found = own_rules(
        records(tmp_path, [[{"items": 3}], [{"ends_with": "."}, {"words": [1, 2], "weight": 2}]]), "rules"
    )
    assert sorted(found.values(), key=len) == [
        [{"items": 3, "weight": 1.0}],
        [{"ends_with": ".", "weight": 1.0}, {"words": [1, 2], "weight": 2.0}],
    ]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (None, r"prompts, record prompts:\w+ .line 2. has no rules in its field 'rules'"),
        ([], "has no rules in its field"),
        ([{"itms": 3}], "'rules' is no list of rules"),
        ([{"items": 3, "ends_with": "."}], "this one has ends_with, items"),
        ("items", "'rules' is no list of rules"),
        ([{"items": 3, "weight": 0}], "add up to nothing"),
    ],
)
def test_what_is_no_rule(tmp_path: Path, rules: Any, said: str) -> None:
    with pytest.raises(Mistake, match=said):
        own_rules(records(tmp_path, [[{"items": 3}], rules]), "rules")
