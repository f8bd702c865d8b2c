"""Which arrows a person would draw: from what a thing reads, less what another of its inputs stands behind already."""

from collections.abc import Hashable, Mapping, Set
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def drawn(of: Key, needs: Mapping[Key, Set[Key]]) -> set[Key]:
    """Of what `of` needs, those that no other of its needs leads to; keys that `needs` lacks need nothing.

    That is the edges of `of` in the transitive reduction of an acyclic graph (Aho, Garey and Ullman 1972).
    """
    direct = set(needs.get(of, ()))
    behind: set[Key] = set()
    waiting = [further for need in direct for further in needs.get(need, ())]
    while waiting:
        key = waiting.pop()
        if key not in behind:
            behind.add(key)
            waiting.extend(needs.get(key, ()))
    return direct - behind
