"""`examples` of a pipeline: which keys go with which form, and how long a sequence may be."""

from pathlib import Path

import pytest
from plain import PLAIN, read

from conf.examples import FIELDS, FORMS, Examples
from tasks.runtime.errors import Mistake

DECLARED = {"files": "a.jsonl", "classes": ["no", "yes"]}


@pytest.mark.parametrize("form", FORMS)
def test_each_key_of_a_form_stands_for_the_field_of_its_name(form: str) -> None:
    fields = FIELDS[form]
    classes = {"classes": ["no", "yes"]} if fields.classes == "must" else {}
    how = Examples.model_validate({"files": "a.jsonl", "form": form, **classes})
    assert how.fields() == {key: key for key in fields.all}
    if fields.all:
        named = Examples.model_validate({"files": "a.jsonl", "form": form, fields.all[0]: "other", **classes})
        assert named.fields()[fields.all[0]] == "other"


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{files: a, form: clasify, classes: [a, b]}", "did you mean classify?"),
        ("{files: a, form: classify, clases: [a, b]}", "clases is no key here; .*did you mean classes?"),
        ("{files: a, form: classify}", "form classify needs `classes`"),
        ("{files: a, form: classify, classes: [a]}", "at least 2"),
        ("{files: a, form: classify, classes: [a, a]}", "classes names a twice"),
        ("{files: a, form: chat, classes: [a, b]}", "form chat has no `classes`"),
        ("{files: a, form: regress, premise: a}", "form regress has no `premise`; its fields are text, label"),
        ("{files: a, form: compare, answer: a}", "form compare has no `answer`; .*did you mean answers?"),
        ("{files: a, form: chat, context: 4}", "greater than or equal to 8"),
        ("{form: chat}", "give one of `files`, and `samples`"),
        ("{files: '{sample}/a.jsonl', form: chat}", "files name {sample}, but the pipeline has no `sample:`"),
        ("{files: a, validation: '{sample}/a', form: chat}", "validation name {sample}, but"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, entry: str, told: str) -> None:
    with pytest.raises(Mistake, match=told) as error:
        read(tmp_path, f"{PLAIN}examples:\n  set:\n    {entry}\n")
    assert "mine.yaml:1" in str(error.value) or "mine.yaml:2" in str(error.value)


def test_a_name_that_a_source_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"examples\.web: a source is called web, too"):
        read(tmp_path, f"{PLAIN}examples:\n  web: {{files: a, form: chat}}\n")


def test_without_a_tokenizer_there_are_none(tmp_path: Path) -> None:
    text = "models:\n  came: {from: 'hf:there'}\nexamples:\n  set: {files: a, form: chat, context: 16}\n"
    with pytest.raises(Mistake, match=r"examples\.set need a tokenizer, and there are no sources"):
        read(tmp_path, text)


def test_the_context_is_the_smallest_of_the_models_or_as_said(tmp_path: Path) -> None:
    models = "  tiny: {preset: demo, context: 40}\n  on: {from: tiny, context: 48, tokens: 1M}\n"
    p = read(
        tmp_path,
        f"{PLAIN}{models}examples:\n  a: {{files: a, form: chat}}\n  b: {{files: a, form: chat, context: 9}}\n",
    )
    assert (p.context_of("a"), p.context_of("b")) == (40, 9)
    assert p._context("on") == 48 and p._context("small") == 2048


def test_where_no_model_says_how_long_a_sequence_may_be_it_is_asked_for(tmp_path: Path) -> None:
    text = PLAIN[: PLAIN.index("models:")] + "examples:\n  a: {files: a, form: chat}\n"
    with pytest.raises(Mistake, match=r"examples\.a: give `context`"):
        read(tmp_path, text)
