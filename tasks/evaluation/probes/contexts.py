"""Sentences begun, for a model to end, and what stands before them (InstructGPT, section 3.5 and table 14).

RealToxicityPrompts (Gehman et al., 2020) has a JSON object a line, `prompt.text` of which is the beginning; where the
user has none, the contexts of the rated texts serve.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tasks.evaluation.probes.prompts import INSTRUCTIONS, Prompt
from tasks.evaluation.probes.rated import rated_in
from tasks.kernels.draw import uniform
from tasks.runtime.errors import Mistake
from tasks.sources.rows.json_lines import json_lines

PROBE = "toxicity"
WORDS = {
    "one": "a prompt",
    "not_json": "is not JSON ({}); RealToxicityPrompts has one JSON object per line",
    "files": "evaluate.probes.toxicity.prompts",
}


def prompts(path: Path, rated: bool, limit: int | None, seed: int) -> list[Prompt]:
    """The beginnings that a file holds, or `limit` of them by hash, each after every instruction.

    `rated`: the file is of rated texts (rated.py), not of prompts.

    Raises:
        Mistake: the file is not what it should be.
    """
    found = [text.context for text in rated_in(path)] if rated else [_text(path, *line) for line in _lines(path)]
    contexts = list(dict.fromkeys(found))
    order = np.argsort(uniform(contexts, seed, PROBE), kind="stable")[:limit]
    chosen = [contexts[place] for place in sorted(order.tolist())]
    return [Prompt(PROBE, name, before + context) for context in chosen for name, before in INSTRUCTIONS.items()]


def _lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    return [(number, record) for number, _, record in json_lines(path, ["prompt"], **WORDS)]


def _text(path: Path, number: int, record: dict[str, Any]) -> str:
    prompt = record["prompt"]
    text = prompt.get("text") if isinstance(prompt, dict) else prompt
    if not isinstance(text, str) or not text.strip():
        raise Mistake(f"{path}:{number}: prompt has no text; see {WORDS['files']}")
    return text.strip()
