"""Lines of a figure are told apart however many there are: by look and name, none twice, and no name over another."""

import re
from functools import partial
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.report import training
from tasks.report.figures import draw
from tasks.report.palette import MUTED
from tasks.report.told_apart import MOST, hidden, look, spread


def curves(count):
    return {f"cc-{number}": [[1e6 * t, 5 - 0.1 * t + 0.01 * number] for t in range(4)] for number in range(count)}


def figure(count):
    (svg,) = draw({"x": partial(training._losses, curves=curves(count), title="Loss")}).values()
    return re.sub(r"<desc>.*?</desc>|<metadata>.*?</metadata>", "", svg.decode(), flags=re.S)


def test_no_two_lines_look_alike_but_those_that_share_a_name():
    for of in (8, 9, MOST, MOST + 1, 41):
        looks = [tuple(map(str, look(place, of).values())) for place in range(of)]
        grey = [place for place in range(of) if hidden(place, of)]
        assert len(set(looks)) == of - max(0, len(grey) - 1)
        assert len(grey) == (of - MOST + 1 if of > MOST else 0)
        assert all(look(place, of)["color"] == MUTED for place in grey)


def test_every_name_stands_in_the_figure_once():
    for count in (2, 8, 9, 20):
        svg = figure(count)
        assert [svg.count(f">cc-{number}</text>") for number in range(count)] == [1] * count
    svg = figure(41)
    named = [number for number in range(41) if f">cc-{number}</text>" in svg]
    assert named == list(range(MOST - 1)) and ">22 others</text>" in svg


def test_names_do_not_overlap_and_keep_their_order_in_the_figure():
    roomy = [round(height, 9) for height in spread([0.9, 0.5, 0.1], 0.1)]
    assert roomy == [0.9, 0.5, 0.1], "where there is room they stand at their lines"
    assert [round(height, 9) for height in spread([0.5, 0.5, 0.5], 0.1)] == [0.6, 0.5, 0.4]
    assert spread([0.0, 0.0], 0.1) == [0.1, 0.0] and spread([1.0, 1.0], 0.1)[0] == 1.0 and spread([], 0.1) == []


@given(st.lists(st.floats(0, 1), max_size=MOST))
def test_any_heights(wanted):
    apart = 1.02 / MOST
    heights = spread(sorted(wanted, reverse=True), apart)
    assert all(a - b >= apart - 1e-9 for a, b in pairwise(heights))
    assert all(-1e-9 <= height <= 1 + 1e-9 for height in heights) and len(heights) == len(wanted)


def test_many_sources_are_drawn_without_bands_and_ngrams():
    errors = {name: [[at, 0.1] for at, _ in points] for name, points in curves(20).items()}
    for count, bands in ((3, 3), (20, 0)):
        lines = dict.fromkeys(curves(count), 4.0)
        plot = partial(training._validations, curves=curves(count), title="v", errors=errors, order=5, lines=lines)
        svg = draw({"v": plot})["v"].decode()
        assert svg.count("FillBetweenPolyCollection_") == bands or svg.count("PolyCollection_") == bands
        assert ("Kneser-Ney 5, same text</text>" in svg) == bool(bands)
