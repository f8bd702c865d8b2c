"""Rules that prompts bring themselves: a field of their records, as planted instructions have it.

A record's rules are written as a pipeline's: a list of {key of RULES: value}, each with a `weight` if it has one.
"""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from conf.judges import Rule
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.shards import read

RULES = TypeAdapter(list[Rule])


def own_rules(records: Artifact, field: str) -> dict[str, list[dict[str, Any]]]:
    """By the id of a record of `labelled` its rules, as rules.judge takes them.

    Raises:
        Mistake: a record has none, or what it has is no list of rules.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for shard in records.shards():
        for row in read(shard, ["id", "line", "meta"]).to_pylist():
            where = f"{records.name}, record {row['id']} (line {row['line']})"
            given = json.loads(row["meta"]).get(field)
            if not given:
                raise Mistake(f"{where} has no rules in its field {field!r}, by which it is to be judged (`own`)")
            try:
                rules = [rule.as_rule() for rule in RULES.validate_python(given)]
            except ValidationError as error:
                raise Mistake(f"{where}: {field!r} is no list of rules: {error.errors()[0]['msg']}") from None
            if sum(rule["weight"] for rule in rules) <= 0:
                raise Mistake(f"{where}: the weights of {field!r} add up to nothing")
            found[row["id"]] = rules
    return found
