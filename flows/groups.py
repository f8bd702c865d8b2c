"""Sub-flow runs: what Prefect draws as boxes in a run's graph, one a group of stages (`Run.group`).

Stages of several groups run side by side in threads, so no function stands for a group. Its flow run is made through
the API when the first of its stages begins, as Prefect makes that of a sub-flow (a task run of the parent that stands
for it); within its context the stages are tasks; it ends when the last of them has. The arrows between boxes are those
that a person would draw: from what had ended to what began with it.

Prefect's server is told, never asked: what does not reach it is said in the log, and the run goes on.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow, Task, get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.objects import FlowRun, FlowRunResult, State
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.states import Cancelled, Completed, Failed, Running

from flows.edges import drawn
from flows.markdown import plain
from flows.stage_page import key_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import leaves
from tasks.runtime.run import Group, Run

EVERY = 2.0  # seconds between two updates of a progress artifact: each costs the server 9 ms
LONGEST = 500  # characters of an error in a state's message

Send = Callable[..., None]  # (function, *arguments, **named): call it in the sending thread


@dataclass
class Box:
    """A group's flow run; that of the whole run has no group."""

    group: Group | None
    name: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    context: FlowRunContext | None = None  # of its flow run, once it has one
    after: set[Group] = field(default_factory=set)  # those with an arrow to it
    cached: dict[str, bool] = field(default_factory=dict)  # of the stages that are done, by label
    going: dict[str, tuple[float, str]] = field(default_factory=dict)  # share and words, of those at work
    failed: str | None = None
    begun: float = field(default_factory=time.monotonic)
    bar: UUID | None = None  # the progress artifact's, once the server has made it
    told: float = field(default_factory=time.monotonic)  # when it was last updated
    ended: bool = False

    def says(self, asked: int) -> str:
        """How far it is, in a line."""
        return "; ".join([f"{len(self.cached):,} of {asked:,} stages", *(words for _, words in self.going.values())])

    def sums_up(self) -> str:
        """What came of it, in a line."""
        hits = sum(self.cached.values())
        built = len(self.cached) - hits
        return f"{built:,} built, {hits:,} cached, in {time.monotonic() - self.begun:,.1f} s"


