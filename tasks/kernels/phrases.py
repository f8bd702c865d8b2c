"""Fixed phrases in UTF-8, all in one pass: the automaton of Aho and Corasick (1975). ASCII letters lose their case."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Automaton(NamedTuple):
    """The state after a byte is step[state, byte]; it begins with 0, and found[state] has a bit for each group of
    phrases of which one ends there."""

    step: np.ndarray  # uint16 (states, 256)
    found: np.ndarray  # uint8 (states,)


def automaton(groups: Sequence[Sequence[str]]) -> Automaton:
    """The automaton of phrases in lower case; those of the group n set the bit 1 << n.

    Raises:
        ValueError: more than 8 groups, an empty phrase, or more than 65,535 bytes of phrases.
    """
    if len(groups) > 8 or not all(phrase for group in groups for phrase in group):
        raise ValueError("phrases come in at most 8 groups, and none is empty")
    if sum(len(phrase.encode()) for group in groups for phrase in group) > 65_535:
        raise ValueError("the phrases have more than 65,535 bytes together")
    children: list[dict[int, int]] = [{}]
    found = [0]
    for number, group in enumerate(groups):
        for phrase in group:
            state = 0
            for byte in phrase.encode():
                if byte not in children[state]:
                    children[state][byte] = len(children)
                    children.append({})
                    found.append(0)
                state = children[state][byte]
            found[state] |= 1 << number
    step = np.zeros((len(children), 256), np.uint16)
    fallback = [0] * len(children)
    waiting = deque([0])
    while waiting:  # by length: a state's fallback is shorter, and has its row already
        state = waiting.popleft()
        if state:
            step[state] = step[fallback[state]]
            found[state] |= found[fallback[state]]
        for byte, child in children[state].items():
            fallback[child] = int(step[state, byte])
            step[state, byte] = child
            waiting.append(child)
    capitals = np.arange(ord("A"), ord("Z") + 1)
    step[:, capitals] = step[:, capitals + 32]
    return Automaton(step, np.array(found, np.uint8))
