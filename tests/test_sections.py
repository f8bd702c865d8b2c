"""What stages declare for the report, the funnel and `explain`: each where it is shown, under a name that is known."""

import inspect

import pytest
from test_declarations import stages

from tasks.report import sections
from tasks.runtime.stage import Stage

UNSHOWN = {"remaining"}  # a copy of documents that another input counted
# By room, the sections that its stages are shown in.
ROOMS = {
    "tasks.quality": {"quality", "rules"},
    "tasks.dedup": {"duplicates"},
    "tasks.decontaminate": {"contamination"},
}


@pytest.fixture(params=sorted(stages()))
def what(request: pytest.FixtureRequest) -> Stage:
    return stages()[request.param]


def test_a_section_is_one_that_the_report_has(what: Stage) -> None:
    assert what.section in {*sections.NAMES, ""}
    for room, names in ROOMS.items():
        if what.function.__module__.startswith(f"{room}.") and what.name not in UNSHOWN:
            assert what.section in names


def test_a_decision_of_documents_is_named_in_the_funnel(what: Stage) -> None:
    """And each reason that is a draw is one of its reasons."""
    if what.kind == "decision" and any(column.name == "keep" for column in what.columns):
        assert what.title.startswith("after ") and what.reasons
    assert set(what.drawn) <= set(what.reasons)


def test_what_may_stop_a_stage_is_a_parameter_of_it(what: Stage) -> None:
    assert set(what.judges) <= set(inspect.signature(what.function).parameters)


def test_of_what_one_document_is_told() -> None:
    """Stages with columns of more than numbers, or spans, say them in words of their own."""
    told = {name: what.tell.__name__ for name, what in stages().items() if what.tell is not None}
    assert {name: told.get(name) for name in ("keep", "survivors", "cuts", "hits", "heuristics", "pii")} == {
        "keep": "tell_keep", "survivors": "tell_survivors", "cuts": "tell_cuts", "hits": "tell_hits",
        "heuristics": "tell_counts", "pii": "tell_counts",
    }  # fmt: skip


def test_what_is_made_without_text_declares_it() -> None:
    """Decisions are; of the others `buckets` and `frequent`, which `whatif` therefore makes anew."""
    assert {name for name, what in stages().items() if what.textless} >= {"buckets", "frequent"}
    assert stages()["keep"].drawn == ("quality",) and "memory" in stages()["survivors"].judges
