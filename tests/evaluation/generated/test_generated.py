"""Generated benchmarks: the published form byte for byte, right answers, and the same items whatever else is made."""

import gzip
import hashlib
import json
import re
from collections import Counter
from functools import lru_cache
from itertools import islice
from typing import get_args

import pytest
from corpora import REAL, counts
from hypothesis import given
from hypothesis import strategies as st

from conf.benchmarks import OF_WORDS, Generated
from tasks.decontaminate.benchmark import benchmark, items_of
from tasks.evaluation.generated import words as words_of
from tasks.evaluation.generated.arithmetic import OPERATIONS
from tasks.evaluation.generated.generated import generated
from tasks.evaluation.generated.hindsight import EXAMPLES, Game
from tasks.evaluation.generated.scrambling import cycled, shuffled
from tasks.evaluation.generated.steps import KINDS, PLACES, Chain, chains
from tasks.evaluation.generated.table import ARITHMETIC, GENERATED, SCRAMBLED
from tasks.runtime.errors import Mistake

WORDS = words_of.shipped()
LETTERS = "[a-z]"
# One line of each published file. Answers and scrambles are checked apart.
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
OPERANDS = (
    r'\{"context": "\\n\\nQ: What is (\d{1,@}) (plus|minus|times) (\d{1,@})\?\\n\\nA:", "completion": " (-?\d+)"\}'
)
LINES = {
    **{
        name: re.compile(OPERANDS.replace("@", str(NUMBERS[name.partition("-")[0]])))
        for name in ARITHMETIC
        if "ops" not in name
    },
    "single-digit-three-ops": re.compile(
        r'\{"context": "\\n\\nQ: What is (\([1-9] [-+*] [1-9]\) [-+*] [1-9])\?\\n\\nA:", "completion": " (-?\d+)"\}'
    ),
    **{
        name: re.compile(rf'\{{"context": "\\n({spoilt}) =", "completion": " ({LETTERS}{{5,15}})"\}}')
        for name, spoilt in {
            "cycle-letters-in-word": f"{LETTERS}{{5,15}}",
            "mid-word-1-anagrams": f"{LETTERS}{{5,15}}",
            "random-insertion-in-word": f"(?:{LETTERS}[ ./!]){{4,14}}{LETTERS}",
        }.items()
    },
}


@lru_cache
def records(name, items=2000, seed=1):
    words = {"words": WORDS} if GENERATED[name].words else {}
    return list(GENERATED[name].records(seed, items, **words))


def published(name):
    """Lines of a file of ../shared/data; those of scrambling are compressed."""
    path = REAL / "benchmarks" / "gpt-3" / "data" / f"{name.replace('-', '_')}.jsonl"
    if path.exists():
        return path.read_text().splitlines()
    return gzip.decompress(path.with_name(path.name + ".gz").read_bytes()).decode().splitlines()


def require_answer(name, line):
    """The line is of its file's form, and its answer the right one."""
    match = LINES[name].fullmatch(line)
    assert match, line
    if len(match.groups()) == 4:
        left, operation, right, answer = match.groups()
        assert str(OPERATIONS[operation](int(left), int(right))) == answer
        assert name.endswith({"plus": "addition", "minus": "subtraction", "times": "multiplication"}[operation])
        assert str(int(left)) == left and str(int(right)) == right
    elif name == "single-digit-three-ops":
        assert str(eval(match[1])) == match[2]  # digits, signs and brackets alone: the expression says so
    elif name == "cycle-letters-in-word":
        assert match[1] in match[2] * 2 and len(match[1]) == len(match[2]) and match[1] != match[2]
    elif name == "mid-word-1-anagrams":
        assert match[1] != match[2] and sorted(match[1]) == sorted(match[2])
        assert match[1][0] == match[2][0] and match[1][-1] == match[2][-1]
    else:
        assert match[1][::2] == match[2]


@pytest.mark.real
@pytest.mark.parametrize("name", sorted({*LINES} - {"four-digit-addition", "four-digit-subtraction"}))
def test_published_lines_are_of_the_form_that_is_generated(name):
    lines = published(name)
    assert len(lines) in (2000, 10_000)
    for line in lines:
        require_answer(name, line)


@pytest.mark.parametrize("name", sorted(LINES))
def test_generated_lines_are_of_the_published_form(name):
    for record in records(name):
        require_answer(name, json.dumps(record))


