"""Keys that are set beside the file: what they say is checked as if it stood there, and told by their own name."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conf.load import load
from conf.settings import applied, place_of
from flows.settings import repeated, typed
from tasks.runtime.errors import Mistake

FILE = """\
sources:
  web: {kind: text, files: "web/*.txt", group: crawl}
  books: {kind: text, files: "books/*.txt"}
dedup: {preset: modern}
mixture: {crawl: 3, books: 1}
models:
  tiny: {preset: demo}
  0.1b: {preset: demo, tokens: 1M}
evaluate: {tasks: [{task: two-digit-addition, shots: 0}]}
benchmarks: {two-digit-addition: {generate: two-digit-addition}}
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(FILE)
    return path


def test_a_setting_is_as_if_the_file_said_it(conf: Path) -> None:
    settings = typed(
        [
            "dedup.threshold=.8",
            "sources.web.files=[a.txt, b.txt]",
            "mixture={crawl: 1}",
            "models.0.1b.tokens=2M",
            "evaluate.tasks.0.shots=5",
            "quality={good: [books], raw: [crawl]}",
            "quality.keep.pareto=3",
            "title=other",
        ]
    )
    said = yaml.safe_load(FILE)
    said["dedup"]["threshold"] = 0.8
    said["sources"]["web"]["files"] = ["a.txt", "b.txt"]
    said["mixture"] = {"crawl": 1}
    said["models"]["0.1b"]["tokens"] = "2M"
    said["evaluate"]["tasks"][0]["shots"] = 5
    said["quality"] = {"good": ["books"], "raw": ["crawl"], "keep": {"pareto": 3}}
    said["title"] = "other"
    other = conf.with_name("written.yaml")
    other.write_text(yaml.safe_dump(said, sort_keys=False))
    assert load(conf, settings) == load(other)
    assert load(conf, dict(reversed(settings.items()))) == load(other), "their order plays no part"
    assert load(conf, {}) == load(conf)


def test_null_takes_a_key_back_to_its_default(conf: Path) -> None:
    conf.write_text(FILE + "workers: 3\n")
    assert load(conf).workers == 3
    assert load(conf, typed(["workers="])).workers is None


@pytest.mark.parametrize(
    ("text", "value"),
    [(".8", 0.8), ("3", 3), ("true", True), ("no", "no"), ("[1, a]", [1, "a"]), ("{a: {b: 2}}", {"a": {"b": 2}}),
     ("", None), ("a=b", "a=b"), ("300B", "300B"), ("s3://bucket/x", "s3://bucket/x")],
)  # fmt: skip
def test_values_are_typed_as_the_file_types_them(text: str, value: Any) -> None:
    assert typed([f"a.b={text}"]) == {"a.b": value}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["dedup.threshold"], "write KEY=VALUE"),
        (["=3"], "write KEY=VALUE"),
        (["a=1", "a=2"], "--set a is given twice"),
        (["a=[1"], "--set a: its value is not YAML"),
    ],
)
def test_what_is_no_setting_is_a_sentence(texts: list[str], said: str) -> None:
    with pytest.raises(Mistake, match=said):
        typed(texts)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"dedup.treshold": 0.8}, r"^--set dedup.treshold: dedup.treshold is no key here.*did you mean threshold\?$"),
        ({"dedup.threshold": 8}, r"^--set dedup.threshold: dedup.threshold: .*less than or equal to 1 \(it is 8\)"),
        ({"dedup.bands": 800}, r"own.yaml:4: dedup: 800 bands .* \(with --set dedup.bands\)"),
        ({"dedup": {"treshold": 0.8}}, r"^--set dedup: dedup.treshold is no key here.*did you mean threshold\?$"),
        ({"decontaminate.share": 0.5}, r"^--set decontaminate.share: decontaminate: share belongs to rule gap"),
        ({"colour": "red"}, r"^--set colour: colour is no key here"),
        ({"sources.cc.files": 3}, r"own.yaml has no sources.cc \(there are web, books\)"),
        ({"sources.new": {"kind": "text"}}, r"^--set sources.new: sources.new: files is missing"),
        ({"evaluate.tasks.1.shots": 0}, r"own.yaml has no evaluate.tasks.1 to go into"),
        ({"evaluate.tasks.1": "cloze"}, r"own.yaml has no evaluate.tasks.1 to go into"),
        ({"evaluate.tasks.x": "cloze"}, r"own.yaml has no evaluate.tasks.x to go into"),
        ({"models.tiny.preset.a": 3}, r"models.tiny.preset has no keys of its own in .*own.yaml"),
        ({"dedup..bands": 3}, r"a key is names joined by dots"),
        ({"mixture.foo": 3}, r"^--set mixture.foo: mixture names foo, which is no group"),
    ],
)
def test_what_is_wrong_with_a_setting_is_told_by_its_name(conf: Path, setting: dict[str, Any], said: str) -> None:
    with pytest.raises(Mistake, match=said):
        load(conf, setting)


def test_a_fault_of_the_file_keeps_its_line_beside_settings(conf: Path) -> None:
    conf.write_text(FILE + "colour: red\n")
    with pytest.raises(Mistake, match=r"own.yaml:11: colour is no key here[^()]*$"):
        load(conf, {"seed": 3})


def test_a_credential_in_a_setting_is_not_repeated(conf: Path) -> None:
    with pytest.raises(Mistake, match="holds a credential") as told:
        load(conf, {"store": "s3://key:hunter2@bucket"})
    assert "hunter2" not in str(told.value)
    conf.write_text(FILE + "store: s3://key:hunter2@bucket\n")
    with pytest.raises(Mistake) as told:
        load(conf, {"store.region": "x"})
    assert "hunter2" not in str(told.value)


names = st.text("ab01", min_size=1, max_size=2)
trees = st.recursive(
    st.integers(0, 9),
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(st.dictionaries(names, trees, max_size=3), st.lists(names, min_size=1, max_size=3), st.integers(10, 19))
def test_a_setting_is_found_where_it_was_put_and_nothing_else_changes(
    content: dict[str, Any], parts: list[str], value: int
) -> None:
    before = yaml.safe_dump(content)
    key = ".".join(parts)
    try:
        merged = applied(content, {key: value}, "own.yaml")
    except Mistake:
        merged = None
    assert yaml.safe_dump(content) == before
    if merged is None:
        return
    found: Any = merged
    for name in (place := place_of(merged, key)):
        found = found[name]
    assert found == value
    assert [str(name) for name in place] == parts
    holder: Any = merged
    for name in place[:-1]:
        holder = holder[name]
    del holder[place[-1]]
    assert applied(merged, {}, "own.yaml") == merged
    assert value not in _leaves(merged)


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict | list):
        items = tree.values() if isinstance(tree, dict) else tree
        return [leaf for item in items for leaf in _leaves(item)]
    return [tree]


def test_options_are_repeated_for_a_shell() -> None:
    assert repeated(["a=1", "mixture={a: 1}"]) == " --set a=1 --set 'mixture={a: 1}'"
    assert repeated(None) == ""
