"""When a training is no success: rules over the losses and gradient norms of its updates, behind the warm-up.

    not finite       a loss or gradient norm that is none (behind the warm-up or in it)
    norm spike       a gradient norm above `norm_spike` times the median of the 100 before
    above uniform    `above_uniform` updates in a row whose loss is above ln V: that of one who knows nothing
    ends worse       the mean loss of the last 10 updates is a tenth above ln V and above the first update's: the one
                     rule for trainings too short for the third

The first two are found before the update, so that the weights are still good; the third when it has gone on for long.
Where `on_spike` is rewind, the training goes back to a checkpoint of before the spike and makes the same updates again,
but passes over those of the spike: their windows are read by none (PaLM, Chowdhery et al., 2022, section 5.1, goes back
100 steps and skips 200 to 500 batches; here the loader is a pure function, so that what is skipped has names). A step
that is passed over keeps its number and its windows. Which windows they are: `skipped` in model.json.

All is a function of the rows of metrics.jsonl: a resumed training judges as the unbroken one.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from math import inf, isfinite, log
from statistics import median
from typing import Any

from model.config import Training, warmed_up
from model.metrics import rounded

RECENT = 100  # gradient norms whose median is looked at; fewer are no measure
LAST = 10  # updates whose mean loss says how a training ends
WORSE = 1.1  # times: of ten updates' mean on tokens without any order the noise is below a hundredth
REWINDS = 10  # of one training: a tenth spike is no accident


class Diverged(RuntimeError):
    """The training is no success, and stops."""


class Spike(Diverged):
    """A rule is broken, by the updates `first` ... `last`."""

    def __init__(self, first: int, last: int, reason: str) -> None:
        super().__init__(f"step {last}: {reason}")
        self.first, self.last, self.reason = first, last, reason


class Guard:
    """Looks at every update. `vocabulary`: its size, where the loss is that of a next token; else None."""

    def __init__(self, t: Training, vocabulary: int | None, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """`rows`: those of metrics.jsonl so far."""
        self._training = t
        self._uniform = log(vocabulary) if vocabulary is not None and t.above_uniform is not None else inf
        self._norms: deque[float] = deque(maxlen=RECENT)
        self._losses: deque[float] = deque(maxlen=LAST)
        self._first_loss: float | None = None
        self.above_since: int | None = None  # the update since which all losses were above uniform
        for row in rows:
            if row["loss"] is not None:
                read = row["examples"] if "examples" in row else row["tokens"]
                self._note(row["step"], read, row["loss"], row["grad_norm"])

    def before(self, step: int, tokens: int, loss: float, norm: float) -> None:
        """Raise Spike where update `step` must not be made: nothing is noted then."""
        t = self._training
        if not (isfinite(loss) and isfinite(norm)):
            raise Spike(step, step, f"loss {loss}, gradient norm {norm} are not finite")
        if t.norm_spike is None or not self._behind_warm_up(step, tokens) or len(self._norms) < RECENT:
            return
        usual = median(self._norms)
        if rounded(norm) > t.norm_spike * usual:
            raise Spike(
                step, step, f"the gradient's norm, {norm:.4g}, is {norm / usual:.4g} times the usual {usual:.4g}"
            )

    def after(self, step: int, tokens: int, loss: float, norm: float) -> None:
        """Note update `step`, made; raise Spike where losses have been above uniform for too long."""
        self._note(step, tokens, rounded(loss), rounded(norm))
        enough = self._training.above_uniform
        if self.above_since is not None and enough is not None and step - self.above_since + 1 >= enough:
            raise Spike(
                self.above_since,
                step,
                f"for {step - self.above_since + 1} updates the loss, now {loss:.4g}, was above the "
                f"{self._uniform:.4g} of a model that knows nothing",
            )

    def at_the_end(self, step: int) -> None:
        """Raise Diverged where the training ends worse than it began, and than knowing nothing."""
        if len(self._losses) < LAST or self._first_loss is None:
            return
        mean = sum(self._losses) / LAST
        if mean > WORSE * max(self._uniform, self._first_loss):
            raise Diverged(
                f"step {step}, the last: the loss ends at {mean:.4g} (mean of {LAST} updates), above the "
                f"{self._first_loss:.4g} it began with and the {self._uniform:.4g} of a model that knows nothing"
            )

    def _behind_warm_up(self, step: int, tokens: int) -> bool:
        return warmed_up(self._training, tokens if self._training.tokens is not None else step)

    def _note(self, step: int, tokens: int, loss: float, norm: float) -> None:
        if self._first_loss is None:
            self._first_loss = loss
        self._norms.append(norm)
        if not self._behind_warm_up(step, tokens) or loss <= self._uniform:
            self.above_since = None
        elif self.above_since is None:
            self.above_since = step
        if self._behind_warm_up(step, tokens):
            self._losses.append(loss)
