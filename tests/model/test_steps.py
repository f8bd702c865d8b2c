"""Which step read which tokens: every answer against the loader and the loop themselves, by brute force."""

import json
import tempfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from model.config import Training, Updates, total_windows
from model.loop import Parts, learn
from model.steps import Steps, unpermute
from model.windows import Windows, permute

VOCABULARY = 1 << 16


@given(st.integers(1, 5000), st.binary(max_size=8))
@settings(max_examples=30, deadline=None)
def test_unpermute_is_the_inverse(n, key):
    assert [unpermute(permute(i, n, key), n, key) for i in range(n)] == list(range(n))


trainings = st.builds(
    lambda unit, budget, batch, start, ramp: Training(
        **{unit: budget}, batch=batch, batch_start=start, batch_ramp=ramp, device="cpu", threads=1
    ),
    st.sampled_from(["tokens", "updates"]),
    st.integers(1, 250),
    st.integers(1, 90),
    st.none() | st.integers(1, 90),
    st.integers(0, 400),
)


class Recorder(nn.Module):
    """Data, objective and model in one, which learn nothing and note the rows that each update reads."""

    context, unit = 4, "tokens"

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.groups, self.names = [SimpleNamespace(name="all")], ()
        self.rows: list[int] = []

    def read(self, start: int, stop: int) -> Any:
        self.rows += range(start, stop)
        return {"tokens": np.zeros((stop - start, 1), np.float32)}, np.zeros(stop - start, np.int64)

    def losses(self, forward, batch):
        return (batch.streams["tokens"] * self.weight).sum(1), torch.zeros(2, 0, dtype=torch.float64)

    def validate(self, model, t, machine):
        return {}


