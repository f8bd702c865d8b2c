"""Which arrows are drawn."""

from hypothesis import given
from hypothesis import strategies as st

from flows.edges import drawn

# Acyclic: each number needs smaller ones.
GRAPHS = st.integers(1, 9).flatmap(
    lambda count: st.tuples(*(st.sets(st.integers(0, n - 1)) if n else st.just(set()) for n in range(count)))
)


def test_a_source() -> None:
    needs = {
        "keep": {"documents", "score"},
        "score": {"documents", "classifier"},
        "survivors": {"documents", "signatures", "keep"},
        "signatures": {"documents"},
    }
    assert drawn("survivors", needs) == {"signatures", "keep"}
    assert drawn("keep", needs) == {"score"}
    assert drawn("score", needs) == {"documents", "classifier"}
    assert drawn("documents", needs) == set()


def reached(needs: dict[int, set[int]], start: int) -> set[int]:
    found: set[int] = set()
    for need in needs[start]:
        found |= {need} | reached(needs, need)
    return found


@given(GRAPHS)
def test_what_is_drawn_leads_as_far_and_no_arrow_can_be_spared(sets: tuple[set[int], ...]) -> None:
    needs = dict(enumerate(sets))
    arrows = {n: drawn(n, needs) for n in needs}
    for n in needs:
        assert reached(arrows, n) == reached(needs, n)
        for arrow in arrows[n]:
            assert reached({**arrows, n: arrows[n] - {arrow}}, n) != reached(needs, n)
