"""InstructGPT's data against its table 6 (shared/SPECS.md, section 2.7), and the rules on prompts by default."""

from conf.examples import Prompts
from model.presets_instruct import INSTRUCT
from tasks.examples.paper import DATA


def test_data_is_table_6():
    train = {kind: sum(sizes) for (kind, split), sizes in DATA.items() if split == "train"}
    assert train == {"demonstrations": 12_725, "comparisons": 33_207, "prompts": 31_144}  # table 9 counts the same
    assert DATA["demonstrations", "train"] == (11_295, 1_430)
    assert DATA["comparisons", "train"] == (6_623, 26_584)
    held = {kind: sum(sizes) for (kind, split), sizes in DATA.items() if split == "validation"}
    assert held == {"demonstrations": 1_653, "comparisons": 17_887, "prompts": 16_185}
    assert Prompts().per_user == 200 and Prompts().tokens == INSTRUCT["instructgpt-6b"].ppo.prompt_tokens
