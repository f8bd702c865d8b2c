"""Blocks of serialised pages: the kernel beside a plain twin; trees; titles."""

import re
import unicodedata

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import blocks as kernel
from tasks.sources.page.main_content import MANY, blocks, features, main_content, render, trees_of

COUNTED = {name: column for column, name in enumerate(kernel.COUNTED)}
PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["<p>", "</p>", "\n\n", "\n", "<br>\n", '<a href="x&gt;y">', "</a>", "<h2>", "</h2>", "<ul>\n"]
        ),
        st.sampled_from(
            ["</ul>", "<ol>\n", "</ol>", "<li>", "</li>", "<pre>", "</pre>", "&amp;", "&lt;", "&quot;", "&gt;"]
        ),
        st.text(st.characters(blacklist_characters="<>&", blacklist_categories=("Cs",)), max_size=6),
    ),
    max_size=40,
).map("".join)


def twin(markup: str) -> list[dict[str, int]]:
    """length, linked, anchors, letters, uppers, digits, words, kind of each block, with regular expressions."""
    found = []
    lines: list[tuple[bool, str]] = []
    for number, part in enumerate(re.split(r"(<pre>)", markup)):
        if number % 2 == 0 and number == 0:
            lines += [(False, line) for line in re.split(r"\n|(?<=</pre>)", part)]
        elif number % 2 == 0:
            inner, _, behind = part.partition("</pre>")
            lines.append((True, inner))
            lines += [(False, line) for line in re.split(r"\n|(?<=</pre>)", behind)]
    link = False
    for preformatted, line in lines:
        kind = kernel.PREFORMATTED if preformatted else kernel.PLAIN
        block = dict.fromkeys(("length", "linked", "anchors", "letters", "uppers", "digits", "words"), 0)
        for piece in re.split(r"(<[^>]*>)", line):
            if piece.startswith("<"):
                name = re.sub(r"[<>]| .*", "", piece)
                if name in ("a", "/a"):
                    link = name == "a"
                    block["anchors"] += link
                elif not preformatted:
                    new = {"p": kernel.PARAGRAPH, "li": kernel.ITEM, "h2": kernel.HEADING}
                    kind = new.get(name, kind)
                continue
            text = piece.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
            table = kernel.classes()
            block["words"] += len("".join(" " if table[min(ord(c), 65536)] & kernel.SPACE else c for c in text).split())
            for character in text:
                what = table[min(ord(character), 65536)]
                if what & kernel.SPACE:
                    continue
                size = 2 if what & kernel.WIDE else 1
                block["length"] += size
                block["linked"] += size * link
                block["letters"] += bool(what & kernel.LETTER)
                block["uppers"] += bool(what & kernel.UPPER)
                block["digits"] += bool(what & kernel.DIGIT)
        if block["length"]:
            found.append({**block, "kind": kind})
    return found


@settings(max_examples=300, deadline=None)
@given(PIECES)
def test_the_kernel_counts_what_its_twin_counts(markup):
    page = blocks(markup)
    names = ("length", "linked", "anchors", "letters", "uppers", "digits", "words", "kind")
    assert [{name: int(row[COUNTED[name]]) for name in names} for row in page.counts] == twin(markup)
    assert render(page).text == render(page, np.ones(len(page.spans), bool)).text


def test_character_classes():
    table = kernel.classes()
    for character in "aÄж\u0e01\u4e00":
        assert bool(table[ord(character)] & kernel.LETTER) == unicodedata.category(character).startswith("L")
    assert table[ord("一")] & kernel.WIDE
    assert table[ord("。")] & kernel.STOP
    assert table[0xA0] & kernel.SPACE


def test_features_and_trees():
    page = blocks('<h1>My title</h1>\n\n<p>A text, long enough. </p>\n<a href="x">Menu</a>\n<p>&lt;b&gt;</p>')
    x = features(page, blocks("<p>A text, long enough.</p>"), "My title | The site")
    column = {name: number for number, name in enumerate(kernel.FEATURES)}
    assert x.shape == (4, len(kernel.FEATURES))
    assert x[:, column["title"]].tolist() == [1, 0, 0, 0]
    assert x[:, column["main"]].tolist() == [0, 1, 0, 0]
    assert x[:, column["link_share"]].tolist() == [0, 0, 1000, 0]
    assert x[:, column["length@+1"]].tolist() == [-1, 7, 17, 4]
    trees = trees_of({"bound": 0, "trees": [5, ["main", 0, ["length", 4, -7, 2], 100]]})
    assert kernel.scores(x, trees.roots, trees.nodes).tolist() == [7, 105, -2, -2]


def test_of_a_page_with_very_many_blocks_the_rules_say_what_is_kept():
    page = blocks("<p>one</p>\n<p>two</p>\n" * MANY)
    kept, fell_back = main_content(page, blocks("<p>two</p>"), None)
    assert kept.tolist() == [False, True] * MANY
    assert not fell_back


def test_an_empty_page_has_no_blocks():
    assert features(blocks(""), blocks(""), None).shape == (0, len(kernel.FEATURES))
    assert render(blocks("\n <p> </p>")).text == ""