@pytest.mark.real
def test_all_published_files_were_looked_at():
    folder = REAL / "benchmarks" / "gpt-3" / "data"
    names = {path.name.partition(".")[0].replace("_", "-") for path in folder.iterdir()}
    # Of four digits the publishers gave none: 13 files.
    assert names == {*LINES} - {"four-digit-addition", "four-digit-subtraction"} and len(names) == 13


def test_brackets_round_the_last_two():
    """The paper's form; digits from 0."""
    made = [
        re.fullmatch(r"\n\nQ: What is (\d [-+*] \(\d [-+*] \d\))\?\n\nA:", r["context"])
        for r in records("single-digit-three-ops-last")
    ]
    for match, record in zip(made, records("single-digit-three-ops-last"), strict=True):
        assert record["completion"] == f" {eval(match[1])}"
    assert Counter(match[1][0] for match in made).keys() == set("0123456789")


def test_operands_are_even_over_their_range():
    """Chi-square over ten equal parts of [0, 10^6): 4,000 operands, 27.9 is exceeded once in 1,000 (9 degrees)."""
    found = Counter(
        int(operand) // 100_000
        for record in records("six-digit-addition")
        for operand in re.findall(r"\d+", record["context"])
    )
    assert set(found) == set(range(10))
    assert sum((found[part] - 400) ** 2 / 400 for part in range(10)) < 27.9


def test_other_ways_of_scrambling():
    for record in records("mid-word-2-anagrams"):
        spoilt, word = record["context"][1:-2], record["completion"][1:]
        assert spoilt != word and sorted(spoilt) == sorted(word)
        assert spoilt[:2] == word[:2] and spoilt[-2:] == word[-2:]
    for record in records("reversed-words"):
        spoilt, word = record["context"][1:-2], record["completion"][1:]
        assert spoilt[::-1] == word != spoilt


@given(st.text("abcz", min_size=2, max_size=14), st.lists(st.floats(0, 1, exclude_max=True), min_size=14, max_size=14))
def test_a_scramble_changes_what_can_be_changed(word, draws):
    assert cycled(word, draws) in word * 2
    assert (cycled(word, draws) != word) == (len(set(word)) > 1)
    for kept in (1, 2):
        spoilt = shuffled(word, draws, kept=kept)
        middle = word[kept : len(word) - kept]
        assert sorted(spoilt) == sorted(word)
        assert (spoilt != word) == (len(set(middle)) > 1)


def test_a_word_of_two_equal_halves():
    """Met: tartar was cycled by three letters, and the question held its answer."""
    assert {cycled("tartar", [draw / 100]) for draw in range(100)} == {"artart", "rtarta"}


def test_words_are_the_most_frequent_and_each_comes_once():
    for name in SCRAMBLED:
        made = {record["completion"][1:] for record in records(name, 10_000)}
        assert len(made) == 10_000
        assert all(5 <= len(word) <= 14 for word in made)
        passed_over = set(WORDS[:10_000]) - made
        if name in ("cycle-letters-in-word", "random-insertion-in-word"):
            assert not passed_over
        elif name == "reversed-words":
            assert all(word == word[::-1] for word in passed_over)
        else:
            kept = 1 if "1" in name else 2
            assert all(len(set(word[kept:-kept])) == 1 for word in passed_over)


@pytest.mark.real
@pytest.mark.long
def test_the_shipped_words_were_counted_from_the_books():
    from make_words import counted  # type: ignore[import-not-found]

    assert counted() == WORDS


def test_every_name_of_conf_has_a_generator():
    assert set(get_args(Generated)) == set(GENERATED)
    assert set(OF_WORDS) == {name for name, how in GENERATED.items() if how.words}


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_items_are_distinct_and_counted_by_number(name):
    """The first 60 of 600 are the 60, another seed gives others, and no two are the same."""
    many = records(name, 600)
    assert len({json.dumps(record) for record in many}) == 600
    assert all(set(GENERATED[name].text) <= set(record) for record in many)
    assert records(name, 60) == many[:60]
    assert records(name, 60, seed=2) != many[:60]


def test_known_items():
    """Pinned: the same items on every machine and in every version."""
    assert records("two-digit-addition", 1) == [{"context": "\n\nQ: What is 85 plus 90?\n\nA:", "completion": " 175"}]
    assert records("mid-word-2-anagrams", 1) == [{"context": "\nseveentneth =", "completion": " seventeenth"}]
    assert records("number-questions", 3)[-1] == {
        "context": "\n\nQ: What is ((x - 35) - 37) - 171 for x = 34?\n\nA:",
        "completion": " -209",
        "level": 3,
    }


