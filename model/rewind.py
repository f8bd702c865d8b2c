"""What is kept and said of a spike (model/divergence.py): the steps that are passed over, and their windows by name."""

from pathlib import Path
from typing import Any

from model import checkpoint
from model.config import Training, Updates
from model.data import Data
from model.divergence import Spike


def steps_of(spike: dict[str, Any]) -> range:
    """The steps that were passed over for a spike, as `described` holds it."""
    return range(spike["first"], spike["last"] + 1)


def described(spike: Spike, data: Data, t: Training) -> dict[str, Any]:
    """A spike as model.json's `skipped` lists it: its steps, why, and the windows (or examples) that they would have
    read, each as [group, epoch, place in the group's stream, counted in windows]: `millrace explain --step` names their
    documents."""
    updates = Updates(t, data.context)
    numbers = range(updates.of(spike.first).start, updates.of(spike.last).stop)
    return {
        "first": spike.first,
        "last": spike.last,
        "reason": spike.reason,
        "windows": [[data.groups[g].name, epoch, place] for g, epoch, place in map(data.where, numbers)],
    }


def stopped(spike: Spike, out: Path, rewinds: int, on_spike: str) -> str:
    """What is said of a training that a rule stops."""
    good = [folder for folder in checkpoint.found(out) if checkpoint.step_of(folder) < spike.first]
    return (
        f"{spike}; stopped"
        + (" before the update. " if spike.first == spike.last else ". ")
        + (f"The last good checkpoint is {good[-1]}" if good else "There was no checkpoint yet")
        + (f", and {rewinds} spikes were passed over before" if rewinds else "")
        + ": lower the learning rate or lengthen the warm-up"
        + (", or pass over such updates (on_spike: rewind)." if on_spike == "stop" else ".")
    )
