"""The section on texts: a row a model, text and kind of window, on the page and in the summary."""

from pathlib import Path

from report_toys import EMPTY, tell

from tasks.evaluation.file_perplexity import FilePerplexity, Perplexity, file_perplexity
from tasks.report.given import Declaration, Given
from tasks.report.page import render
from tasks.report.report import report
from tasks.report.sections import NAMES
from tasks.report.texts import gather, lines
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run

APART = Perplexity(32, 2.5, 1234.56, 1.25, 1.5)
COUNTED = FilePerplexity("word", 900, 5000, 5100, 40, 2, 1500, 32, APART, None)
OVERLAPPING = FilePerplexity("byte", 900, 5000, 5100, 40, 0, 1500, 32, APART, Perplexity(8, 2.25, 2.125, 1.0, 1.25))


def test_texts(tmp_path: Path) -> None:
    run = Run(tmp_path, LocalEngine(1))
    texts = {"gpt.2.wikitext": tell(run, "a", COUNTED), "gpt.2.enwik8": tell(run, "b", OVERLAPPING)}
    declared = Declaration.of(file_perplexity)
    given = Given({}, {}, {}, {"file-perplexity": texts}, {"file-perplexity": declared}, {}, NAMES)
    content = gather(None, given, [])  # type: ignore[arg-type]
    assert content is not None and [(row["model"], row["text"]) for row in content["rows"]] == [
        ("gpt.2", "wikitext"),
        ("gpt.2", "enwik8"),
    ]
    assert list(lines(content)) == [
        "Perplexity gpt.2: wikitext 1,235 a word, 1.250 bits a byte",
        "Perplexity gpt.2: enwik8 1,235 a byte, 1.250 bits a byte; at a stride of 8 tokens 2.125",
    ]
    assert gather(None, Given({}, {}, {}, {}, {}, {}, NAMES), []) is None  # type: ignore[arg-type]
    declarations = {"file-perplexity": {**vars(declared), "columns": []}}
    made = run(report, "toy", **{**EMPTY, "others": {"file-perplexity": texts}, "declarations": declarations})
    page = render(made, [])
    assert page.count("<td>wikitext</td>") == 1 and page.count("<td>enwik8</td>") == 2
    assert "32 tokens, apart" in page and "32 tokens, every 8" in page and "2 of 40" in page
