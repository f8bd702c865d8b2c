"""From samples to comparisons: what judges give, and that the file is what readers of comparisons take."""

import json
from pathlib import Path
from typing import Any

import pytest
from chat_toys import rewarding, run_in, saying, written
from hypothesis import given
from hypothesis import strategies as st

from model.reward import Reward
from tasks.judges.comparisons import line
from tasks.judges.judged import Judged, judged, judged_of
from tasks.judges.label import FILE, Labelled, label
from tasks.judges.prompts import Chat
from tasks.judges.ranked import comparisons_in
from tasks.models.files import model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

POLITE = {"kind": "rules", "rules": [{"ends_with": ".", "weight": 1.0}, {"words": [2, 9], "weight": 2.0}]}


def by(run: Run, judge: dict[str, Any], completions: Artifact | None, **more: Any) -> Artifact:
    how = {"people": [], "model": None, "prompts_are": None, **more}
    return run(judged, "x", completions=completions, judge=judge, **how)


def test_answers_are_ranked_by_a_judges_numbers(tmp_path: Path) -> None:
    run = run_in(tmp_path / "store")
    answers = {
        "a": ["one two.", "one two", "one", "one two."],
        "b": ["same", "same"],
        "long": None,
    }
    said = saying(run, "sft", answers, {"a": "Zoë asks"})
    numbers = by(run, POLITE, said)
    assert [row["value"] for row in judged_of(numbers)] == [3, 2, 1, 3, 1, 1]
    assert judged_of(numbers)[2]["parts"] == {"ends_with .": 0, "words 2, 9": 0.5}
    assert numbers.counts(Judged) == Judged(prompts=2, answers=6, unanswered=1)
    made = run(label, "pairs", completions=said, judged=numbers, labeler="polite")
    first, second = map(json.loads, made.read(FILE).splitlines())
    assert first == {
        "id": "a", "messages": [{"role": "user", "content": "Zoë asks"}], "answers": answers["a"],
        "ranks": [1, 2, 3, 1], "labeler": "polite", "judge": "machine", "likert": [], "flags": {},
    }  # fmt: skip
    assert second["ranks"] == [1, 1]
    assert made.counts(Labelled) == Labelled(prompts=2, equal=1, answers=6, pairs=5, ties=2)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=9))
def test_ranks_order_as_values_do(values: list[int]) -> None:
    ranks = json.loads(line("a", [], ["x"] * len(values), values, "polite"))["ranks"]
    assert min(ranks) == 1 and set(ranks) == set(range(1, max(ranks) + 1))
    for n, one in enumerate(values):
        for m, other in enumerate(values):
            assert (one > other) == (ranks[n] < ranks[m]) and (one == other) == (ranks[n] == ranks[m])


def test_of_comparisons_only_what_people_ranked_is_judged(tmp_path: Path) -> None:
    run = run_in(tmp_path / "store")
    row = {"id": "a", "prompt": "say", "answers": ["one two.", "one"], "ranks": [1, 2], "labeler": "ann"}
    files = written(
        tmp_path / "c.jsonl", [row | {"judge": "human"}, row | {"judge": "machine"}, row, row | {"judge": "Human"}]
    )
    made = by(run, POLITE, None, people=files)
    assert [(row["value"], row["rank"], row["labeler"]) for row in judged_of(made)] == [(3, 1, "ann"), (1, 2, "ann")]
    assert made.counts(Judged) == Judged(prompts=1, answers=2, machines=3), "what says nothing is no person's"


def test_a_reward_model_reads_what_the_chat_forms_lay_out(tmp_path: Path) -> None:
    run = run_in(tmp_path / "store")
    model = rewarding(run, context=32)
    long = " ".join(["three"] * 40)
    said = saying(run, "sft", {"a": ["apples", "pears", "apples", long]}, {"a": "name things"})
    values = [row["value"] for row in judged_of(by(run, {"kind": "reward model"}, said, model=model))]
    mine, reward = Chat.of(model), Reward(model_folder(model))
    asked = mine.tokens([{"role": "user", "content": "name things"}])
    assert asked[0] == mine.added["<|user|>"] and asked[-2:] == [mine.added["<|end|>"], mine.added["<|assistant|>"]]
    whole = [[*asked, *mine.tokenizer.encode(text), mine.added["<|end|>"]] for text in ("apples", "pears")]
    cut = [*[*asked, *mine.tokenizer.encode(long)][:31], mine.added["<|end|>"]]
    found = [float(reward.of([one])[0]) for one in (*whole, cut)]
    assert values == pytest.approx([found[0], found[1], found[0], found[2]], abs=2e-6) and values[0] == values[2]
    assert len({*values}) == 3
    with pytest.raises(Mistake, match="a reward model is to judge, and none was given"):
        by(run, {"kind": "reward model"}, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ranks": [1]}, "c.jsonl:1: 2 answers need as many ranks"),
        ({"ranks": [0, 1]}, "a rank is a number from 1"),
        ({"ranks": [True, 1]}, "a rank is a number from 1"),
        ({"ranks": None}, "need as many ranks"),
        ({"answers": "a text"}, "c.jsonl:1: answers is no list of texts"),
        ({"prompt": None}, "give the prompt as `prompt`, a text, or `messages`"),
        ({"messages": ["x"]}, "give the prompt as"),
    ],
)
def test_what_is_no_comparison(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    row = {"prompt": "say", "answers": ["a", "b"], "ranks": [1, 2], "labeler": "ann", "judge": "human"}
    with pytest.raises(Mistake, match=said):
        list(comparisons_in(written(tmp_path / "c.jsonl", [row | change])))


def test_a_file_cut_in_mid_line_is_named(tmp_path: Path) -> None:
    files = written(tmp_path / "c.jsonl", [{"prompt": "say", "answers": [], "ranks": []}])
    path = Path(files[0]["path"])
    path.write_bytes(path.read_bytes() + b'{"prompt": "say", "ans')
    files = [file | {"size": path.stat().st_size} for file in files]
    from tasks.sources.input.files import expand

    files = [file.as_dict() for file in expand({"name": "files", "files": str(path)}, tmp_path)]
    with pytest.raises(Mistake, match=r"c.jsonl:2: not JSON"):
        list(comparisons_in(files))
