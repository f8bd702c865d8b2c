"""How fast a stage goes and how long it still takes, from when its units (shards, steps, items) were finished.

Time from the stage's beginning is no measure: it holds what happens once (processes start, kernels compile), and what
goes side by side ends in bursts. With k workers unit j begins about when unit j - k ends, so it took t(j) - t(j - k).
The sum of those over a window telescopes: the time from one unit to the next is the mean end of the window's last k
units, less that of the k units before the window, over the window's length. A worker's first unit is never in the
window, and with it what happens once.
"""

from bisect import bisect_left
from operator import attrgetter
from typing import NamedTuple

WINDOW = 20  # units looked back at, at least: of these one slow unit is a twentieth of the estimate
SHARE = 0.5  # of the units finished, where that is more


class Mark(NamedTuple):
    """What was done at a time of the monotonic clock, in seconds."""

    seconds: float
    done: int
    documents: int


class Pace:
    """A stage's pace. `workers`: units at work side by side, at most.

    It follows a change of pace within a window; a pace that changes steadily is taken to stay as it is.
    """

    def __init__(self, workers: int):
        self.workers = max(1, workers)
        self.total = 0
        self._marks: list[Mark] = []

    def mark(self, seconds: float, done: int, total: int, documents: int = 0) -> None:
        """`done` units of `total` are finished now."""
        if total != self.total or (self._marks and done < self._marks[-1].done):  # the stage's next round of work
            self._marks.clear()
        self.total = total
        if not self._marks or done > self._marks[-1].done:
            self._marks.append(Mark(seconds, done, documents))

    def left(self, seconds: float) -> float | None:
        """Seconds that the rest takes, as of now; None while no worker has finished a second unit, and at the end."""
        unit = self._unit()
        if unit is None:
            return None
        last = self._marks[-1]
        # At least one unit's time: the next one is late, not done.
        return max(unit * (self.total - last.done) - (seconds - last.seconds), unit)

    def documents_a_second(self) -> float:
        """Over the window; 0 where a stage counts none, or too little is done."""
        unit = self._unit()
        if unit is None:
            return 0.0
        last = self._marks[-1]
        before = self._at(last.done - self._window())
        if before.done == last.done:  # units that come many at once: 32 examples an update, of which two were told
            return 0.0
        return (last.documents - before.documents) / (last.done - before.done) / unit

    def _window(self) -> int:
        """How many units are looked back at: none of those that were some worker's first, or an earlier run's."""
        done, first = self._marks[-1].done, self._marks[0].done
        return min(max(WINDOW, int(SHARE * done)), done - first - self.workers + 1)

    def _unit(self) -> float | None:
        """Seconds from one finished unit to the next."""
        if not self._marks or self._marks[-1].done >= self.total or self._window() < 1:
            return None
        last = self._marks[-1].done
        return (self._mean_end(last) - self._mean_end(last - self._window())) / self._window()

    def _mean_end(self, last: int) -> float:
        """The mean time at which `workers` units ended, of which this is the last."""
        return sum(self._at(unit).seconds for unit in range(last - self.workers + 1, last + 1)) / self.workers

    def _at(self, unit: int) -> Mark:
        """What was told when this unit was first among those finished."""
        return self._marks[bisect_left(self._marks, unit, key=attrgetter("done"))]
