"""Which blocks of a page are main content: features, trees, sections, titles; and how their text is written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import blocks as kernel
from tasks.kernels.markup import COUNTED
from tasks.sources.page.main_content import MANY, blocks, features, main_content, render, trees_of

COLUMN = {name: number for number, name in enumerate(kernel.FEATURES)}
PAGE = (
    "<title>My title | The site</title><div><nav><a href=x>Menu</a></nav><article><h1>My title</h1>"
    "<p>A text that is long enough to be called good text, for it has a comma. </p><p>b</p></article></div>"
)


def test_features():
    page = blocks(PAGE)
    x = features(page)
    assert x.shape == (4, len(kernel.FEATURES))
    told = {
        "title": [0, 1, 0, 0],
        "link_share": [1000, 0, 0, 0],
        "length": [4, 7, 55, 1],
        "length@+1": [7, 55, 1, -1],
        "length@-1": [-1, 4, 7, 55],
        "behind_title": [-1, 0, 1, 2],
        "to_nav": [0, kernel.FAR, kernel.FAR, kernel.FAR],
        "to_body": [kernel.FAR, 1, 1, 1],
        "good_total": [55] * 4,
        "base_good": [0, 55, 55, 55],
        "parent_good": [55] * 4,  # of the div
        "base_rating": [0, 1000, 1000, 1000],
        "parent_rating": [490] * 4,  # half of 55, rounded down, of 55
        "up": [1, 0, 0, 0],
        "down": [1, 0, 0, 0],
        "same_base_after": [0, 1, 1, 0],
    }
    assert {name: x[:, COLUMN[name]].tolist() for name in told} == told


def test_trees_and_sections():
    page = blocks(PAGE)
    trees = trees_of({"bound": 0, "trees": [5, ["title", 0, ["length", 4, -7, 2], 100]]})
    single = kernel.scores(features(page), trees.roots, trees.nodes)
    assert single.tolist() == [-2, 105, 7, -2]
    weights = np.minimum(page.counts[1:, COUNTED.index("length")], 200) + 5
    mean = int((single[1:] * weights).sum() // weights.sum())
    assert kernel.smoothed(single, page.counts, page.elements).tolist() == [
        -2, (105 + mean) // 2, (7 + mean) // 2, (-2 + mean) // 2,
    ]  # fmt: skip


TREE = st.recursive(
    st.integers(-99, 99),
    lambda inner: st.tuples(st.sampled_from(kernel.FEATURES), st.integers(-3, 60), inner, inner).map(list),
    max_leaves=9,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(TREE, max_size=4))
def test_scores_are_those_of_a_plain_walk(made):
    def leaf(node, row):
        while not isinstance(node, int):
            node = node[2 if row[COLUMN[node[0]]] <= node[1] else 3]
        return node

    x = features(blocks(PAGE))
    trees = trees_of({"bound": 0, "trees": made})
    told = kernel.scores(x, trees.roots, trees.nodes).tolist()
    assert told == [sum(leaf(tree, row) for tree in made) for row in x]


def test_of_a_page_with_very_many_blocks_text_outside_links_is_kept():
    page = blocks("<p>one</p><p><a href=x>two</a></p>" * MANY)
    kept, fell_back = main_content(page)
    assert kept.tolist() == [True, False] * MANY
    assert not fell_back


def test_an_empty_page_has_no_blocks():
    assert features(blocks("")).shape == (0, len(kernel.FEATURES))
    assert render(blocks("\n <p> </p>")).text == ""
    assert main_content(blocks(""))[0].tolist() == []


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>a</div><div>b</div><p>c</p>d", "a\nb\n\nc\n\nd"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<table><tr><td>a<td>b<tr><td>c<br>d<td><p>e", "a b\nc\nd\n\ne"),
        ("<ol><li>a<li>b<ul><li>c</ul></ol>", "1. a\n2. b\n\n• c"),
        ("<pre>\n\n  a\n\n b  \n\n</pre>", "  a\n\n b"),
    ],
)
def test_rendered(html, text):
    assert render(blocks(html)).text == text


def test_blocks_left_out_leave_a_gap_if_there_was_one():
    page = blocks("<div>a</div><p>b</p><div>c</div><div>d</div><div>e</div>")
    assert render(page, np.array([True, False, True, False, True])).text == "a\n\nc\ne"
