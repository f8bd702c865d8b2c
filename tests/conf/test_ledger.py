"""A source whose crawl is `latest`: what it unfolds into, and the ledger that says so."""

import multiprocessing
import re
from pathlib import Path

import pytest
from plain import ROOT, read

from conf.load import declared, load
from conf.months import ABOUT, add, ledger_of, taken
from flows.placed import told
from tasks.runtime.errors import Mistake

GROWING = """\
sources:
  books: {kind: text, files: a.txt}
  cc: {kind: warc, crawl: latest, since: CC-MAIN-2026-42, files: 3, licence: CC0-1.0}
  late:  {kind: text, files: b.txt}
quality: {good: [books], raw: [cc]}
mixture: {cc: 3, books: 1}
"""
LEDGER = "# a comment\ncc CC-MAIN-2026-46\n\ncc CC-MAIN-2026-50  # the third\n"


def test_each_crawl_that_was_taken_is_a_source_in_its_place(tmp_path: Path) -> None:
    alone = read(tmp_path, GROWING)
    assert list(alone.sources) == ["books", "cc-2026-42", "late"], "`since` needs no ledger"
    ledger_of(tmp_path / "mine.yaml").write_text(LEDGER)
    p = read(tmp_path, GROWING)
    months = ["cc-2026-42", "cc-2026-46", "cc-2026-50"]
    assert list(p.sources) == ["books", *months, "late"]
    assert [p.sources[name].crawl for name in months] == [f"CC-MAIN-{name[3:]}" for name in months]
    assert {p.group(name) for name in months} == {"cc"} and p.groups == ["books", "cc", "late"]
    assert all(p.sources[name].licence == "CC0-1.0" and p.sources[name].files == 3 for name in months)
    assert p.quality is not None and p.named(p.quality.raw) == months
    assert all(p.conditions(name).score is not None for name in months), "each month is resampled by score"


def test_what_is_learned_is_learned_from_the_first(tmp_path: Path) -> None:
    alone = read(tmp_path, GROWING)
    ledger_of(tmp_path / "mine.yaml").write_text(LEDGER)
    p = read(tmp_path, GROWING)
    assert p.teachers == alone.teachers == ["books", "cc-2026-42", "late"]
    assert p.shares() == alone.shares() == {"books": 0.25, "cc-2026-42": 0.75, "late": 0.0}
    assert p.teaching(["cc", "books"]) == ["books", "cc-2026-42"]


@pytest.mark.parametrize(
    ("across", "before"),
    [
        ("true", {"cc-2026-50": ["books", "cc-2026-42", "cc-2026-46"], "cc-2026-42": ["books"], "books": []}),
        ("false", {"cc-2026-50": ["cc-2026-42", "cc-2026-46"], "cc-2026-42": [], "late": []}),
        ("{late: [books]}", {"cc-2026-50": ["cc-2026-42", "cc-2026-46"], "cc-2026-42": [], "late": ["books"]}),
        ("{late: [cc]}", {"late": ["cc-2026-42", "cc-2026-46", "cc-2026-50"]}),
        ("{cc: [books]}", {"cc-2026-46": ["books", "cc-2026-42"], "late": []}),
    ],
)
@pytest.mark.parametrize("group", ["", ", group: web"])
def test_months_are_compared_with_those_before_them(
    tmp_path: Path, across: str, before: dict[str, list[str]], group: str
) -> None:
    ledger_of(tmp_path / "mine.yaml").write_text(LEDGER)
    text = GROWING.replace("files: 3", f"files: 3{group}").replace("{cc: 3", "{web: 3" if group else "{cc: 3")
    p = read(tmp_path, f"{text}dedup: {{across: {across}}}\n")
    assert {name: p.before(name) for name in before} == before
    assert p.quality is not None and len(p.named(p.quality.raw)) == 3, "a list names it by its own name too"


@pytest.mark.parametrize("group", ["", ", group: web"])
def test_what_goes_to_another_machine_names_what_there_is(tmp_path: Path, group: str) -> None:
    """Without the ledger, and with every list naming the months."""
    ledger_of(tmp_path / "mine.yaml").write_text(LEDGER)
    text = GROWING.replace("files: 3", f"files: 3{group}").replace("{cc: 3", "{web: 3" if group else "{cc: 3")
    p = read(tmp_path, f"{text}dedup: {{across: {{late: [cc, books], cc: [books]}}}}\n")
    there = tmp_path / "there"
    there.mkdir()
    q = read(there, told(p))
    assert q.sources == p.sources and q.quality is not None and p.quality is not None
    assert q.named(q.quality.raw) == p.named(p.quality.raw) == ["cc-2026-42", "cc-2026-46", "cc-2026-50"]
    assert q.before("late") == p.before("late") == ["books", "cc-2026-42", "cc-2026-46", "cc-2026-50"]


def test_a_setting_takes_the_place_of_a_key(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GROWING)
    ledger_of(tmp_path / "mine.yaml").write_text(LEDGER)
    p = load(tmp_path / "mine.yaml", {"sources.cc.since": "CC-MAIN-2026-50", "sources.cc.files": 2})
    assert p.months == {"cc": ["cc-2026-50"]} and p.sources["cc-2026-50"].files == 2


