"""docs/ingest.md says what the code reads, refuses and allows."""

from tasks.sources.reference import PAGE, filled


def test_the_tables_are_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == filled(page), "make them again: python -m tasks.sources.reference"
