"""What a page's HTML is parsed to: title, and its text written out in the ways that the extractor asks for.

All of the work that can take long or break (lexbor's parse, Resiliparse's extraction) is here, so that it can run in
a process of its own: `python -m tasks.sources.page_parse` answers requests on its standard input (page_worker.py).
Imports Resiliparse only, and trafilatura where it is asked for.
"""

import json
import os
import sys
from typing import Any, BinaryIO, NamedTuple

EXTRACTORS = ("millrace", "resiliparse", "trafilatura", "plain")
FEW, MUCH = 200, 2000  # characters: main content shorter than FEW, of a page with MUCH text, was missed
LENGTH = 8  # bytes of a message's length, big-endian, before the message (JSON in ASCII)


class Refused(Exception):
    """A page that is not parsed; reason and detail as of rejects.Bad, which is not imported here: it brings Arrow."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Parsed(NamedTuple):
    """`page`: the page (of `resiliparse` and `trafilatura` its main content). `rules`: what Resiliparse's rules see as
    main content, for `millrace` alone. Both are `minimal_html`, unless `plain`, then text."""

    title: str | None
    page: str
    rules: str
    plain: bool
    fell_back: bool


def parse(html: str, depth: int, measure: bool, extractor: str) -> Parsed:
    """Parse and write out.

    Args:
        depth: elements may be nested so deep; looked at only if `measure`, for it takes as long as a third of the rest.

    Raises:
        Refused: `markup`, nested deeper.
    """
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(html)
    if measure:
        _check_depth(tree, depth)
    title = " ".join((tree.title or "").split()) or None
    if extractor == "millrace":
        return Parsed(title, *serialised(tree), plain=False, fell_back=False)
    if extractor == "plain":
        return Parsed(title, _written(tree), "", plain=False, fell_back=False)
    if extractor == "trafilatura":
        text = _trafilatura(html)
        plain = True
    else:
        plain = "<pre" not in html and "<PRE" not in html
        text = _written(tree, plain, main_content=True)
    if len(text) < FEW:
        wider = _written(tree, plain)
        if len(wider) >= MUCH:
            return Parsed(title, wider, "", plain, fell_back=True)
    return Parsed(title, text, "", plain, fell_back=False)


def serialised(tree: Any) -> tuple[str, str]:
    """A tree's text whole, and what Resiliparse's rules keep of it, both as `minimal_html` with links."""
    rules = {"main_content": True, "comments": False, "post_meta": False}
    return _written(tree, alt_texts=False, links=True), _written(tree, alt_texts=False, links=True, **rules)


def _written(tree: Any, plain: bool = False, **how: Any) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(tree, True if plain else "minimal_html", **how)


def _trafilatura(html: str) -> str:
    import trafilatura

    return trafilatura.extract(html, include_comments=False) or ""


def _check_depth(tree: Any, depth: int) -> None:
    """Raises Refused where elements are nested deeper than the limit."""
    from resiliparse.parse.html import traverse_dom

    def enter(context: Any) -> None:
        if context.depth > depth:
            raise Refused("markup", f"elements are nested more than {depth} deep")

    if tree.body is not None:
        traverse_dom(tree.body, enter, elements_only=True)


def send(stream: BinaryIO, message: Any) -> None:
    data = json.dumps(message).encode("ascii")  # lone surrogates are escaped
    stream.write(len(data).to_bytes(LENGTH) + data)
    stream.flush()


def receive(stream: BinaryIO) -> Any | None:
    """A message; None where the stream ends, also inside one."""
    head = stream.read(LENGTH)
    size = int.from_bytes(head)
    data = stream.read(size) if len(head) == LENGTH else b""
    return json.loads(data) if len(head) == LENGTH and len(data) == size else None


def serve(memory: int) -> None:
    """Answer requests until standard input ends, as it does when the parent dies. memory: bytes of address space."""
    import resource

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (request := receive(sys.stdin.buffer)) is not None:
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        spent = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(spent.ru_utime + spent.ru_stime) + 1 + request.pop("seconds")
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        try:
            answer: Any = {"parsed": parse(**request)}
        except Refused as refused:
            answer = {"bad": [refused.reason, refused.detail]}
        except MemoryError:
            answer = {"bad": ["memory", f"parsing takes more than {memory >> 20} MB"]}
        send(answers, answer)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