class Noting:
    """The optimizer and the metrics: what was read up to here is an update's."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self.updates, self.param_groups = recorder, [], []

    def step(self) -> None:
        self.updates.append(self.recorder.rows)
        self.recorder.rows = []

    def zero_grad(self, set_to_none: bool) -> None: ...

    def write(self, *_: Any) -> None: ...

    before = after = at_the_end = write  # the guard, which minds nothing


@given(trainings)
@settings(max_examples=25, deadline=None)
def test_updates_are_those_of_the_loop(t):
    """The loop itself, with rows of 4 tokens, over budgets of both units, with and without a growing batch."""
    recorder, machine = Recorder(), SimpleNamespace(
        rank=0, world=1, cuda=False, compiled=False, device=torch.device("cpu"), stop_asked=False,
        own_gradients=lambda *_: torch.enable_grad(), autocast=torch.enable_grad, add_up=lambda sums: sums,
    )  # fmt: skip
    noting, total = Noting(recorder), total_windows(t, 4)
    parts = Parts(t, total, recorder, recorder, recorder, recorder, noting, machine, noting, noting, lambda *_: None)
    step, i = learn(parts, 0, 0)
    updates = Updates(t, 4)
    assert (updates.count, updates.windows) == (step, i)
    assert [list(updates.of(k)) for k in range(1, step + 1)] == noting.updates
    assert [updates.step(row) for row in range(i)] == [k for k, rows in enumerate(noting.updates, 1) for _ in rows]
    for beyond in (0, step + 1):
        with pytest.raises(ValueError, match=f"no step {beyond}: the training has steps 1 to {step}"):
            updates.of(beyond)


def test_gpt3s_ramp_at_once():
    """175B: 32k tokens grow to 3.2M over 12B of 300B; the ramp alone is listed."""
    t = Training(tokens=300_000_000_000, batch=3_200_000, batch_start=32_000, batch_ramp=12_000_000_000)
    updates = Updates(t, 2048)
    assert len(updates.first) < 20_000 < updates.count
    assert [updates.step(updates.of(step)[0]) for step in (1, 17_000, updates.count)] == [1, 17_000, updates.count]
    assert updates.of(updates.count)[-1] == updates.windows - 1
    assert len(updates.of(updates.count - 1)) == round(3_200_000 / 2048)


# ---- against the loader

sources = st.lists(  # of a source: of a shard: of a document (its tokens, the part of its cluster)
    st.lists(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 2)), max_size=6), max_size=3),
    min_size=1,
    max_size=3,
)


class Store:
    """A store of tokens that are all different: what was read says of which document it is."""

    def __init__(self, folder: Path, make: Any, groups: list[Any], weights: list[int], times: list[int]) -> None:
        self.documents: dict[tuple[str, int, int], int] = {}  # (file, start, stop): number
        self.of_token: dict[int, int] = {}
        listed = []
        for g, of_group in enumerate(groups):
            entries = [
                self._source(folder, make, f"g{g}s{s}", shards, times)
                for s, shards in enumerate([[[(9, 0)]], *of_group])
            ]
            listed.append((f"group{g}", weights[g], entries))
        self.mixture = make.mixture(folder / "mixture.json", listed)

    def _source(self, folder: Path, make: Any, name: str, shards: Any, times: list[int]) -> dict[str, Any]:
        streams, parts = [], []
        for key, documents in enumerate(shards):
            start, stream = 0, []
            parts.append([sum(tokens for tokens, cluster in documents if cluster == part) for part in range(3)])
            for tokens, _ in sorted(documents, key=lambda document: document[1]):
                number, first = len(self.documents), len(self.of_token)
                self.documents[f"tokens/{name}/{key:05d}.train.bin", start, start + tokens] = number
                self.of_token |= dict.fromkeys(range(first, first + tokens), number)
                stream += range(first, first + tokens)
                start += tokens
            streams.append((stream, []))
        entry = make.source(folder / f"tokens/{name}", streams)
        path = folder / f"tokens/{name}/tokens.json"
        about = json.loads(path.read_bytes())
        listed = [shard | {"clusters": each} for shard, each in zip(about["shards"], parts, strict=True)]
        path.write_text(json.dumps(about | {"sizes": [1, 2, 5], "shards": listed}))
        del entry["tokens_json_sha256"]
        return entry | {"times": [1, *times]}


@given(
    st.lists(sources, min_size=1, max_size=3),
    st.lists(st.integers(1, 70), min_size=3, max_size=3),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.integers(2, 8),
    trainings,
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_step_reads_is_what_the_loader_gave(make, groups, weights, times, context, t):
    """Brute force: every window that the training reads, token by token, against what each document is told."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder, make, groups, weights, times)
        windows = Windows(store.mixture, folder, context, VOCABULARY, seed=3)
        steps = Steps(windows, t)
        total = steps.updates.windows
        read: Counter[tuple[int, ...]] = Counter()  # (document, step, i, group, epoch, place, at): its tokens there
        for i in range(total):
            group, epoch, place = windows.where(i)
            assert steps.index(group, epoch, place) == i
            tokens = windows.read(i, i + 1)[0]["tokens"][0].tolist()
            spans = list(steps.spans(i))
            assert sum(span.stop - span.start for span in spans) == context + 1
            for span in spans:
                ids = np.fromfile(folder / span.file, "<u2")[span.start : span.stop].tolist()
                assert tokens[span.at : span.at + len(ids)] == ids
            # A document's tokens run on; where they begin again, it stands a second time in the window.
            begins = 0
            for at, token in enumerate(tokens):
                number = store.of_token[token]
                if not at or tokens[at - 1] != token - 1 or store.of_token[token - 1] != number:
                    begins = at
                read[number, steps.updates.step(i), i, group, epoch, place, begins] += 1
        told: Counter[tuple[int, ...]] = Counter()
        for (file, start, stop), number in store.documents.items():
            for each in steps.readings(file, start, stop):
                told[number, each.step, each.i, each.group, each.epoch, each.place, each.at] += each.tokens
        assert told == read


def test_a_step_that_was_passed_over_reads_nothing(corpus):
    windows = Windows(corpus / "mixture.json", corpus, 32, 257, seed=1)
    t = Training(updates=40, batch=4 * 32)
    whole, passed = Steps(windows, t), Steps(windows, t, [3, 4, 9])
    read = [list(each.readings("tokens/wiki/00000.train.bin", 0, 400)) for each in (whole, passed)]
    assert {3, 4, 9} <= {reading.step for reading in read[0]}
    assert read[1] == [reading for reading in read[0] if reading.step not in (3, 4, 9)]
    assert [span for span in passed.spans(passed.updates.of(3)[0])], "what it would have read is told all the same"


def test_readings_of_a_file_that_is_not_in_the_mixture_are_none(corpus):
    windows = Windows(corpus / "mixture.json", corpus, 32, 257, seed=1)
    steps = Steps(windows, Training(updates=3, batch=64))
    assert list(steps.readings("tokens/other/00000.train.bin", 0, 9)) == []
    assert list(steps.readings("tokens/wiki/00000.validation.bin", 0, 9)) == []
