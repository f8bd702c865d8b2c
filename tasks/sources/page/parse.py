"""What other extractors than ours make of a page's HTML: title, and the main content.

All of the work that can take long or break (lexbor's parse, Resiliparse's extraction) is here, so that it can run in
a process of its own: `serve` answers requests on its standard input (worker.py).
Imports Resiliparse only, and trafilatura where it is asked for.
"""

import json
import os
import sys
from typing import IO, Any, NamedTuple

FEW, MUCH = 200, 2000  # main content shorter than FEW characters, of a page that has MUCH, was missed
LENGTH = 8  # bytes of the length of a message, big-endian, before it


class Refused(Exception):
    """A page that is not parsed; reason and detail as of rejects.Bad, which is not imported here: it brings Arrow."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Parsed(NamedTuple):
    """`page`: the main content, in `minimal_html`, or text where `plain`."""

    title: str | None
    page: str
    plain: bool
    fell_back: bool


def parse(html: str, depth: int, extractor: str, measure: bool = False) -> Parsed:
    """Parse and write out.

    Args:
        depth: elements may be nested so deep; looked at only if `measure`, for it takes as long as a third of the rest.

    Raises:
        Refused: `markup`, nested deeper; `memory`.
    """
    from resiliparse.parse.html import HTMLParserException, HTMLTree

    try:
        tree = HTMLTree.parse(html)
    except UnicodeEncodeError:  # lone surrogates
        html = html.encode("utf-8", "replace").decode()
        tree = HTMLTree.parse(html)
    except HTMLParserException as error:  # no HTML is wrong, so that it can only be memory
        raise Refused("memory", f"lexbor: {str(error)[:120]}") from None
    if measure:
        _check_depth(tree, depth)
    title = " ".join((tree.title or "").split()) or None
    if extractor == "trafilatura":
        text = _trafilatura(html)
        plain = True
    else:
        plain = "<pre" not in html and "<PRE" not in html
        text = _written(tree, plain, main_content=True)
    if len(text) < FEW:
        wider = _written(tree, plain)
        if len(wider) >= MUCH:
            return Parsed(title, wider, plain, fell_back=True)
    return Parsed(title, text, plain, fell_back=False)


def _written(tree: Any, plain: bool = False, **how: Any) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(tree, True if plain else "minimal_html", **how)


def _trafilatura(html: str) -> str:
    import trafilatura  # `extract.require` has seen that it is there

    return trafilatura.extract(html, include_comments=False) or ""


def _check_depth(tree: Any, depth: int) -> None:
    """Raises Refused where elements are nested deeper than the limit."""
    from resiliparse.parse.html import traverse_dom

    def enter(context: Any) -> None:
        if context.depth > depth:
            raise Refused("markup", f"elements are nested more than {depth} deep")

    if tree.body is not None:
        traverse_dom(tree.body, enter, elements_only=True)


def send(stream: IO[bytes], message: dict[str, Any], texts: list[str]) -> None:
    """A message: its length, JSON that holds the lengths of the texts, the texts in UTF-8 with lone surrogates."""
    bodies = [text.encode("utf-8", "surrogatepass") for text in texts]
    head = json.dumps({**message, "texts": [len(body) for body in bodies]}).encode("ascii")
    stream.write(b"".join([len(head).to_bytes(LENGTH), head, *bodies]))
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], list[str]] | None:
    """A message and its texts; None where the stream ends, also inside one."""
    start = stream.read(LENGTH)
    head = stream.read(int.from_bytes(start))
    if len(start) < LENGTH or len(head) < int.from_bytes(start):
        return None
    message = json.loads(head)
    sizes = message.pop("texts")
    bodies = [stream.read(size) for size in sizes]
    if any(len(body) < size for body, size in zip(bodies, sizes, strict=True)):
        return None
    return message, [body.decode("utf-8", "surrogatepass") for body in bodies]


def serve(memory: int) -> None:
    """Answer requests until standard input ends, as it does when the parent dies. memory: bytes of address space."""
    import resource

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (received := receive(sys.stdin.buffer)) is not None:
        request, (html,) = received
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        spent = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(spent.ru_utime + spent.ru_stime) + 1 + request.pop("seconds")
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        try:
            parsed = parse(html, **request)
            about = {"title": parsed.title, "plain": parsed.plain, "fell_back": parsed.fell_back}
            send(answers, {"parsed": about}, [parsed.page])
        except Refused as refused:
            send(answers, {"bad": [refused.reason, refused.detail]}, [])
        except MemoryError:
            send(answers, {"bad": ["memory", f"parsing takes more than {memory >> 20} MB"]}, [])