# ---- Hindsight Neglect

QUESTION = re.compile(
    r"Question: (\w+) has the option to play a game where \1 has an? (\d+) percent chance of (losing|earning) (\d+) "
    r"dollars and an? (\d+) percent chance of (losing|earning) (\d+) dollars\. \1 plays the game and ends up "
    r"(losing|earning) (\d+) dollars\. Did \1 make the right decision\? Choose Y or N\.\nAnswer:(?: ([YN])\n\n)?"
)


def test_in_the_question_alone_hindsight_misleads():
    for record in records("hindsight-neglect"):
        games = [match.groups() for match in QUESTION.finditer(record["query"])]
        assert len(games) == EXAMPLES + 1
        assert record["query"].endswith(record["question"]) and record["choices"] == ["Y", "N"]
        for place, (_, *game, came, dollars, label) in enumerate(games):
            first, second = game[:3], game[3:]
            assert int(first[0]) + int(second[0]) == 100 and first[1] != second[1]
            expected = sum(
                int(percent) * int(amount) * (1 if sign == "earning" else -1)
                for percent, sign, amount in (first, second)
            )
            assert [came, dollars] in (first[1:], second[1:])
            worth = "Y" if expected > 0 else "N"
            if place < EXAMPLES:
                assert label == worth and (came == "earning") == (expected > 0)
            else:
                assert label is None and record["choices"][record["gold"]] == worth
                assert (came == "earning") != (expected > 0)
    labels = Counter(match[-1] for match in QUESTION.findall(record["query"]))
    assert labels["Y"] == labels["N"] == 5


def test_labels_of_hindsight_neglect_tell_nothing_by_their_number():
    """Between 45 and 55 % of 2,000 fair draws in all but one of 130,000 sets (4.4 standard deviations)."""
    gold = Counter(record["gold"] for record in records("hindsight-neglect"))
    assert 900 < gold[0] < 1100
    assert Game("A", 91, 900, 5, gain=False, first=True).told(likely_came=True) == (
        "Question: A has the option to play a game where A has a 91 percent chance of losing 900 dollars and a 9 "
        "percent chance of earning 5 dollars. A plays the game and ends up losing 900 dollars. Did A make the right "
        "decision? Choose Y or N.\nAnswer:"
    )


# ---- graded problems


@pytest.mark.parametrize("kind", ["number", "text"])
def test_a_functions_tests_hold_for_its_solution_and_for_no_shorter_one(kind):
    for record in records(f"{kind}-functions", 120):
        program = f"{record['prompt']}{record['canonical_solution']}\n{record['test']}"
        space: dict = {}
        exec(program, space)
        space["check"](space[record["entry_point"]])
        for wrong in (lambda x: x, lambda x: None):
            with pytest.raises((AssertionError, TypeError)):
                space["check"](wrong)
        shown = re.findall(r">>> f\((.*)\)\n    (.*)\n", record["prompt"])
        assert len(shown) == 2
        assert all(repr(space["f"](eval(given))) == came for given, came in shown)


def test_a_question_in_numbers_has_its_answer():
    for number, record in enumerate(records("number-questions", 600)):
        match = re.fullmatch(r"\n\nQ: What is ([-x\d+*() ]+) for x = (\d+)\?\n\nA:", record["context"])
        assert record["completion"] == f" {eval(match[1], {'x': int(match[2])})}"
        assert record["level"] == 1 + number % 6 == len(re.findall("[-+*]", match[1]))


def test_a_question_on_a_text_has_its_answer():
    """By a reader of its own: the words, step by step."""
    does = [
        (r"reverse it", lambda text: text[::-1]),
        (r"put it in capitals", str.upper),
        (r"repeat it (\d) times", lambda text, times: text * int(times)),
        (r"remove the first (?:(\d) letters|letter)", lambda text, many: text[int(many or 1) :]),
        (r"remove the last (?:(\d) letters|letter)", lambda text, many: text[: -int(many or 1)]),
        (r"keep the first (?:(\d) letters|letter)", lambda text, many: text[: int(many or 1)]),
        (r"put (\w) before it", lambda text, letter: letter + text),
        (r"put (\w) after it", lambda text, letter: text + letter),
        (r"replace (\w) by (\w)", lambda text, one, other: text.replace(one, other)),
    ]
    met = set()
    for number, record in enumerate(records("text-questions", 600)):
        text, told = re.fullmatch(r"\n\nQ: What is (\w+) if you (.*)\?\n\nA:", record["context"]).groups()
        steps = told.split(", then ")
        for step in steps:
            ((pattern, match, do),) = [(p, m, do) for p, do in does if (m := re.fullmatch(p, step))]
            text = do(text, *match.groups())
            met.add(pattern)
        assert record["completion"] == f" {text}" and text
        assert record["level"] == 1 + number % 6 == len(steps)
    assert len(met) == len(does)


