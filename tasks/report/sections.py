"""The sections, in the order of the page. A new one: its file, its template, and its name here."""

from typing import Any

from tasks.report.abilities import ABILITIES
from tasks.report.alignment import ALIGNMENT
from tasks.report.contamination import CONTAMINATION
from tasks.report.duplicates import DUPLICATES
from tasks.report.episodes import EPISODES
from tasks.report.exams import EXAMS
from tasks.report.fine_tuning import FINE_TUNING
from tasks.report.funnel import FUNNEL
from tasks.report.general import GENERAL
from tasks.report.given import Given, ShardColumns
from tasks.report.losses import LOSSES
from tasks.report.mixture import MIXTURE
from tasks.report.news import NEWS
from tasks.report.overlap import OVERLAP
from tasks.report.planted import PLANTED
from tasks.report.probes import PROBES
from tasks.report.quality import QUALITY
from tasks.report.rejects import REJECTS
from tasks.report.removals import REMOVALS
from tasks.report.rewards import REWARDS
from tasks.report.rules import RULED
from tasks.report.scaling import SCALING
from tasks.report.scores import SCORES
from tasks.report.section import Section
from tasks.report.texts import TEXTS
from tasks.report.tokenizer import TOKENIZER
from tasks.report.training import TRAINING

OWN: tuple[Section[Any], ...] = (
    REJECTS, QUALITY, RULED, DUPLICATES, CONTAMINATION, OVERLAP, TOKENIZER, MIXTURE, TRAINING, FINE_TUNING, SCALING,
    ABILITIES, SCORES, REWARDS, EPISODES, ALIGNMENT, TEXTS, EXAMS, PROBES, NEWS, PLANTED,
)  # fmt: skip
SECTIONS: tuple[Section[Any], ...] = (FUNNEL, LOSSES, REMOVALS, *OWN, GENERAL)
EVERY = (FUNNEL, LOSSES, REMOVALS, EPISODES, GENERAL)  # of all stages, whatever they declare
NAMES = frozenset(section.name for section in OWN)


def shown(given: Given) -> list[Section[Any]]:
    """The funnel and losses, what a stage of the run declares, and the general section of stages that have none."""
    declared = {declaration.section for declaration in given.declarations.values()}
    return [section for section in SECTIONS if section in EVERY or section.name in declared]


def count(columns: ShardColumns, *, names: tuple[str, ...]) -> dict[str, Any]:
    """What each named section counts of a shard. Runs in a worker."""
    return {
        section.name: section.count(columns)
        for section in SECTIONS
        if section.name in names and section.count is not None
    }
