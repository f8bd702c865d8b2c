"""`judges`, `evaluate.alignment` and sampled examples: what may be said, and what is refused with its line."""

from pathlib import Path
from typing import Any

import pytest
from plain import PLAIN, read

from conf.judges import Judge
from tasks.judges.rules import judge as ruled
from tasks.runtime.errors import Mistake

ALL = """\
examples:
  prompts: {files: p.jsonl, form: prompt}
  demos: {files: d.jsonl, form: chat}
  pairs: {form: compare, samples: {model: small, prompts: prompts}, judge: polite}
judges:
  polite: {rules: [{ends_with: "."}, {items: 3}, {words: [5, 40]}, {without: [foo], weight: 2}, {with: [please]}]}
  refusal: {rubric: {classes: {a: {says: x}, b: {says: x}, c: {says: x}, d: {says: x}}}, model: small}
evaluate:
  alignment: {prompts: prompts, judges: [polite], against: small}
"""


def test_what_may_be_said(tmp_path: Path) -> None:
    p = read(tmp_path, PLAIN + ALL)
    polite = p.judges["polite"]
    assert polite.kind == "rules" and polite.needs is None
    assert ruled(polite.as_judge()["rules"])("", "Name one, two and three; please.") == pytest.approx(
        1 + 2 / 3 + 1 + 2 + 1
    )
    refusal = p.judges["refusal"]
    assert refusal.needs == "small" and refusal.as_judge()["rules"] is None
    assert refusal.as_judge()["rewards"] == {"disallowed": {"a": 1, "c": -1}, "safe": {"d": 1, "a": -1, "b": -1}}
    samples = p.examples["pairs"].samples
    assert samples is not None and (samples.answers, samples.tokens, samples.temperature) == (4, 64, 1.0)
    assert p.evaluate.alignment is not None and p.evaluate.alignment.answers == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('{ends_with: "."}', '{ends_with: ".", items: 3}', "this one has ends_with, items"),
        ('{ends_with: "."}', "{weight: 3}", "a rule is one of ends_with, .*this one has none"),
        ('{ends_with: "."}', "{end_with: x}", r"line \d+|mine.yaml:\d+.*end_with"),
        ("{words: [5, 40]}", "{words: [40, 5]}", r"words is \[40, 5\]: give \[fewest, most\]"),
        ("{words: [5, 40]}", "{words: [5]}", "words"),
        ("{items: 3}", "{items: 0}", "items"),
        ("{without: [foo], weight: 2}", "{without: []}", "without"),
        ("polite: {rules:", "polite: {reward: small, rules:", "this one has rules, reward"),
        ("polite: {rules: [", "polite: {model: small, rules: [", "model belongs to a rubric"),
        (", model: small}\n", "}\n", "a rubric needs a model that tells the class, or classes with rules"),
        ("d: {says: x}}}", "d: {says: x}}, refuses: [z]}", "z, which is no class .there are a, b, c, d"),
        ("polite: {rules:", "polite: {own: r, rules:", "this one has rules, own"),
        ("model: small}\nevaluate", "model: smal}\nevaluate", "names smal, which is no model .*did you mean small"),
        ("judges: [polite]", "judges: [rude]", "names rude, which is no judge of `judges` .there are polite, refusal"),
        ("judges: [polite]", "judges: [refusal]", "refusal is a rubric, which gives classes and no order"),
        ("judges: [polite]", "judges: [polite, polite]", "judges names one twice"),
        ("alignment: {prompts: prompts", "alignment: {prompts: demos", "demos has the form chat; to be answered it"),
        ("alignment: {prompts: prompts", "alignment: {prompts: none", "names none, which is no entry of `examples`"),
        ("against: small", "against: large", "names large, which is no model of this pipeline .there are small"),
        ("against: small", "refusals: {disallowed: prompts, safe: prompts, judge: polite}", "polite has no rubric"),
        ("against: small", "steering: {system: x, prompts: prompts, judge: refusal}", "refusal has no rules"),
        ("prompts: prompts}, judge: polite", "prompts: prompts}", "samples need a judge"),
        ("prompts: prompts}, judge: polite", "prompts: demos}, judge: polite", "demos has the form chat"),
        ("prompts: prompts}, judge: polite", "prompts: prompts}, judge: refusal", "gives classes and no order"),
        ("samples: {model: small", "files: x.jsonl, samples: {model: small", "give one of `files`, and `samples`"),
        ("samples: {model: small", "ranks: r, samples: {model: small", "ranks must go"),
        ("pairs: {form: compare", "pairs: {form: prompt", "samples are ranked, form compare"),
        ("prompts: prompts}", "prompts: prompts, answers: 1}", "answers"),
        ("d.jsonl, form: chat", "d.jsonl, form: chat, judge: polite", "judge belongs to `samples`"),
    ],
)
def test_what_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in ALL
    with pytest.raises(Mistake, match=said):
        read(tmp_path, PLAIN + ALL.replace(before, after))


def test_a_reward_model_judges_and_no_model_learns_from_its_own_answers(tmp_path: Path) -> None:
    tuned = "  sft: {from: small, objective: sft, data: demos}\n  reward: {from: sft, objective: reward, data: pairs}\n"
    more = ALL.replace("model: small, prompts", "model: sft, prompts").replace(
        "  refusal:", "  rm: {reward: reward}\n  refusal:"
    )
    p = read(tmp_path, PLAIN + tuned + more)
    assert p.judges["rm"].needs == "reward" and p.judges["rm"].as_judge() == {"kind": "reward model"}
    assert p.needs("reward") == ["sft", "sft"] and p.learning() == ["sft", "reward"]
    assert p.aligned(list(p.models)) == ["small", "sft"], "a reward model answers nothing"
    with pytest.raises(Mistake, match="sft has the objective sft; a judge's is reward"):
        read(tmp_path, PLAIN + tuned + more.replace("{reward: reward}", "{reward: sft}"))
    with pytest.raises(Mistake, match="reward has the objective reward, and answers nothing"):
        read(tmp_path, PLAIN + tuned + more.replace("against: small", "against: reward"))
    with pytest.raises(Mistake, match=r"models\.reward must be there before itself, by way of its data"):
        read(tmp_path, PLAIN + tuned + more.replace("judge: polite}\njudges", "judge: rm}\njudges"))


def test_classes_whose_rules_leave_two_for_the_rest() -> None:
    classes: dict[str, Any] = {"a": {"says": "x", "rules": [{"items": 1}]}, "b": {"says": "x"}, "c": {"says": "x"}}
    with pytest.raises(ValueError, match="classes b, c have no rules: only one can take the rest"):
        Judge.model_validate({"rubric": {"classes": classes, "rewards": {}, "refuses": []}})
