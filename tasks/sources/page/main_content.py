"""Which blocks of a page are its main content: trees over what each block and its neighbours look like.

The page is written out once whole and once as Resiliparse's rules see its main content, both as `minimal_html`: a
closed grammar of paragraphs, headings, items, links and `<pre>`. A block is a line of it, or a `<pre>`. What is asked
of a block (kernels.blocks.FEATURES) is its length, links, punctuation and place, the same of its neighbours, and
whether the rules kept it; no word of any language. The trees, in main_content.json, are trained by
bench/train_blocks.py; a block is kept where the sum of its leaves is above `bound`.
"""

import hashlib
import json
import re
from functools import cache
from typing import Any, NamedTuple

import numpy as np

TREES = "main_content.json"
# Of that file: the fingerprint is of code, and knows it by this.
SHA256 = "df6ebd76ca41d9189b333b49fb922badad862e3b61dfbfa5df5928380438444e"
MANY = 20_000  # blocks; their features take 15 MB. Of a page with more, what the rules keep is the main content
FEW, MUCH = 200, 2000  # main content shorter than FEW of a page with MUCH text was missed; lengths as of kernels.blocks
TAG = re.compile(r"<[^>]*>")  # attributes are escaped, so that `>` ends a tag
SEPARATOR = re.compile(r"\s+[|–—»«·:/-]\s+|\s*[|»«]\s*")  # between a title and the site's name


class Trees(NamedTuple):
    """As kernels.blocks.scores takes them; `bound` is the least score kept."""

    roots: np.ndarray
    nodes: np.ndarray
    bound: int


class Blocks(NamedTuple):
    """Blocks of a serialised page, in order; see kernels.blocks.scan."""

    markup: str
    spans: np.ndarray
    counts: np.ndarray
    hashes: np.ndarray


class Rendered(NamedTuple):
    """Text, and half-open ranges of its characters that were preformatted."""

    text: str
    preformatted: tuple[tuple[int, int], ...]


def blocks(markup: str) -> Blocks:
    """Blocks of `minimal_html`."""
    from tasks.kernels.blocks import classes, scan

    codes = np.frombuffer(markup.encode("utf-32-le", "surrogatepass"), np.uint32)
    return Blocks(markup, *scan(codes, classes()))


def features(page: Blocks, rules: Blocks, title: str | None) -> np.ndarray:
    """int64 (blocks, len(FEATURES)) of a page; `rules` are the blocks that Resiliparse's rules keep."""
    from tasks.kernels import blocks as kernel

    in_main = np.isin(page.hashes, rules.hashes)
    is_title = np.isin(page.hashes, blocks(_titles(title)).hashes) if title else np.zeros(len(page.hashes), bool)
    return kernel.features(page.counts, in_main, is_title)


def main_content(page: Blocks, rules: Blocks, title: str | None) -> tuple[np.ndarray, bool]:
    """Which blocks are main content, bool (blocks,), and whether it had to be sought in a wider way.

    Where the trees keep next to nothing of a page that has text, the rules' blocks are taken; where these are few too,
    all text outside links.
    """
    from tasks.kernels.blocks import LENGTH, LINKED, scores

    if len(page.spans) > MANY:
        kept = np.isin(page.hashes, rules.hashes)
    else:
        trees = _trees()
        kept = scores(features(page, rules, title), trees.roots, trees.nodes) > trees.bound
    lengths = page.counts[:, LENGTH]
    found = int(lengths[kept].sum())
    if found >= FEW or (found and int(lengths.sum()) < MUCH):
        return kept, False
    by_rules = np.isin(page.hashes, rules.hashes)
    prose = page.counts[:, LINKED] * 2 < lengths
    for wider in (by_rules, prose):
        if int(lengths[wider].sum()) >= (FEW if lengths.sum() >= MUCH else 1):
            return wider, True
    return kept, False


def render(page: Blocks, kept: np.ndarray | None = None) -> Rendered:
    """Text of the blocks that are kept (all, where None), lines without leading blanks except preformatted ones."""
    from tasks.kernels.blocks import GAP, KIND, ORDINAL, PREFORMATTED

    markup = page.markup
    parts: list[str] = []
    preformatted: list[tuple[int, int]] = []
    size = 0
    gap = 0
    chosen = [True] * len(page.spans) if kept is None else kept.tolist()
    kinds, gaps, ordinals = (page.counts[:, column].tolist() for column in (KIND, GAP, ORDINAL))
    for (start, end), keep, kind, before, ordinal in zip(
        page.spans.tolist(), chosen, kinds, gaps, ordinals, strict=True
    ):
        gap += before
        if not keep:
            continue
        text = _unescaped(TAG.sub("", markup[start:end]))
        if kind == PREFORMATTED:
            text = _without_blank_ends(text)
        else:
            text = " ".join(text.split())
            if ordinal:
                text = f"• {text}" if ordinal < 0 else f"{ordinal}. {text}"
        if parts:
            parts.append("\n\n" if gap else "\n")
            size += len(parts[-1])
        if kind == PREFORMATTED:
            preformatted.append((size, size + len(text)))
        parts.append(text)
        size += len(text)
        gap = 0
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
    return "\n".join(_escaped(" ".join(one.split())) for one in sorted(several))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    """Undoes what the serialiser did, once: `&amp;lt;` is `&lt;`."""
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _without_blank_ends(text: str) -> str:
    """Preformatted text without the blank lines before its first line and behind its last."""
    lines = [line.rstrip() for line in text.split("\n")]
    filled = [number for number, line in enumerate(lines) if line]
    return "\n".join(lines[filled[0] : filled[-1] + 1]) if filled else ""
