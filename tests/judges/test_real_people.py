"""Rules beside people: hh-rlhf's harmlessness comparisons (half of the test set), whose better answers are short."""

import gzip
import json

import pytest
from corpora import REAL

from tasks.judges.rules import judge
from tasks.judges.win_rate import agreement

FILE = REAL / "preferences" / "hh-rlhf-harmless-base-test.even.jsonl.gz"


@pytest.mark.real
@pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE} is absent")
def test_short_answers_are_preferred_and_a_rule_says_so() -> None:
    short, long = judge([{"words": [1, 20]}]), judge([{"words": [40, 400]}])
    told = {}
    with gzip.open(FILE) as file:
        pairs = [json.loads(line) for line in file]
    answers = [[pair[key].rpartition("\n\nAssistant:")[2].strip() for key in ("chosen", "rejected")] for pair in pairs]
    for name, one in (("short", short), ("long", long)):
        rows = [
            {"id": str(number), "labeler": "people", "rank": rank, "value": one("", text)}
            for number, both in enumerate(answers)
            for rank, text in enumerate(both, 1)
        ]
        told[name], people = agreement(rows, 1)
        assert told[name].of == len(pairs) == 1156 and people == 1
    found = {name: one.value for name, one in told.items()}
    assert found == pytest.approx({"short": 0.577, "long": 0.420}, abs=5e-4)
    assert told["short"].low is not None and told["short"].low > 0.5
    assert told["long"].high is not None and told["long"].high < 0.5
