"""`keep` and `harm` in a pipeline's YAML: which limits a source is held to, and what is refused."""

from pathlib import Path

import pytest
from plain import PLAIN, read

from conf.keep import HEURISTICS, Conditions, Heuristics, Pii
from tasks.quality.rules import RULES
from tasks.runtime.errors import Mistake

HARM = "harm: {files: a.jsonl, text: said, label: bad}\n"


def test_the_schema_and_the_stage_know_the_same_rules() -> None:
    assert list(Heuristics.model_fields) == ["preset", *RULES["heuristics"]]
    assert list(Pii.model_fields) == list(RULES["pii"])
    assert {"score", *RULES} == set(Conditions.model_fields)
    for preset in HEURISTICS.values():
        assert preset.keys() <= RULES["heuristics"].keys()


def test_presets_are_as_published() -> None:
    """Gopher: appendix A.1.1 and table A1. C4: section 2.2."""
    gopher = Heuristics(preset="gopher").limits()
    assert gopher["words"] == {"min": 50, "max": 100_000} and gopher["mean_word_length"] == {"min": 3, "max": 10}
    assert gopher["hashes"] == gopher["ellipses"] == {"max": 0.1}
    assert gopher["bullet_lines"] == {"max": 0.9} and gopher["ellipsis_lines"] == {"max": 0.3}
    assert gopher["alphabetic_words"] == {"min": 0.8} and gopher["stop_words"] == {"min": 2}
    table = [gopher[f"duplicate_{of}"]["max"] for of in ("lines", "paragraphs", "line_characters")]
    assert table == [0.3, 0.3, 0.2] and gopher["duplicate_paragraph_characters"] == {"max": 0.2}
    assert [gopher[f"top_{n}grams"]["max"] for n in (2, 3, 4)] == [0.2, 0.18, 0.16]
    assert [gopher[f"repeated_{n}grams"]["max"] for n in range(5, 11)] == [0.15, 0.14, 0.13, 0.12, 0.11, 0.1]
    assert Heuristics(preset="c4").limits() == {
        "whole_sentences": {"min": 3},
        "lorem_ipsum": {"max": 0},
        "curly_brackets": {"max": 0},
    }


def test_a_rule_replaces_its_presets_and_null_takes_it_away(tmp_path: Path) -> None:
    rules = "{preset: [gopher, c4], words: {max: 7}, stop_words: null, short_lines: {max: 0.5}}"
    limits = read(tmp_path, f"{PLAIN}keep: {{heuristics: {rules}}}").conditions("web").limits()["heuristics"]
    assert limits["words"] == {"max": 7} and "stop_words" not in limits and limits["short_lines"] == {"max": 0.5}
    assert limits["curly_brackets"] == {"max": 0} and limits["bullet_lines"] == {"max": 0.9}


def test_a_source_replaces_the_pipelines_conditions_measure_by_measure(tmp_path: Path) -> None:
    text = PLAIN.replace("    kind: text\n", "    kind: text\n    keep: {heuristics: {}, harm: null}\n")
    p = read(
        tmp_path,
        f"{text}{HARM}keep: {{heuristics: {{preset: gopher}}, pii: {{emails: {{max: 2}}}}, harm: {{max: 0.9}}}}",
    )
    web, books = p.conditions("web"), p.conditions("books")
    assert web.measures == ["heuristics", "pii", "harm"]
    assert list(web.limits()) == ["heuristics", "pii", "harm"] and web.limits()["harm"] == {"harm": {"max": 0.9}}
    assert books.measures == ["heuristics", "pii"], "measured, and held to no limit"
    assert books.limits() == {"pii": {"emails": {"max": 2}}}


def test_by_score_raw_sources_are_kept_as_quality_says_and_others_if_asked(tmp_path: Path) -> None:
    p = read(tmp_path, PLAIN)
    assert (
        p.conditions("web").score == p.quality.keep
        and p.quality.keep.pareto == 9
        and p.conditions("books").score is None
    )
    p = read(tmp_path, f"{PLAIN}keep: {{score: {{threshold: 0.4}}}}")
    assert [p.conditions(name).score.threshold for name in ("web", "books")] == [0.4, 0.4], "good ones, too"
    text = PLAIN.replace("    kind: text\n", "    kind: text\n    keep: {score: {threshold: 0.2}}\n")
    p = read(tmp_path, text)
    assert p.conditions("books").score.threshold == 0.2 and p.conditions("web").score.pareto == 9
    text = PLAIN.replace("web/*.txt,", "web/*.txt, keep: {score: null},")
    assert read(tmp_path, text).conditions("web").score is None, "raw, and all of it kept"
    assert read(tmp_path, f"{PLAIN}keep: {{score: {{}}}}").conditions("books").score is not None, "scored, and all kept"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("keep: {heuristics: {word: {min: 1}}}", "keep.heuristics.word is no key here"),
        ("keep: {heuristics: {words: {}}}", "keep.heuristics.words: give min, max or both"),
        ("keep: {heuristics: {words: {min: 3, max: 2}}}", "min 3 is above max 2: no document would stay"),
        ("keep: {heuristics: {preset: fineweb}}", "keep.heuristics.preset.0: .*'gopher' or 'c4'.*'fineweb'"),
        ("keep: {pii: {emails: 3}}", "keep.pii.emails"),
        ("keep: {harm: {max: 0.9}}", "keep.harm needs texts to learn from: see `harm`"),
        ("keep: {harm: {max: 9}}", "keep.harm.max: .*less than or equal to 1"),
        ("harm: {files: a.jsonl}", "harm: give text and label, or harmful and harmless"),
        ("harm: {files: a.jsonl, text: a, harmful: b}", "harm: give text and label, or harmful and harmless"),
        ("keep: {score: {threshold: 2}}", "keep.score.threshold"),
    ],
)
def test_what_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(Mistake, match=said) as told:
        read(tmp_path, f"{PLAIN}{line}\n")
    assert f"mine.yaml:{len(PLAIN.splitlines()) + 1}:" in str(told.value)


def test_scores_need_a_classifier_and_are_said_once(tmp_path: Path) -> None:
    without = PLAIN.replace("quality:\n  good: [books]\n  raw: [crawl]\n", "")
    with pytest.raises(Mistake, match=r"keep\.score needs a classifier"):
        read(tmp_path, f"{without}keep: {{score: {{threshold: 0.5}}}}")
    twice = PLAIN.replace("  raw: [crawl]\n", "  raw: [crawl]\n  keep: {pareto: 9}\n")
    with pytest.raises(Mistake, match=r"keep\.score is for every source, quality\.keep for the raw ones"):
        read(tmp_path, f"{twice}keep: {{score: {{threshold: 0.5}}}}")