class Groups:
    """The boxes of one run, made within its flow; calls come from many threads, and `end` is the last."""

    def __init__(self, run: Run, title: str, client: SyncPrefectClient, send: Send):
        self.run, self.title, self.send, self._client = run, title, send, client
        self.logger = get_run_logger()
        context = FlowRunContext.get()
        assert context is not None, "no flow run to group the stages of"
        self.whole = Box(None, title, context=context)
        self._boxes: dict[Group, Box] = {}
        self._lock = threading.Lock()
        self._needs: tuple[int, dict[str, set[str]]] = (0, {})  # what so many artifacts read, by label

    def end(self) -> None:
        """End what has not ended, when no stage is at work any more: it was stopped."""
        for box in list(self._boxes.values()):
            self._end(box, stopped=True)
        if self.whole.bar is not None:
            self.send(self._bar, self.whole, self._percent(self.whole), self.whole.sums_up())

    @contextmanager
    def of(self, artifact: Artifact) -> Iterator[set[str]]:
        """Within the flow run that a stage is a task of: labels of those of its inputs that an arrow is drawn from."""
        box = self._box(artifact)
        context = self._opened(box)
        needs = {
            label: {need for need in self._inputs(label) if self.run.groups.get(need) == box.group}
            for label in self._members(box)
        }
        if context is None or box is self.whole:
            yield drawn(artifact.label, needs)
        else:
            with context.model_copy():  # what it holds is shared: which task made what, and so the arrows
                yield drawn(artifact.label, needs)

    def progress(self, artifact: Artifact, share: float, words: str) -> None:
        """A stage's share of its work, and how far it is in words."""
        box = self._box(artifact)
        for each in {id(box): box, id(self.whole): self.whole}.values():
            with each.lock:
                each.going[artifact.label] = share, words
            self._show(each)

    def finished(self, artifact: Artifact, cached: bool) -> None:
        """A stage is there; its group ends with its last."""
        for box in {id(box): box for box in (self._box(artifact), self.whole)}.values():
            with box.lock:
                box.going.pop(artifact.label, None)
                box.cached[artifact.label] = cached
            self._show(box)
        self._sweep()

    def failed(self, artifact: Artifact, error: BaseException) -> None:
        """A stage failed, for good: the box says so."""
        box = self._box(artifact)
        with box.lock:
            box.going.pop(artifact.label, None)
            if isinstance(error, Exception) and not (self.run.stop is not None and self.run.stop.is_set()):
                box.failed = box.failed or str(error)[:LONGEST]

    def _box(self, artifact: Artifact) -> Box:
        group = self.run.groups.get(artifact.label)
        if group is None:
            return self.whole
        with self._lock:
            return self._boxes.setdefault(group, Box(group, group.name or self.title))

    def _members(self, box: Box) -> list[str]:
        """Labels of all that was asked for in a group so far, or in the run."""
        if box is self.whole:
            return list({artifact.label for artifact in list(self.run.artifacts)})
        return [label for label, group in list(self.run.groups.items()) if group == box.group]

    def _inputs(self, label: str) -> set[str]:
        """Labels of what an artifact reads."""
        artifacts = list(self.run.artifacts)
        if len(artifacts) != self._needs[0]:
            self._needs = len(artifacts), {one.label: set(leaves(one.recipe["inputs"])) for one in artifacts}
        return self._needs[1].get(label, set())

    def _opened(self, box: Box) -> FlowRunContext | None:
        """The context of a box's flow run, which is made for the first who asks; None where the server took none."""
        with box.lock:
            if box.context is None and not box.ended:
                try:
                    self._open(box)
                except (httpx.HTTPError, PrefectException) as error:
                    box.ended = True
                    self.logger.warning("no box for %s in Prefect (%s)", box.name, type(error).__name__)
            return box.context

    def _open(self, box: Box) -> None:
        parent, group = self.whole.context, box.group
        assert parent is not None and parent.flow_run is not None and group is not None
        with self._lock:
            ended = {key: one for key, one in self._boxes.items() if one.ended and one.context is not None}
        box.after = self._arrows(group, ended)
        runs = [one.context.flow_run for key, one in ended.items() if one.context is not None and key in box.after]
        inputs: Any = {"after": [FlowRunResult(id=run.id) for run in runs if run is not None]}
        # As Prefect's engine does for a sub-flow: a task run stands for it in its parent (flow_engine.create_flow_run).
        stands = self._client.create_task_run(
            Task(fn=_nothing, name=group.kind),
            parent.flow_run.id,
            dynamic_key=f"{parent.flow_run.run_count}-{group.kind}-{group.name}",
            name=f"{group.kind} {box.name}",
            state=Running(),
            task_inputs=inputs,
        )
        flow = _flow(group.kind)
        made: FlowRun = self._client.create_flow_run(
            flow, name=box.name, parent_task_run_id=stands.id, state=Running(), tags=[self.title]
        )
        # Dictionaries of its own: which task made what is asked within a flow run alone.
        own: dict[str, Any] = {"flow": flow, "flow_run": made, "task_run_dynamic_keys": {}, "run_results": {}}
        box.context = parent.model_copy(update=own)
        box.begun = box.told = time.monotonic()

    def _arrows(self, group: Group, ended: dict[Group, Box]) -> set[Group]:
        """Which of the groups that have ended lead to this one, as a person would draw it."""
        reads: dict[Group, set[Group]] = {}
        for label, reader in list(self.run.groups.items()):
            read = {self.run.groups[need] for need in self._inputs(label) if need in self.run.groups}
            reads.setdefault(reader, set()).update(read - {reader})
        before = reads.get(group, set()) & ended.keys()
        if len(before) > 1 and before == ended.keys():
            # What reads everything (the report) comes after what nothing else reads.
            before -= set().union(*(reads.get(one, set()) for one in ended))
        return drawn(group, {**{key: box.after for key, box in ended.items()}, group: before})

    def _sweep(self) -> None:
        """End the boxes of which nothing is left to be done."""
        if self.run.followed.is_set():
            with self._lock:
                boxes = list(self._boxes.values())
            for box in boxes:
                if not box.ended and box.cached.keys() >= set(self._members(box)):
                    self._end(box)

    def _end(self, box: Box, stopped: bool = False) -> None:
        with box.lock:
            if box.ended or box.context is None or box.context.flow_run is None:
                return
            box.ended = True
            says = box.sums_up()
            run = box.context.flow_run.id
            state: State[Any]
            if box.failed is not None:
                state = Failed(message=box.failed)
            elif stopped:
                state = Cancelled(message=f"the run was stopped; {says}")
            elif all(box.cached.values()):
                state = Completed(name="Cached", message=says)
            else:
                state = Completed(message=says)
        if isinstance(box.group, Group):
            self.logger.info("%s / %s: %s", box.group.kind, box.name, box.failed or says)
        if not all(box.cached.values()):
            self.send(self._bar, box, 100.0 if state.is_completed() else self._percent(box), says)
        self.send(self._client.set_flow_run_state, run, state, force=True)

    def _show(self, box: Box) -> None:
        now = time.monotonic()
        with box.lock:
            if now - box.told < EVERY or box.context is None:
                return
            box.told = now
            percent, says = self._percent(box), box.says(len(self._members(box)))
        self.send(self._bar, box, percent, says)

    def _percent(self, box: Box) -> float:
        asked = len(self._members(box))
        return 100 * (len(box.cached) + sum(share for share, _ in box.going.values())) / max(asked, 1)

    def _bar(self, box: Box, percent: float, says: str) -> None:
        """The progress artifact of a box; called in the sending thread alone."""
        assert box.context is not None and box.context.flow_run is not None
        about = plain(says)
        if box.bar is None:
            stage = box.group.kind if box.group else "run"
            key = key_of(self.title, stage, box.group.name if box.group else "", "progress")
            made = self._client.create_artifact(
                ArtifactCreate(
                    key=key, type="progress", description=about, data=percent, flow_run_id=box.context.flow_run.id
                )
            )
            box.bar = made.id
        else:
            self._client.update_artifact(box.bar, ArtifactUpdate(data=percent, description=about))


@cache
def _flow(kind: str) -> Flow[..., Any]:
    """The flow of all groups of a kind."""
    return Flow(_nothing, name=kind, persist_result=False)


def _nothing() -> None:
    """What stands in a flow and a task that are made through the API: nothing is called."""


def task_key(artifact: Artifact) -> str:
    """A stage's own, in its flow run: tasks are told apart by it and a count of those of the same key."""
    return f"{artifact.stage}-{artifact.name}-{artifact.fingerprint}"
