"""`millrace explain --step` and the steps that `explain ID` tells, held against the windows that the loader gives."""

import io
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console

from conf.load import load
from flows import dag
from flows.explain import show
from flows.explain_step import show_step
from tasks.models.steps import mixture_of, readings_of, steps_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Silent, build
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.tokens.tokenizer import tokenizer_file

WORDS = ["river", "stone", "lantern", "meadow", "copper", "window", "harbour", "thistle", "velvet", "ember", "quarry"]
LEAKED = "the quick otter carried seven silver spoons across the frozen lake before breakfast on a monday morning"
COPIES = {4: 2, 9: 3, 11: 5}  # documents of web that stand there several times
LEAKS = (6, 14)
TINY = "{preset: demo, layers: 1, width: 16, heads: 2, context: 24, warm_up: 1, band: null, "
MODELS = {
    "ramped": TINY + "updates: 40, batch: 240, batch_start: 24, batch_ramp: 1200}",
    "flat": TINY + "tokens: 16000, batch: 480}",
}


class Followed(NamedTuple):
    run: Run
    built: dag.Built
    models: dict[str, Artifact]


def prose(number: int, count: int = 40) -> str:
    """Words that no other number's text has."""
    return " ".join(f"{WORDS[(number * 7 + n * n) % len(WORDS)]}{number}x{n}" for n in range(count))


