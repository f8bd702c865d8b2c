"""Measure: `file-perplexity`, a model's perplexity on files of text, by their units (GPT-2, section 3.1 and table 3).

    perplexity      exp(nats over all tokens / words of the files as they are, each line's end being a word)
    bits per byte   nats / ln 2 / bytes of the files as they are (enwik8); per character likewise (text8)

The nats are of the text de-tokenised (detokenise.py), in the model's own tokens, the first behind <|endoftext|>; the
units are of the original. So models of different tokenizers can be compared, and with the figures of word-level models.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.evaluation.detokenise import RULES
from tasks.models.loaded import loaded
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.sources.input.inside import place_of
from tasks.sources.input.lines import lines
from tasks.sources.rejects import Reject

BLOCK = 256  # windows of a file of losses
PIECE = 1 << 20  # characters that are encoded at a time; cut behind a line's end, before a character that is no blank
LOSSES = pa.schema(
    [
        ("start", pa.int64()),  # the first token that the window reads; <|endoftext|> is token 0
        ("tokens", pa.int32()),  # predicted
        ("nats", pa.float64()),
    ]
)


@statistics
class Losses:
    """Nats over so many tokens."""

    nats: float = 0.0
    tokens: int = 0


@statistics
class Perplexity:
    """By windows of one stride. `loss`: nats a token. `perplexity`: exp of the nats a unit."""

    stride: int = 0
    loss: float = 0.0
    perplexity: float = 0.0
    bits_per_byte: float = 0.0
    bits_per_character: float = 0.0


@statistics
class FilePerplexity:
    """`words` (line ends among them), `characters` and `bytes` of the files as they are; `lines`, and those of them
    that could not be de-tokenised reversibly and were read as they are; `tokens` of the text that was read.

    `apart`: windows without overlap; `overlapping`: of the stride that was asked for, where it is shorter.
    """

    unit: str = ""
    words: int = 0
    characters: int = 0
    bytes: int = 0
    lines: int = 0
    irreversible: int = 0
    tokens: int = 0
    context: int = 0
    apart: Perplexity = Perplexity()
    overlapping: Perplexity | None = None


@stage("file-perplexity", kind="measure", section="texts", libraries=("torch", "tokenizers", "numpy"))
def file_perplexity(
    job: Job,
    *,
    model: Artifact,
    files: list[dict[str, Any]],
    inside: Artifact | None,
    detokenise: str | None,
    unit: str,
    stride: int | None,
) -> FilePerplexity:
    """A model's perplexity on files of text; a window's loss is a row of the shards (start, tokens, nats).

    Raises:
        Mistake: a file cannot be read, is no UTF-8 or holds nothing; or the stride is longer than the context.
        Failure: a file changed since it was listed.
    """
    import torch

    from model.strided import spans

    read = _read(files, inside, detokenise, job.artifact.name)
    gpt, tokenizer = loaded(model)
    context = gpt.architecture.context
    if stride is not None and stride > context:
        raise Mistake(f"a stride of {stride} tokens is longer than the context of {model.name}, {context}")
    tokens = np.concatenate([[tokenizer.end_of_text], *(tokenizer.encode(piece) for piece in pieces(read.text))])
    if torch.cuda.is_available():  # one process has the device
        job.engine = LocalEngine(1)
    strides = sorted({context, stride or context}, reverse=True)
    blocks = []
    for step in strides:
        windows = list(spans(len(tokens), context, step))
        for at in range(0, len(windows), BLOCK):
            chosen = windows[at : at + BLOCK]
            first, last = chosen[0].start, chosen[-1].stop + 1
            blocks.append((f"{step:06d}-{at // BLOCK:05d}", (chosen, tokens[first:last].astype(np.int32))))
    counted = job.map(block_losses, blocks, model=model)
    found = {}
    for step in strides:
        of = [one for (key, _), one in zip(blocks, counted, strict=True) if key.startswith(f"{step:06d}-")]
        found[step] = read.perplexity(step, unit, math.fsum(one.nats for one in of), sum(one.tokens for one in of))
    return FilePerplexity(
        unit=unit,
        words=read.words,
        characters=read.characters,
        bytes=read.bytes,
        lines=read.lines,
        irreversible=read.irreversible,
        tokens=len(tokens) - 1,
        context=context,
        apart=found[context],
        overlapping=found[stride] if stride is not None and stride < context else None,
    )


def block_losses(out: Output, block: tuple[list[Any], NDArray[np.int32]], model: Artifact) -> Losses:
    """A block of windows (of model.strided.spans), and the tokens from the first one's start on."""
    import torch

    from model.strided import Span, span_losses

    if not torch.cuda.is_available():
        torch.set_num_threads(1)  # no number of threads shows in a sum
    windows, tokens = block
    gpt, _ = loaded(model)
    first = windows[0].start
    here = [Span(span.start - first, span.stop - first, span.scored) for span in windows]
    losses = [(round(nats, 6), count) for nats, count in span_losses(gpt, tokens, here)]
    rows = [
        {"start": span.start, "tokens": count, "nats": nats}
        for span, (nats, count) in zip(windows, losses, strict=True)
    ]
    out.write(pa.Table.from_pylist(rows, schema=LOSSES))
    return Losses(math.fsum(nats for nats, _ in losses), sum(count for _, count in losses))


@dataclass(frozen=True)
class Read:
    """What the files hold, and the text that a model is asked."""

    text: str
    words: int
    characters: int
    bytes: int
    lines: int
    irreversible: int

    def perplexity(self, stride: int, unit: str, nats: float, tokens: int) -> Perplexity:
        """Of so many nats over so many tokens."""
        units = {"word": self.words, "byte": self.bytes, "character": self.characters}[unit]
        return Perplexity(
            stride=stride,
            loss=round(nats / tokens, 6),
            perplexity=round(math.exp(nats / units), 4),
            bits_per_byte=round(nats / math.log(2) / self.bytes, 6),
            bits_per_character=round(nats / math.log(2) / self.characters, 6),
        )


def _read(files: list[dict[str, Any]], inside: Artifact | None, detokenise: str | None, name: str) -> Read:
    """The files' lines, one after another."""
    parts: list[str] = []
    words = characters = size = count = irreversible = 0
    for file in files:
        path = place_of(file, inside)
        for number, line in enumerate(lines(path), 1):
            if isinstance(line, Reject):
                raise Mistake(f"{path} cannot be read: {line.detail}")
            if line.data is None:
                raise Mistake(f"{path}:{number}: the line has {line.length} bytes, too many")
            try:
                written = line.data.decode()
            except UnicodeDecodeError as error:
                raise Mistake(f"{path}:{number}: not UTF-8 ({error})") from None
            cut = line.length - len(line.data)  # its end: none, \n, or \r\n
            end = "\r" * (cut - 1) + "\n" if cut else ""
            words += len(written.split()) + (cut > 0)
            characters += len(written) + cut
            size += line.length
            count += 1
            if detokenise is not None:
                written, reversible = RULES[detokenise].detokenise(written)
                irreversible += not reversible
            parts.append(written + end)
    if not count:
        raise Mistake(f"{name}: the files hold nothing; see `files` of `perplexity`")
    return Read("".join(parts), words, characters, size, count, irreversible)


_CUT = re.compile(r"\n(?=\S)")


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    """The text in pieces of `size` characters or a little more, which byte-level BPE encodes as it does the whole: it
    never joins a line's end with a letter that follows."""
    at = 0
    while at < len(text):
        found = _CUT.search(text, at + size - 1)
        end = found.end() if found else len(text)
        yield text[at:end]
        at = end
