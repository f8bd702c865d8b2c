"""Texts: each model's perplexity on files of text, by units of the files, as published word-level perplexities are."""

from collections.abc import Iterator

from tasks.evaluation.file_perplexity import FilePerplexity, file_perplexity
from tasks.report.formats import number
from tasks.report.given import Given
from tasks.report.section import Content, Counted, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    rows = []
    for name, artifact in given.named(file_perplexity).items():
        model, _, text = name.rpartition(".")  # no text's name has a dot
        rows.append({"model": model, "text": text, **to_json(artifact.counts(FilePerplexity))})
    return {"rows": rows} if rows else None


def lines(content: Content) -> Iterator[str]:
    for row in content["rows"]:
        apart, overlapping = row["apart"], row["overlapping"]
        said = f"{number(apart['perplexity'])} a {row['unit']}, {apart['bits_per_byte']:.3f} bits a byte"
        if overlapping is not None:
            said += f"; at a stride of {overlapping['stride']:,} tokens {number(overlapping['perplexity'])}"
        yield f"Perplexity {row['model']}: {row['text']} {said}"


TEXTS = Section("texts", "Perplexity of texts", gather, lines=lines)