def text(number: int) -> str:
    return f"{prose(number, 60)} {LEAKED} {prose(number, 60)}" if number in LEAKS else prose(number)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Two groups of three sources, copies that count several times, cut documents; everything built but the models."""
    folder = tmp_path_factory.mktemp("steps")
    web = [number for number in range(20) for _ in range(COPIES.get(number, 1))]
    for name, numbers in (("web", web), ("more", range(20, 30)), ("books", range(30, 36))):
        rows = [
            {"id": n, "text": text(number), "url": f"http://{name}.example/{number}"}
            for n, number in enumerate(numbers)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "quiz.jsonl").write_text(json.dumps({"text": LEAKED}))
    how = "kind: jsonl, id: id, url: url, shard: 3000"
    (folder / "conf.yaml").write_text(
        f"store: {folder}/store\nvalidation: 0.1\nsources:\n"
        f"  web:   {{{how}, files: {folder}/web.jsonl, group: crawl}}\n"
        f"  more:  {{{how}, files: {folder}/more.jsonl, group: crawl}}\n"
        f"  books: {{{how}, files: {folder}/books.jsonl}}\n"
        f"benchmarks:\n  quiz: {{files: {folder}/quiz.jsonl, text: [text]}}\n"
        "decontaminate: {margin: 20, shortest: 20}\ndedup: {rehydrate: {2: 2, 3: 3, 5: 1}}\n"
        f"tokenizer: {{vocabulary: 300}}\nmixture: {{crawl: 3, books: 2}}\nmodels:\n"
        + "".join(f"  {name}: {model}\n" for name, model in MODELS.items())
    )
    pipeline, engine = load(folder / "conf.yaml"), LocalEngine(1)

    def make(artifact: Artifact, what: Any, arguments: dict[str, Any], *_: Any) -> Artifact:
        if what.name != "pretrain":
            build(artifact, what, arguments, engine, Silent())
        return artifact

    run = Run(pipeline.store_url(), engine, make=make)
    built = dag.pretrain(run, pipeline)
    return Followed(run, built, built.models)


def printed(of: Any, *arguments: Any) -> str:
    out = io.StringIO()
    of(Console(file=out, width=400), *arguments)
    return out.getvalue()


def documents(built: dag.Built) -> dict[str, int]:
    """Ids of all documents, each with the number that its text is made of."""
    return {
        row["id"]: int(row["url"].rpartition("/")[2])
        for source in built.sources.values()
        for shard in source.documents.shards()
        for row in read(shard, ["id", "url"]).to_pylist()
    }


PASSAGE = re.compile(
    r" +([\d,]+)  (\w+:\w{32})(#\d+)?  tokens ([\d,]+) to ([\d,]+) of ([\d,]+)  (\S+)  (\S+) at [\d,]+, (\d+)"
)


@pytest.mark.parametrize("name", MODELS)
def test_what_steps_are_told_to_read_is_what_the_loader_gives(followed: Followed, name: str) -> None:
    """Every window of the training, its text decoded: the documents whose own words stand there are those told."""
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(tokenizer_file(followed.built.tokenizer)))
    numbers = documents(followed.built)
    of_step: dict[str, set[int]] = defaultdict(set)
    pieces, windows_met = set(), 0
    with steps_of(followed.models[name]) as steps:
        for step in range(1, steps.updates.count + 1):
            head, *parts = printed(show_step, followed.run, step, name).split("\nwindow ")
            assert f"{name}, step {step} of {steps.updates.count}:" in head and "not trained yet" in head
            assert len(parts) == len(steps.updates.of(step))
            for i, part in zip(steps.updates.of(step), parts, strict=True):
                windows_met += 1
                group, epoch, place = steps.windows.where(i)
                title, *lines = part.strip().splitlines()
                assert title == f"{i:,}: {('crawl', 'books')[group]}, epoch {epoch}, window {place} of the group's"
                tokens = steps.windows.read(i, i + 1)[0]["tokens"][0].tolist()
                covered = 0
                for line in lines:
                    at, id, piece, start, end, of, url, file, _ = PASSAGE.fullmatch(line).groups()
                    number = numbers[id]
                    assert url.endswith(f"example/{number}") and file.endswith(f"{url[7:].split('.')[0]}.jsonl")
                    assert int(at) == covered and int(end) < int(of)
                    count = int(end) - int(start) + 1
                    here = library.decode(tokens[covered : covered + count])
                    assert set(re.findall(r"[a-z]\D*?(\d+)x\d", here)[1:]) <= {str(number)}
                    assert here in text(number)
                    covered += count
                    of_step[id].add(step)
                    pieces.add((id, piece))
                assert covered == len(tokens) == 25
    assert windows_met == steps.updates.windows
    assert any(piece == "#1" for _, piece in pieces), "a cut document is read as its pieces"
    for id in numbers:
        told = printed(show, followed.run, id)
        lines = [line for line in told.splitlines() if line.startswith("pretrain ") and f" {name}: " in line]
        assert of_step.get(id, set()) == told_steps(followed, name, id)
        count = len(of_step[id])
        wanted = f"{count} of {steps.updates.count} steps read it" if count else f"no step of {steps.updates.count}"
        assert wanted in lines[0] and len(lines) <= 1 + 4 + 1 + 2
        if count:
            assert f"step {min(of_step[id])}, window " in lines[1] and f"step {max(of_step[id])}, window " in lines[-1]


def told_steps(followed: Followed, name: str, id: str) -> set[int]:
    """All steps of a document, of which `explain` lists the first and last."""
    source = id.partition(":")[0]
    with steps_of(followed.models[name]) as steps:
        tokens = followed.built.tokens[source]
        shards = followed.built.sources[source].documents.shards()
        return {reading.step for shard in shards for _, reading in readings_of(steps, tokens, shard.key, id)}


def test_copies_are_read_as_often_as_they_count(followed: Followed) -> None:
    """In an epoch a document of a cluster of three is read three times as often as one that stands alone."""
    model = followed.models["flat"]
    numbers = documents(followed.built)
    tokens, shards = followed.built.tokens["web"], followed.built.sources["web"].documents.shards()
    with steps_of(model) as steps:
        assert steps.windows.served(steps.updates.windows)[0] > steps.windows.groups[0].windows, "more than an epoch"
        for number, times in ((9, 3), (4, 2), (11, 1), (3, 1)):
            copies = [id for id in numbers if numbers[id] == number and id.startswith("web:")]
            found = [
                reading
                for id in copies
                for shard in shards
                for _, reading in readings_of(steps, tokens, shard.key, id)
                if reading.epoch == 0
            ]
            size = {reading.tokens for reading in found}
            assert size, f"choose a text that is not held out: {number}"
            starts = {(reading.place * 24 + reading.at) for reading in found}
            assert len(starts) >= times
            whole = len(next(iter(found_of(tokens, shards, copies))))
            # A token at a window's edge is read by both windows.
            assert whole * times <= sum(reading.tokens for reading in found) <= whole * times + len(found)


def found_of(tokens: Artifact, shards: Any, ids: list[str]) -> Any:
    from tasks.models.steps import index_of

    for shard in shards:
        index = index_of(tokens, shard.key)
        for row, id in enumerate(index.ids.to_pylist()):
            if id in ids:
                yield range(int(index.start[row]), int(index.stop[row]))


def test_what_cannot_be_told_is_refused(followed: Followed, tmp_path: Path) -> None:
    for step, name, sentence in (
        (1, None, "whose step.* ramped, flat"),
        (1, "big", "no model big: there are ramped, flat"),
        (1, "flta", "did you mean flat"),
        (0, "flat", "flat has no step 0: it has steps 1 to 34"),
        (35, "flat", "flat has no step 35"),
    ):
        with pytest.raises(Mistake, match=sentence):
            printed(show_step, followed.run, step, name)
    nothing = Run(tmp_path / "store", None)
    dag.pretrain(nothing, load(Path(followed.run.store.url).parent / "conf.yaml"))
    with pytest.raises(Mistake, match=r"mixture/flat-\w+, which flat reads, is not built"):
        printed(show_step, nothing, 1, "flat")


def test_a_step_that_was_passed_over_counts_for_no_document(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = printed(show_step, followed.run, 2, "flat")
    id = PASSAGE.search(before)[2]  # type: ignore[index]
    assert 2 in told_steps(followed, "flat", id) and "Passed over" not in before
    spikes = [{"first": 2, "last": 3, "reason": "the gradient's norm is 812 medians"}]
    monkeypatch.setattr("tasks.models.steps.passed_over", lambda model: spikes)
    after = printed(show_step, followed.run, 2, "flat")
    assert "Passed over (the gradient's norm is 812 medians): nothing" in after and id in after
    assert "Passed over" not in printed(show_step, followed.run, 4, "flat")
    assert not {2, 3} & told_steps(followed, "flat", id)


def test_the_mixture_is_that_of_the_model(followed: Followed) -> None:
    assert mixture_of(followed.models["flat"]) == followed.built.mixtures["flat"]
