"""Answers of a model to prompts: what is asked, that draws are by (seed, id, number), and who cannot be asked."""

from pathlib import Path

import pytest
from chat_toys import asked, chat, plain, run_in

from tasks.judges.completions import Completed, completed, completions
from tasks.judges.prompts import Chat, prompts_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

TEXTS = [f"name {n} things, please" for n in range(70)]
HOW = {"split": None, "limit": None, "answers": 2, "tokens": 6, "temperature": 1.0, "seed": 1}


def answered(run: Run, model: Artifact, prompts: Artifact, **how: object) -> Artifact:
    return run(completions, "sft", model=model, prompts=prompts, **{**HOW, **how})


def test_prompts_come_back_as_they_were_written(tmp_path: Path) -> None:
    run = run_in(tmp_path / "store")
    made = asked(run, ["what is <|end|> of <|user|>?", "Zoë\n"], held_out=1, system="be brief")
    one, other = prompts_of(made)
    assert one.messages == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "what is <|end|> of <|user|>?"},
    ], "text that spells a role stays text"
    assert (one.id, one.split, other.split, other.messages[1]["content"]) == (
        "prompts:0", "train", "validation", "Zoë\n",
    )  # fmt: skip
    assert [prompt.id for prompt in prompts_of(made, "validation")] == ["prompts:1"]
    mine = Chat.of(chat(run))
    assert mine.tokens(one.messages) == one.tokens and mine.messages(one.tokens) == one.messages
    assert mine.text(one.tokens) == "be brief\nwhat is <|end|> of <|user|>?"


def test_a_limit_draws_by_hash_and_a_form_or_part_without_prompts_is_refused(tmp_path: Path) -> None:
    run = run_in(tmp_path / "store")
    made = asked(run, TEXTS)
    few = prompts_of(made, limit=9, seed=1)
    assert len(few) == 9 and few != prompts_of(made, limit=9, seed=2) and few[:5] != prompts_of(made)[:5]
    assert {one.id for one in prompts_of(made, limit=5, seed=1)} < {one.id for one in few}
    with pytest.raises(Mistake, match="prompts has no prompt in its validation part: give more prompts"):
        prompts_of(made, "validation")
    with pytest.raises(Mistake, match="holds examples of form chat; to be answered they must be prompts"):
        prompts_of(asked(run, TEXTS, form="chat"))


def test_answers_hang_on_their_own_prompt_alone(tmp_path: Path) -> None:
    run = run_in(tmp_path / "store")
    model = chat(run)
    everything = completed(answered(run, model, asked(run, TEXTS)))
    assert [row["id"] for row in everything] == [f"prompts:{n}" for n in range(70)], "in two blocks"
    assert all(len(row["answers"]) == 2 for row in everything)
    assert len({row["answers"][0] for row in everything}) > 50
    assert sum(row["answers"][0] != row["answers"][1] for row in everything) > 60
    alone = completed(answered(run, model, asked(run, TEXTS[:3])))
    assert [row["answers"] for row in alone] == [row["answers"] for row in everything[:3]]
    more = completed(answered(run, model, asked(run, TEXTS[:3]), answers=3))
    assert [row["answers"][:2] for row in more] == [row["answers"] for row in alone]
    assert completed(answered(run, model, asked(run, TEXTS[:3]), seed=2)) != alone
    again = run_in(tmp_path / "two", 2)
    assert completed(answered(again, chat(again), asked(again, TEXTS))) == everything, "whatever the workers"


def test_what_does_not_fit_is_told_and_what_is_said_twice_counted(tmp_path: Path) -> None:
    run = run_in(tmp_path / "store")
    made = answered(run, chat(run, context=32), asked(run, ["short", "long " * 40]), temperature=0.0)
    short, long = completed(made)
    assert short["fault"] is None and long["answers"] is None and "the context of 32 leaves no room" in long["fault"]
    counts = made.counts(Completed)
    assert (counts.prompts, counts.unfit, counts.answers, counts.repeated) == (1, 1, 2, 1)
    assert counts.parameters > 5000


def test_a_model_without_roles_reads_plain_text(tmp_path: Path) -> None:
    run = run_in(tmp_path / "store")
    rows = completed(answered(run, plain(run), asked(run, TEXTS[:2])))
    assert [row["fault"] for row in rows] == [None, None]
    assert all("\n" not in answer for row in rows for answer in row["answers"])
