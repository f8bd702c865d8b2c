"""`benchmarks`: of files or generated, and what is refused."""

import pytest
from plain import PLAIN, read

from tasks.runtime.errors import Mistake

QUIZ = "  quiz: {files: quiz.jsonl, text: [query]}\n"


def test_a_generated_benchmark(tmp_path):
    p = read(tmp_path, PLAIN.replace(QUIZ, "  sums: {generate: two-digit-addition}\n"))
    assert (p.benchmarks["sums"].items, p.benchmarks["sums"].text, p.benchmarks["sums"].files) == (2000, [], None)
    p = read(tmp_path, PLAIN.replace(QUIZ, "  words: {generate: reversed-words, items: 10k, words: count_1w.txt}\n"))
    assert (p.benchmarks["words"].items, p.benchmarks["words"].words) == (10_000, str(tmp_path / "count_1w.txt"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("{text: [query]}", "either `files` or `generate`"),
        ("{files: quiz.jsonl, text: [query], generate: reversed-words}", "either `files` or `generate`"),
        ("{files: quiz.jsonl}", "needs `text`"),
        ("{files: quiz.jsonl, text: [query], items: 3}", "`items` is of benchmarks that are generated"),
        ("{files: quiz.jsonl, text: [query], words: a.txt}", "`words` is of benchmarks that are generated"),
        ("{generate: two-digit-addition, words: a.txt}", "two-digit-addition takes none"),
        ("{generate: two-digit-addition, items: 0}", "greater than 0"),
        ("{generate: two-digit-division}", "two-digit-addition"),
        (
            "{generate: reversed-words, words: '{sample}/a.txt'}",
            "words name {sample}, but the pipeline has no `sample:`",
        ),
        ("{generate: reversed-words, words: 'https://a:b@c.example/'}", "credential"),
    ],
)
def test_what_is_refused_with_its_line(tmp_path, keys, said):
    with pytest.raises(Mistake) as refused:
        read(tmp_path, PLAIN.replace(QUIZ, f"  quiz: {keys}\n"))
    assert "mine.yaml:9:" in str(refused.value) and said in str(refused.value)
