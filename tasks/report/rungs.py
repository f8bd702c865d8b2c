"""Which models are a ladder's: the section on scaling tells of these, the others of those that are asked something."""

from tasks.models.ngrams import ngrams
from tasks.models.scaling import Scaled, scaling
from tasks.report.given import Given


def rungs_of(given: Given) -> set[str]:
    """Names of the ladder's models; `ngrams` is made of every other."""
    scaled = given.single(scaling)
    return set(scaled.counts(Scaled).runs) - given.named(ngrams).keys() if scaled else set()
