"""Where PPO goes on: its checkpoints, as checkpoint.py writes them, and the newest that is whole.

Beside both networks, the moments of each and the average, a checkpoint has the answers of the iteration that is going
on, as far as they are drawn, and what was said of them before its first update: the weights that drew them are gone.
state.json's `step` counts updates, over all iterations.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from model import checkpoint
from model.metrics import ROWS, MetricsDamaged, rows
from model.ppo_loop import Learned, Place

# Keys of `PPO` that may change between a checkpoint and its resumption: as model/resume.py's.
MAY_CHANGE = {"checkpoint_every", "keep", "device", "threads", "micro_batch", "deterministic", "publish"}
LEARNED = ("logs", "values", "advantages", "returns")


def tensors(
    networks: Mapping[str, tuple[nn.Module, torch.optim.Optimizer]], average: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """All that PPO has learned, by name; of networks called `policy` and `value`."""
    named = {f"average.{name}": tensor for name, tensor in average.items()}
    for network, (module, optimizer) in networks.items():
        held = checkpoint.tensors(module, optimizer)
        named |= {f"{network}.{name}" if network != "policy" else name: tensor for name, tensor in held.items()}
    return named


def save(
    out: Path, place: Place, updates: int, learned: dict[str, Tensor], settings: dict[str, Any], sha256: str, keep: int
) -> Path:
    """A checkpoint of `place`; `updates`: of an iteration; `sha256`: of metrics.jsonl so far."""
    held = dict(learned)
    if place.answers is not None:
        longest = max((len(answer) for answer in place.answers if answer), default=1)
        table = torch.full((len(place.answers), longest), -1, dtype=torch.int64)
        for row, answer in enumerate(place.answers):
            table[row, : len(answer or [])] = torch.tensor(answer or [], dtype=torch.int64)
        held["answers"] = table
    if place.learned is not None:
        held |= {f"learned.{name}": getattr(place.learned, name) for name in LEARNED}
    state = {
        "step": place.iteration * updates + place.update,
        "iteration": place.iteration, "update": place.update, "tokens": place.tokens, "beta": place.beta,
        "row": place.row, "sums": place.sums, "settings": settings, "metrics_sha256": sha256, "snapshots": {},
        "shapes": {name: list(tensor.shape) for name, tensor in held.items() if name not in learned},
    }  # fmt: skip
    return checkpoint.save(out, state, held, keep)


def restore(
    out: Path,
    networks: Mapping[str, tuple[nn.Module, torch.optim.Optimizer]],
    average: Mapping[str, Tensor],
    settings: dict[str, Any],
    say: Callable[[str], None],
) -> Place | None:
    """Fill networks, moments and average from the newest checkpoint that is whole, and cut metrics.jsonl to it; None
    where there is none, and metrics.jsonl is then empty.

    ValueError where all checkpoints are damaged, or the newest is another run's.
    """
    out.mkdir(parents=True, exist_ok=True)
    there = checkpoint.found(out)
    for folder in reversed(there):
        try:
            state = checkpoint.state_of(folder)
            lines = rows(out / ROWS, state["iteration"], state["metrics_sha256"])
        except (checkpoint.Damaged, MetricsDamaged) as error:
            say(f"{folder.name} is not whole: {error}; looking at the one before it")
            continue
        _require_unchanged(state["settings"], settings, folder)
        for later in there[there.index(folder) + 1 :]:
            later.rename(later.with_name(f"damaged-{later.name}"))
        (out / ROWS).write_bytes(b"".join(lines))
        for module, optimizer in networks.values():
            checkpoint.make_room(state["step"], module, optimizer)
        room = {
            name: torch.zeros(shape, dtype=torch.int64 if name == "answers" else torch.float32)
            for name, shape in state["shapes"].items()
        }
        checkpoint.load(folder, {**tensors(networks, average), **room})
        say(f"resuming from {folder.name}: {state['iteration']} iterations and {state['update']} updates were made")
        return _place(state, room, next(iter(average.values())).device)
    if there:
        raise ValueError(
            f"no checkpoint in {out / 'checkpoints'} is whole: put back what is missing, or remove that folder to "
            "begin anew"
        )
    (out / ROWS).write_bytes(b"")
    return None


def _place(state: dict[str, Any], room: dict[str, Tensor], device: torch.device) -> Place:
    answers = None
    if "answers" in room:
        answers = [[token for token in line if token >= 0] or None for line in room["answers"].tolist()]
    learned = None
    if "learned.logs" in room:
        learned = Learned(*(room[f"learned.{name}"].to(device) for name in LEARNED))
    return Place(
        state["iteration"], state["update"], state["tokens"], state["beta"], answers, learned, state["row"],
        state["sums"],
    )  # fmt: skip


def _require_unchanged(then: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    remedy = "restore it, or give another `out`"
    for key, value in now["ppo"].items():
        if key not in MAY_CHANGE and then["ppo"].get(key) != value:
            raise ValueError(f"{folder} was made with {key} = {then['ppo'].get(key)}, run.yaml has {value}: {remedy}")
    for key in now.keys() - {"ppo"}:
        if then.get(key) != now[key]:
            raise ValueError(f"{folder} was made with another {key}: {remedy}")
