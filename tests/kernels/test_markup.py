"""The scanner of HTML: blocks, what is counted of them, and the elements they stand in."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import markup as kernel
from tasks.kernels import tags

COUNTED = {name: column for column, name in enumerate(kernel.COUNTED)}


def scan(html: str):
    """Texts of blocks; counts; elements; title."""
    codes = np.frombuffer(html.encode("utf-32-le", "surrogatepass"), np.uint32)
    text, spans, counts, _, elements, (start, end) = kernel.scan(codes, kernel.classes())
    seen = text.tobytes().decode("utf-32-le", "surrogatepass")
    return [seen[low:high] for low, high in spans], counts, elements, html[start:end]


def texts(html: str) -> list[str]:
    return scan(html)[0]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("one <b>t</b>wo<p>three<p>four", ["one two", "three", "four"]),
        ("a<br>b<br/>c", ["a", "b", "c"]),
        ("a < b &lt; c &amp;lt; &nbsp; d", ["a < b < c &lt; d"]),
        ("a<!-- <p>no --b>c", ["a"]),
        ("a<!-- no --!>b<!-->c<!--->d<!doctype x>e<?php f>g</>h</ i>j", ["abcdeghj"]),
        ("<script>if (a<b) '</p>'</script>a<style>p{}</STYLE >b<textarea><p>no</textarea>c", ["ab", "c"]),
        ("<script><!-- <script> </script> no --> no</script>a", ["a"]),
        ("<script><!-- </script>a", ["a"]),
        ("<title>A <p>&amp;</title>b<p>c", ["b", "c"]),
        ("<p title='>' data-x=\">\" y=/>a</p><p a=b'c>d", ["a", "d"]),
        ("a<p", ["a"]),
        ("a<p class='x", ["a"]),
        ("<svg><text>no</text><title>no</title></svg>a<select><option>no<option>no</select>b", ["ab"]),
        ("<select><option>no<p>yes", ["yes"]),
        ("<noscript><p>no</p></noscript><template>no<div>no</div></template>a<object>no</object>", ["a"]),
        ("<pre>\n  a\n\n<b>b</b> &lt;\r\n c</pre>d", ["  a\n\nb <\n c", "d"]),
        ("<pre><div>a</div><div>b</div></pre>", ["a\nb\n"]),
        ("<table><tr><td>a<td><p>b</table>c", ["a", "b", "c"]),
        ("一\u3000二\x00三", ["一 二三"]),
        ("<P>A</P><Custom-Tag>b</Custom-Tag>", ["A", "b"]),
    ],
)
def test_blocks(html, expected):
    assert texts(html) == expected


def test_the_title_is_the_page_s_own():
    assert scan("<svg><title>no</title></svg><title>A &amp; b</title><title>no</title>")[3] == "A &amp; b"
    assert scan("<p>x")[3] == ""
    assert scan("<title>never ended")[3] == "never ended"


def parents(html: str, text: str) -> list[str]:
    """Tags around a block, the innermost first."""
    found, counts, elements, _ = scan(html)
    at = counts[found.index(text), COUNTED["element"]]
    names = []
    while at > 0:
        names.append(tags.NAMES[elements[at, kernel.TAG] - 1])
        at = elements[at, kernel.PARENT]
    return names


@pytest.mark.parametrize(
    ("html", "around"),
    [
        ("<div><p>a<p>X", "p div"),
        ("<div><p>a<div>b</div>X</div>", "div"),  # div ended the p
        ("<div><nav><p>a</nav>X</div>", "div"),
        ("<div><p>a</div>X", ""),
        ("<ul><li>a<li>X</ul>", "li ul"),
        ("<ul><li>a<ul><li>b</ul>X</ul>", "li ul"),
        ("<ul><li><div>a<li>X</ul>", "li ul"),
        ("<dl><dt>a<dd>X", "dd dl"),
        ("<h1>a<h2>X</h2>", "h2"),
        ("<table><tr><td>a<tr><td>X</table>", "td tr table"),
        ("<table><tbody><tr><td>a<tbody><tr><th>X</table>", "th tr tbody table"),
        ("<div><table><tr><td></div>X</table></div>", "td tr table div"),  # a cell is a barrier
        ("<div><table><tr><td><table><tr><td>a</td></tr></table>X", "td tr table div"),
        ("</p></div></table>X", ""),
        ("<div><p>a</nav>b</p>X</div>", "div"),
    ],
)
def test_elements(html, around):
    assert parents(html, "X") == around.split()


def marks(html: str) -> set[str]:
    own = scan(html)[2][1, kernel.OWN]
    return {name for name, bit in tags.MARK.items() if own & bit}


def test_marks_of_elements():
    assert marks("<nav>x") == {"nav"}
    assert marks('<div class="post-sidebar">x') == {"side", "body"}
    assert marks("<div id=theSideBar>x") == {"side"}
    assert marks('<div class="ad">x') == {"promo"}
    assert marks('<div class="shade">x') == set()  # `ad` only as a word
    assert marks('<div ROLE="navigation">x') == {"nav"}
    assert marks("<div style='color: red; display : none'>x") == {"hidden"}
    assert marks("<div hidden>x") == {"hidden"}
    assert marks("<div data-class=nav title=sidebar>x") == set()
    assert marks("<div itemprop=articleBody>x") == {"body"}


def test_links_lists_and_gaps():
    found, counts, _, _ = scan(
        "<p>a <a href=x>bc</a> d</p>e<br>f<br><br>g<ol><li>h<li>i<ul><li>j</ul><li>k</ol><a name=l>m"
    )
    column = {name: counts[:, place].tolist() for name, place in COUNTED.items()}
    assert found == ["a bc d", *"efghijkm"]
    assert column["linked"] == [2, 0, 0, 0, 0, 0, 0, 0, 0]
    assert column["anchors"] == [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert column["ordinal"] == [0, 0, 0, 0, 1, 2, -1, 3, 0]
    assert column["gap"] == [1, 1, 0, 1, 1, 0, 1, 1, 1]
    assert column["kind"][4] == kernel.ITEM
    assert column["kind"][0] == kernel.PARAGRAPH


def test_an_open_link_ends_with_the_element_around_it():
    _, counts, _, _ = scan("<div><a href=x>ab</div><p>cd</p>")
    assert counts[:, COUNTED["linked"]].tolist() == [2, 0]


NAMES = (*tags.NAMES, "b", "custom-x", "!--", "?x")
PIECES = st.one_of(
    st.sampled_from(NAMES).map(lambda name: f"<{name}>"),
    st.sampled_from(NAMES).map(lambda name: f"</{name}>"),
    st.sampled_from(
        ["<p class='nav ad'>", "<a href=x>", "<", ">", "-->", "&amp;", "&lt;", "&", '"', "\n", "\x00", "\ud800"]
    ),
    st.text(max_size=6),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_of_any_tags_what_is_counted_is_what_is_seen(html):
    found, counts, elements, _ = scan(html)
    table = kernel.classes()
    for text, row in zip(found, counts, strict=True):
        what = [int(table[min(ord(character), 65536)]) for character in text]
        seen = [one for one in what if not one & kernel.SPACE]
        expected = {
            "length": sum(2 if one & kernel.WIDE else 1 for one in seen),
            **{name: sum(bool(one & bit) for one in seen) for name, bit in (
                ("letters", kernel.LETTER), ("uppers", kernel.UPPER), ("digits", kernel.DIGIT), ("stops", kernel.STOP),
                ("commas", kernel.COMMA), ("marks", kernel.MARK),
            )},
            "words": len("".join(" " if one & kernel.SPACE else "x" for one in what).split()),
        }  # fmt: skip
        assert {name: int(row[COUNTED[name]]) for name in expected} == expected
        assert 0 <= row[COUNTED["linked"]] <= row[COUNTED["length"]]
        assert 0 <= row[COUNTED["element"]] < len(elements)
        if row[COUNTED["kind"]] != kernel.PREFORMATTED:
            assert text == " ".join(re.split(r"\s+", text)).strip()
    assert (elements[1:, kernel.PARENT] < np.arange(1, len(elements))).all()
    assert (elements[1:, kernel.DEPTH] == elements[elements[1:, kernel.PARENT], kernel.DEPTH] + 1).all()


WORDS = st.text(st.sampled_from("abcdef"), min_size=1, max_size=4)
TREES = st.recursive(
    WORDS.map(lambda word: f"{word} "),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag} class='x y'>{''.join(parts)}</{tag}>",
        st.sampled_from(["div", "section", "blockquote", "b", "span", "ul", "article", "header"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_words_of_well_formed_pages_are_those_that_a_parser_of_trees_finds(html):
    from resiliparse.extract.html2text import extract_plain_text

    assert " ".join(texts(html)).split() == extract_plain_text(html).split()
