"""Which blocks of a page are its main content: trees over what each block, its neighbours and its elements look like.

A block is a paragraph, a heading, an item, a cell, a line or a `<pre>` of the page, as kernels.markup reads them. What
is asked of it (kernels.blocks.FEATURES) is its length, links, punctuation and place, the same of its neighbours, and
what the elements around it are called (menu, comment, related ...); no word of the text. The trees, in
main_content.json, are trained by bench/train_blocks.py; a block is kept where the sum of its leaves, averaged with its
section's, is above `bound`.
"""

import hashlib
import json
import re
from functools import cache
from html import unescape
from typing import Any, NamedTuple

import numpy as np

TREES = "main_content.json"
# Of that file: the fingerprint is of code, and knows it by this.
SHA256 = "5640da82181176c254455ddc600e969f9a7fabb9e7048ad674756a2165263314"
MANY = 20_000  # blocks; their features take 15 MB. Of a page with more, what the rules keep is the main content
FEW, MUCH = 200, 2000  # main content shorter than FEW of a page with MUCH text was missed; lengths as of kernels.blocks
SEPARATOR = re.compile(r"\s+[|–—»«·:/-]\s+|\s*[|»«]\s*")  # between a title and the site's name


class Trees(NamedTuple):
    """As kernels.blocks.scores takes them; `bound` is the least score kept."""

    roots: np.ndarray
    nodes: np.ndarray
    bound: int


class Blocks(NamedTuple):
    """Blocks of a page, in order; see kernels.markup.scan."""

    text: str
    spans: np.ndarray
    counts: np.ndarray
    hashes: np.ndarray
    elements: np.ndarray
    title: str | None


class Rendered(NamedTuple):
    """Text, and half-open ranges of its characters that were preformatted."""

    text: str
    preformatted: tuple[tuple[int, int], ...]


def blocks(html: str) -> Blocks:
    """Blocks of HTML."""
    from tasks.kernels.markup import classes, scan

    codes = np.frombuffer(html.encode("utf-32-le", "surrogatepass"), np.uint32)
    text, spans, counts, hashes, elements, (start, end) = scan(codes, classes())
    title = " ".join(unescape(html[start:end]).split()) or None
    return Blocks(text.tobytes().decode("utf-32-le", "surrogatepass"), spans, counts, hashes, elements, title)


def features(page: Blocks) -> np.ndarray:
    """int64 (blocks, len(FEATURES)) of a page."""
    from tasks.kernels import blocks as kernel

    titles = blocks(_titles(page.title)).hashes if page.title else np.zeros(0, np.uint64)
    is_title = (page.hashes[:, None] == titles).any(axis=1)  # of four titles at most
    return kernel.features(page.counts, page.elements, is_title)


def main_content(page: Blocks) -> tuple[np.ndarray, bool]:
    """Which blocks are main content, bool (blocks,), and whether it had to be sought in a wider way.

    Where the trees keep next to nothing of a page that has text, all text outside links is taken; where a page is links
    alone, they are: that it is worth nothing is for the quality filter to say, and for `explain` to tell.
    """
    from tasks.kernels.blocks import scores, smoothed
    from tasks.kernels.markup import LENGTH, LINKED

    lengths = page.counts[:, LENGTH]
    prose = page.counts[:, LINKED] * 2 < lengths
    if len(page.spans) > MANY:
        kept = prose
    else:
        trees = _trees()
        single = scores(features(page), trees.roots, trees.nodes)
        kept = smoothed(single, page.counts, page.elements) > trees.bound
    found = int(lengths[kept].sum())
    if found >= FEW or (found and int(lengths.sum()) < MUCH):
        return kept, False
    if int(lengths[prose].sum()) >= (FEW if lengths.sum() >= MUCH else 1):
        return prose, True
    return (kept, False) if found else (np.ones(len(kept), bool), True)


def render(page: Blocks, kept: np.ndarray | None = None) -> Rendered:
    """Text of the blocks that are kept (all, where None), lines without leading blanks except preformatted ones.

    Cells of a row are parted by a blank, blocks by a line's end, and by an empty line where the page has a gap.
    """
    from tasks.kernels.markup import ELEMENT, GAP, IN_CELL, KIND, ORDINAL, PARENT, PREFORMATTED

    parts: list[str] = []
    preformatted: list[tuple[int, int]] = []
    size = 0
    chosen = np.arange(len(page.spans)) if kept is None else np.flatnonzero(kept)
    gaps = np.diff(np.cumsum(page.counts[:, GAP])[chosen], prepend=0) > 0  # also those of blocks between
    kinds, ordinals, elements = (page.counts[chosen, column] for column in (KIND, ORDINAL, ELEMENT))
    rows = np.where(kinds == IN_CELL, page.elements[elements, PARENT], -1)
    same_row = (rows[1:] == rows[:-1]) & (rows[1:] >= 0) & (elements[1:] != elements[:-1])
    between = np.where(gaps[1:], 2, np.where(same_row, 0, 1)).tolist()
    for (start, end), kind, ordinal, before in zip(
        page.spans[chosen].tolist(), kinds.tolist(), ordinals.tolist(), [-1, *between], strict=False
    ):
        text = page.text[start:end]
        if kind == PREFORMATTED:
            text = _without_blank_ends(text)
        elif ordinal:
            text = f"• {text}" if ordinal < 0 else f"{ordinal}. {text}"
        if before >= 0:
            parts.append((" ", "\n", "\n\n")[before])
            size += len(parts[-1])
        if kind == PREFORMATTED:
            preformatted.append((size, size + len(text)))
        parts.append(text)
        size += len(text)
    return Rendered("".join(parts), tuple(preformatted))


def trees_of(made: dict[str, Any]) -> Trees:
    """Trees as main_content.json holds them: a node is [feature, bound, at most, above], a leaf an integer."""
    from tasks.kernels.blocks import FEATURES

    column = {name: number for number, name in enumerate(FEATURES)}
    nodes: list[list[int]] = []

    def add(node: Any) -> int:
        place = len(nodes)
        if isinstance(node, int):
            nodes.append([-1, node, 0, 0])
            return place
        nodes.append([column[node[0]], node[1], 0, 0])
        nodes[place][2], nodes[place][3] = add(node[2]), add(node[3])
        return place

    roots = [add(tree) for tree in made["trees"]]
    return Trees(np.array(roots, np.int64), np.array(nodes, np.int64).reshape(-1, 4), made["bound"])


@cache
def _trees() -> Trees:
    from importlib.resources import files

    data = files("tasks.sources.page").joinpath(TREES).read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise RuntimeError(f"{TREES} is not the file that main_content.SHA256 names: write its checksum there")
    return trees_of(json.loads(data))


def _titles(title: str) -> str:
    """The title, and what of it may be the headline: all, without the last part, the first part, the longest part."""
    parts = [part for part in SEPARATOR.split(title) if part]
    cut = title
    for match in SEPARATOR.finditer(title):
        cut = title[: match.start()]
    several = {title, cut, parts[0] if parts else title, max(parts, key=len) if parts else title}
    return "<br>".join(_escaped(" ".join(one.split())) for one in sorted(several))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _without_blank_ends(text: str) -> str:
    """Preformatted text without the blank lines before its first line and behind its last."""
    lines = [line.rstrip() for line in text.split("\n")]
    filled = [number for number, line in enumerate(lines) if line]
    return "\n".join(lines[filled[0] : filled[-1] + 1]) if filled else ""
