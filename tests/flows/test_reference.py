"""docs/stages.md says what the stages declare."""

from flows.reference import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it again: python -m flows.reference"