DRAWS = st.lists(st.floats(0, 1, exclude_max=True), min_size=PLACES, max_size=PLACES)


@given(st.lists(DRAWS, min_size=1, max_size=6), st.integers(-999, 999), st.text("abcde", max_size=9))
def test_a_chains_code_does_what_its_steps_do(draws, number, text):
    for kind, value in (("number", number), ("text", text)):
        chain = Chain(tuple(KINDS[kind][0](each) for each in draws), (value,))
        assert eval(chain.code, {"x": value}) == chain.of(value)
        assert chain.words.count(", then ") == len(draws) - 1


def test_two_reversals_are_no_level_two():
    step = KINDS["text"][0]
    backwards = step([0.0, 0.0, 0.0])
    louder = step([0.12, 0.0, 0.0])
    assert (backwards.words, louder.words) == ("reverse it", "put it in capitals")
    trials = ("abc", "de")
    assert Chain((backwards, louder), trials).needed
    assert not Chain((backwards, backwards), trials).needed
    assert not Chain((backwards, louder, louder), trials).needed
    assert not Chain((louder, backwards, backwards), trials).needed
    assert all(len(chain.steps) == 4 for chain in islice(chains(1, "a", "text", 4), 20))


# ---- the stage


def made(run, name, items=60, seed=1, text=(), files=()):
    listed = [{"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in files]
    how = {"generator": name, "items": items, "text": list(text), "files": listed, "inside": None}
    return run(generated, "made", **how, seed=seed)


def test_the_stage_reads_like_a_benchmark_of_files(run, tmp_path):
    """An item generated is the item that its line in a file would be, its id and its compared text."""
    artifact = made(run, "five-digit-addition")
    path = tmp_path / "five-digit-addition"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records("five-digit-addition", 60)))
    file = {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    read = run(benchmark, "read", files=[file], inside=None, text=["context", "completion"])
    assert items_of(artifact).to_pylist() == items_of(read).to_pylist()
    assert counts(artifact) == counts(read)


def test_a_users_words(run, tmp_path):
    path = tmp_path / "count_1w.txt"
    path.write_text("the\t23135851162\nabout\t1226734006\nCAFÉS 3\ncan't 2\nlevel\t9\n\nabout 1\nextraordinarily 1\n")
    rows = items_of(made(run, "cycle-letters-in-word", items=3, files=[path])).to_pylist()
    assert {json.loads(row["record"])["completion"] for row in rows} == {" about", " CAFÉS", " level"}
    with pytest.raises(
        Mistake, match=r"stage generated of made: reversed-words: 2 of the words .* not 3; lower `items`"
    ):
        made(run, "reversed-words", items=3, files=[path])
    path.write_text("the 1\n")
    with pytest.raises(Mistake, match=r"count_1w.txt: no word of 5 to 14 letters"):
        made(run, "reversed-words", items=1, files=[path])
    path.write_bytes(b"caf\xe9s\n")
    with pytest.raises(Mistake, match="not UTF-8"):
        made(run, "reversed-words", items=1, files=[path])


@given(st.lists(st.text(), max_size=20))
def test_whatever_stands_in_a_list_of_words_only_words_are_taken(lines):
    taken = list(words_of.fitting(lines))
    assert len(set(taken)) == len(taken)
    assert all(5 <= len(word) <= 14 and word.isalpha() for word in taken)
    assert taken == list(words_of.fitting([f"  {line}\t3" for line in lines]))


def test_more_than_there_are_and_a_field_that_is_none(run):
    with pytest.raises(Mistake, match=r"single-digit-three-ops: there are only 6,561 different ones, not 6,562"):
        made(run, "single-digit-three-ops", items=6562)
    with pytest.raises(Mistake, match=r"`text` names answer; .* hold completion, context"):
        made(run, "two-digit-addition", text=["context", "answer"])
