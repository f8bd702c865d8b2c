"""A plain pipeline, for tests to change a line of."""

from pathlib import Path

from conf.load import load
from conf.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
PLAIN = """\
store: ./store
seed: 1
sources:
  web:   {kind: text, files: web/*.txt, group: crawl}
  books:
    kind: text
    files: [a.txt, b.txt]
benchmarks:
  quiz: {files: quiz.jsonl, text: [query]}
quality:
  good: [books]
  raw: [crawl]
mixture: {crawl: 3, books: 1}
models:
  small: {preset: gpt3-small, tokens: 300B}
"""


def read(folder: Path, text: str) -> Pipeline:
    path = folder / "mine.yaml"
    path.write_text(text)
    return load(path)
