"""How often a document counts in training, by the size of its cluster, as a run's tokens and mixture were asked."""

from tasks.runtime.artifact import Artifact


def times_by_size(tokens: Artifact, mixture: Artifact) -> dict[int, int]:
    """{from how many members on: times}, ascending; {1: 1} where all documents count once."""
    sizes, times = (made.manifest["parameters"].get(key, []) for made, key in ((tokens, "sizes"), (mixture, "times")))
    return {1: 1, **dict(zip(sizes, times, strict=True))}


def often(times: dict[int, int], members: int) -> int:
    """How often a document counts whose cluster has so many members."""
    return times[max(size for size in times if size <= members)]
