"""What a model read, by language and date: tokens of its documents, as often as their group and part were read."""

from dataclasses import replace
from typing import Any

import pytest
import report_rows as rows_of
import report_toys as toys

from tasks.report.given import Declaration, Given
from tasks.report.section import Counted
from tasks.report.spoken import YEARS, Spoken, count, figures, text_read


def of_train(source: str) -> int:
    """Tokens of a source's documents in train, one of them in two pieces a shard."""
    held_out = {rows_of.id_of("crawl", 9)}
    shards = [[n for n in numbers if rows_of.fate(source, n)["trained"]] for _, numbers in rows_of.shards(source)]
    trained = [n for numbers in shards for n in numbers if rows_of.id_of(source, n) not in held_out]
    twice = sum(bool(numbers) and rows_of.id_of(source, numbers[0]) not in held_out for numbers in shards)
    return toys.EACH * (len(trained) + twice)


def test_languages_and_years_are_weighted_as_they_were_read(made: Any) -> None:
    (mixed,) = made.sections["mixture"]["mixtures"]
    epochs = {row["group"]: row["realised_epochs"] for row in mixed["groups"]}
    german = of_train("webtext2") * epochs["webtext2"]
    english = of_train("crawl") * epochs["common-crawl"]
    unknown = of_train("books2") * epochs["books2"]
    assert {row["language"]: row["tokens"] for row in mixed["languages"]} == {
        "en": round(english), "de": round(german), "unknown": round(unknown),
    }  # fmt: skip
    assert sum(row["share"] for row in mixed["languages"]) == pytest.approx(1)
    assert mixed["years"] == [
        {"year": "2017", "groups": {"webtext2": round(german)}},
        {"year": "2019", "groups": {"common-crawl": round(english)}},
        {"year": "unknown", "groups": {"books2": round(unknown)}},
    ]
    assert {"mixture-languages-tiny", "mixture-years-tiny"} <= set(made.report["figures"])


def given_of(made: Any) -> Given:
    arguments = made.arguments
    declared = {name: Declaration.from_json(value) for name, value in arguments["declarations"].items()}
    return Given(arguments["documents"], {}, {}, arguments["others"], declared, arguments["groups"], frozenset())


def test_parts_that_are_read_again_count_again(made: Any) -> None:
    given = given_of(made)
    shard = given.shards()[0]
    parts = Counted(shard, Spoken({(0, "en"): 100, (1, "de"): 10}, {(0, "2019"): 100, (1, "2018"): 10}))
    read = text_read(given, [parts], {"webtext2": 2.0}, [1, 3])
    assert [(row["language"], row["tokens"]) for row in read["languages"]] == [("en", 200), ("de", 60)]
    assert text_read(given, [parts], {}, [1, 3]) == {"languages": [], "years": []}


def test_a_source_without_tokens_counts_nothing(made: Any) -> None:
    bare = replace(given_of(made), others={})
    assert count(bare.shards()[0]) == Spoken()


def test_many_years_are_told_by_decade(made: Any) -> None:
    given = given_of(made)
    years = {(0, str(1900 + n)): 1 for n in range(YEARS + 1)} | {(0, "unknown"): 5}
    read = text_read(given, [Counted(given.shards()[0], Spoken({(0, "en"): 36}, years))], {"webtext2": 1.0}, [1])
    assert [row["year"] for row in read["years"]] == ["1900s", "1910s", "1920s", "1930s", "unknown"]
    assert sum(row["groups"]["webtext2"] for row in read["years"]) == YEARS + 6
    assert list(figures("m", read)) == ["years-m"], "one language needs no figure"
