"""What is refused with the word that was meant; languages, titles, groups that nobody reads, and oddities of YAML."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain import PLAIN, read

from conf.languages import CODES
from conf.load import find
from conf.spelling import did_you_mean, nearest
from conf.title import LONGEST, file_name
from tasks.runtime.errors import Mistake
from tasks.sources.texts.language import MACRO, SCRIPTS, _model

MODEL = "  small: {preset: gpt3-small, tokens: 300B}\n"


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        ("seed: 1", "sead: 1", "sead is no key here; .*; did you mean seed?"),
        ("seed: 1", "Seed: 1", "did you mean seed?"),
        ("seed: 1", "dedup: {tresh: .8}", "dedup.tresh is no key here; .*did you mean threshold?"),
        ("seed: 1", "threshold: .8", "threshold belongs to dedup.threshold or keep.score.threshold"),
        ("tokens: 300B", "learning-rate: 1", "did you mean learning_rate?"),
        ("tokens: 300B", "torchrn: []", "did you mean torchrun?"),
        ("{crawl: 3, books: 1}", "{crawls: 3, books: 1}", "mixture names crawls, .*did you mean crawl?"),
        ("raw: [crawl]", "raw: [crwal]", "quality.raw names crwal, .*did you mean crawl?"),
        ("{kind: text, files", "{kind: txt, files", "kind: .*it is 'txt'.*did you mean text?"),
        ("preset: gpt3-small", "preset: gpt3_smal", "did you mean gpt3-small?"),
        ("seed: 1", "dedup: {preset: modren}", "did you mean modern?"),
        ("seed: 1", "evaluate: {tasks: [lambda]}", "there is no task lambda: .*did you mean lambada?"),
        ("seed: 1", "evaluate: {tasks: [{task: cloze, shot: 1}]}", "evaluate.tasks.0.shot is .*did you mean shots?"),
        ("seed: 1", "keep: {heuristics: {presets: gopher}}", "did you mean preset?"),
        ("seed: 1", "ladder: {sizes: [{layer: 3}]}", "ladder.sizes.0.layer is no key here.*did you mean layers?"),
        (MODEL, MODEL + "  more: {from: smal, tokens: 1M}\n", "names smal, .*did you mean small?"),
        ("files: web/*.txt", "files: web/*.txt, limits: {pay_load: 1}", "did you mean payload?"),
    ],
)
def test_a_near_miss_is_told_with_what_was_meant(tmp_path: Path, old: str, new: str, meant: str) -> None:
    assert old in PLAIN
    with pytest.raises(Mistake, match=meant.removesuffix("?") + r"(\?|$)"):
        read(tmp_path, PLAIN.replace(old, new, 1))


def test_what_is_near_nothing_is_told_without_a_guess(tmp_path: Path) -> None:
    with pytest.raises(Mistake) as told:
        read(tmp_path, PLAIN.replace("seed: 1", "xyzzy: 1"))
    assert str(told.value).endswith("xyzzy is no key here; docs/configuration.md lists the keys")
    assert did_you_mean("xyzzy", ["seed"]) == "" and nearest("EN", ["en", "de"]) == "en"
    with pytest.raises(Mistake, match="did you mean demo"):
        find("demos")


def test_of_several_types_the_fault_of_the_one_that_was_meant_is_told(tmp_path: Path) -> None:
    with pytest.raises(Mistake) as told:
        read(tmp_path, PLAIN.replace("web/*.txt", "https://me:hunter2@host/a"))
    assert len(str(told.value).splitlines()) == 1 and "holds a credential" in str(told.value)


def test_languages_are_those_that_the_model_tells_apart() -> None:
    codes = {MACRO.get(label, label) for label in _model().labels} | {code for code, _ in SCRIPTS.values()}
    assert codes - {None} == CODES


@pytest.mark.parametrize(
    ("written", "meant"),
    [("EN", "en"), ("eng", "en"), ("zh-cn", "zh"), ("en_US", "en"), ("nb", "no"), ("iw", "he"), ("deu", "de")],
)
def test_a_language_of_another_code_is_told_its_own(tmp_path: Path, written: str, meant: str) -> None:
    for languages in (f"[de, {written}]", f"{{{written}: .5}}"):
        with pytest.raises(Mistake, match=rf"mine.yaml:4: sources.web.languages.*did you mean {meant}\?"):
            read(tmp_path, PLAIN.replace("files: web/*.txt", f"files: web/*.txt, languages: {languages}"))


def test_languages(tmp_path: Path) -> None:
    for languages in ("[no, en, 'on']", "{english: .5}"):
        with pytest.raises(Mistake, match="is no code of a language that is told apart"):
            read(tmp_path, PLAIN.replace("files: web/*.txt", f"files: web/*.txt, languages: {languages}"))
    p = read(tmp_path, PLAIN.replace("files: web/*.txt", "files: web/*.txt, languages: {no: .5, en: .8}"))
    assert p.sources["web"].languages == {"no": 0.5, "en": 0.8}


def test_a_group_that_the_mixture_leaves_out(tmp_path: Path) -> None:
    assert read(tmp_path, PLAIN).unread() == []
    assert read(tmp_path, PLAIN.replace("{crawl: 3, books: 1}", "{crawl: 3}")).unread() == ["books"]
    assert read(tmp_path, PLAIN.replace("{crawl: 3, books: 1}", "{crawl: 3, books: 0}")).unread() == []
    assert read(tmp_path, PLAIN.replace("mixture: {crawl: 3, books: 1}\n", "")).unread() == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("my corpus_1.0-b", "my corpus_1.0-b"),
        ("Bücher und Straßen", "Bücher und Straßen"),
        ("हिन्दी पाठ", "हिन्दी पाठ"),
        ("日本語コーパス", "日本語コーパス"),
        ("a/b", "a-b-"),
        ("..", ""),
        ("../../etc", "etc-"),
        ("🙂", ""),
        ("x" * 500, "x" * (LONGEST - 9) + "-"),
        ("語" * 500, "語" * ((LONGEST - 9) // 3) + "-"),
        ("a?b#c%20", "a-b-c-20-"),
    ],
)
def test_a_title_of_any_length_and_script_names_a_file(tmp_path: Path, title: str, name: str) -> None:
    p = read(tmp_path, PLAIN + f'title: "{title}"\n')
    assert p.title == title
    made = file_name(title)
    assert made == name if name == title else made.startswith(name) and len(made) == len(name) + 8
    assert file_name(title + "?") != made
    (tmp_path / f"{made}-0123456789abcdef.html").write_text("")


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_of_titles_are_safe_and_their_own(one: str, other: str) -> None:
    names = {file_name(title) for title in (one, other) if title.isprintable()}
    for name in names:
        assert 0 < len(name.encode()) <= LONGEST and "/" not in name and not name.startswith((".", "-", " "))
    if one.isprintable() and other.isprintable() and one != other:
        assert len(names) == 2


def test_a_title_is_one_line(tmp_path: Path) -> None:
    assert read(tmp_path, PLAIN + 'title: "a\\n b\\e[1m\\t c"\n').title == "a b [1m c"
    assert read(tmp_path, PLAIN + "title: 2024\n").title == "2024"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.encode("utf-16"), "is not UTF-8 text"),
        (lambda text: text.encode("utf-16-le"), "not YAML: unacceptable character #x0000"),
        (lambda text: text.replace("  web", "\tweb").encode(), "mine.yaml:4: not YAML: found character '.t'"),
        (lambda text: (text + "2019: x\n").encode(), "2019: YAML takes this name for another thing than text"),
        (lambda text: text.replace("  books:", "  2019:").encode(), "sources.2019: YAML takes this name"),
        (lambda text: text.replace("web/*.txt", "*web").encode(), "mine.yaml:4: not YAML: found undefined alias"),
        (lambda text: text.replace("./store", '"a\\0b"').encode(), "mine.yaml:1: store: a path holds no zero byte"),
        (lambda text: text.replace("web/*.txt", "''").encode(), "mine.yaml:4: sources.web.files: the path is missing"),
        (lambda text: (text + "---\nseed: 2\n").encode(), "not YAML: but found another document"),
        (lambda text: (text + "evaluate: {folder: nowhere}\n").encode(), "there is no folder .*/nowhere of task files"),
    ],
)
def test_oddities_that_are_told(tmp_path: Path, change, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(change(PLAIN))
    with pytest.raises(Mistake, match=said):
        from conf.load import load

        load(path)


def test_oddities_that_are_read(tmp_path: Path) -> None:
    plain = read(tmp_path, PLAIN)
    path = tmp_path / "mine.yaml"
    from conf.load import load

    for data in (b"\xef\xbb\xbf" + PLAIN.encode(), PLAIN.replace("\n", "\r\n").encode()):
        path.write_bytes(data)
        assert load(path) == plain
    merged = PLAIN.replace("web:   {", "web: &web {").replace(
        "  books:\n    kind: text\n    files:", "  books:\n    <<: *web\n    group: books\n    files:"
    )
    assert read(tmp_path, merged).sources["books"].kind == "text"
    with pytest.raises(Mistake, match=r"mine.yaml:8: sources.books.fils is no key here.*did you mean files"):
        read(tmp_path, merged.replace("    files:", "    fils:"))


def test_aliases_of_aliases_do_not_hang(tmp_path: Path) -> None:
    tower = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + number)}: &{chr(98 + number)} [{', '.join(['*' + chr(97 + number)] * 9)}]\n" for number in range(9)
    )
    with pytest.raises(Mistake, match=r"its aliases .* unfold to more than 100000"):
        read(tmp_path, tower + PLAIN)