def test_a_later_since_begins_anew(tmp_path: Path) -> None:
    ledger_of(tmp_path / "mine.yaml").write_text(LEDGER)
    p = read(tmp_path, GROWING.replace("2026-42", "2026-46"))
    assert p.months == {"cc": ["cc-2026-46", "cc-2026-50"]}


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        ("cc CC-MAIN-2026-46\nweb CC-MAIN-2026-46\n", r"mine\.crawls:2: web is no source .*\(there are cc\)"),
        ("cc CC-MAIN-2026-46\ncc CC-MAIN-2026-46\n", r"mine\.crawls:2: CC-MAIN-2026-46 stands behind"),
        ("cc CC-MAIN-2026-46\ncc CC-MAIN-2026-44\n", r"mine\.crawls:2: CC-MAIN-2026-44 stands behind CC-MAIN-2026-46"),
        ("cc 2026-46\n", r"mine\.crawls:1: behind cc stands one crawl"),
        ("cc\n", r"mine\.crawls:1: behind cc stands one crawl"),
        ("cc CC-MAIN-2026-46 CC-MAIN-2026-50\n", r"mine\.crawls:1: behind cc stands one crawl"),
        ("cc \xff", r"mine\.crawls is not UTF-8"),
    ],
)
def test_a_ledger_that_is_none_is_told_with_its_line(tmp_path: Path, ledger: str, said: str) -> None:
    ledger_of(tmp_path / "mine.yaml").write_bytes(ledger.encode("latin-1"))
    with pytest.raises(Mistake, match=said):
        read(tmp_path, GROWING)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: warc", "kind: webtext, submissions: a, pages: 3", "crawl: latest is for kind warc"),
        ("crawl: latest", "crawl: CC-MAIN-2026-42", "since: only a source with `crawl: latest` has it"),
        ("2026-42", "2026-4", "cc.since: .*pattern"),
        ("files: 3", "files: a.warc", "files is a number exactly where"),
        ("files: 3", "files: 3, crawls: list.json", "crawls is the address of a list"),
        ("late: ", "cc-2026-42: ", "sources.cc-2026-42 has the name of a crawl of cc: give it another"),
        (", since: CC-MAIN-2026-42", "", r"cc has taken no crawl yet: `millrace run .*mine.yaml --latest`.*`since:"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = GROWING.replace(old, new, 1)
    with pytest.raises(Mistake, match=said):
        read(tmp_path, text.replace(", files: 3", "") if "webtext" in text else text)


def test_lines_are_only_added_and_only_newer_ones(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GROWING)
    ledger, sources = ledger_of(path), declared(path).sources
    came = ["CC-MAIN-2026-42", "CC-MAIN-2026-46"]
    assert add(ledger, path, sources, {"cc": came}) == {"cc": ["CC-MAIN-2026-46"]}
    first = ledger.read_text()
    assert first.startswith("# Crawls of mine.yaml") and first.endswith("\ncc CC-MAIN-2026-46\n")
    ledger.write_text(first.rstrip("\n"))  # as an editor may leave it
    assert add(ledger, path, sources, {"cc": [*came, "CC-MAIN-2026-50"]}) == {"cc": ["CC-MAIN-2026-50"]}
    assert ledger.read_text() == f"{first}cc CC-MAIN-2026-50\n"
    assert taken(ledger, sources) == {"cc": [*came, "CC-MAIN-2026-50"]}
    assert load(path).months == {"cc": ["cc-2026-42", "cc-2026-46", "cc-2026-50"]}


def test_runs_that_ask_at_once_write_each_crawl_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GROWING)
    came = {"cc": [f"CC-MAIN-2026-{week}" for week in range(43, 53)]}
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        added = pool.starmap(add, [(ledger_of(path), path, declared(path).sources, came)] * 6)
    assert sorted(len(each["cc"]) for each in added) == [0, 0, 0, 0, 0, 10]
    assert len(re.findall("^cc ", ledger_of(path).read_text(), re.MULTILINE)) == 10


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GROWING)
    ledger_of(path).mkdir()
    with pytest.raises(Mistake, match=r"mine\.crawls cannot be written \(Is a directory\).*copy mine.yaml to a folder"):
        add(ledger_of(path), path, declared(path).sources, {"cc": ["CC-MAIN-2026-46"]})


def test_the_page_shows_what_is_read(tmp_path: Path) -> None:
    shown = (ROOT / "docs/schedules.md").read_text()
    conf, ledger = re.findall(r"^```(?:yaml)?\n(.*?)```", shown, re.DOTALL | re.MULTILINE)
    (tmp_path / "mine.crawls").write_text(ledger)
    p = read(tmp_path, conf)
    assert list(p.sources) == ["books", "cc-2026-42", "cc-2026-46", "cc-2026-50"]
    assert ledger.splitlines()[0] == ABOUT.format(of="my.yaml").strip()
    assert all(f"`{name}`" in shown for name in p.months["cc"])
