"""How sure a score is: intervals, paired tests, calibration. Every figure of scores goes through here."""

from tasks.evaluation.statistics.confidence import Bin, Calibration, calibration
from tasks.evaluation.statistics.discovery import false_discovery
from tasks.evaluation.statistics.intervals import Interval, interval, wilson
from tasks.evaluation.statistics.pairs import Paired, paired
from tasks.evaluation.statistics.resampling import bootstrap, bootstrap_of

__all__ = [
    "Bin", "Calibration", "Interval", "Paired", "bootstrap", "bootstrap_of", "calibration", "false_discovery",
    "interval", "paired", "wilson",
]  # fmt: skip
