"""`millrace export-model`: a model as a folder for transformers, or as a GGUF file for llama.cpp."""

import shutil
from pathlib import Path
from typing import Literal

from rich.console import Console

from flows.models import chosen, mistakes
from tasks.models.card import card
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

HELD = {
    "GPT2LMHeadModel": "The files hold it as GPT-2.",
    "OpenAIGPTLMHeadModel": "The files hold it as OpenAI-GPT.",
    "GPTNeoForCausalLM": "The files hold it as GPT-Neo, whose layers alternate as its own do; its biases on query, key "
    "and value are folded into GPT-Neo's other weights, which leaves the function as it is up to rounding.",
}


def export(out: Console, run: Run, name: str, path: Path, to: Literal["hf", "gguf"]) -> None:
    """Write it aside, then give it its name: what is there is whole.

    Raises:
        Mistake: something is there already, or the other program cannot hold the model; the sentence says why.
    """
    if path.exists():
        raise Mistake(f"{path} exists already: remove it, or give another name")
    if not path.absolute().parent.is_dir():
        raise Mistake(f"{path} cannot be written: its folder is not there")
    model = chosen(run, name)
    gpt, tokenizer, about = model.load()
    aside = path.absolute().with_name(f".{path.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.unlink(missing_ok=True)
    try:
        with mistakes():
            if to == "gguf":
                from model import to_gguf

                whence = model.artifact.label if model.artifact else "a folder"
                text = f"{about['parameters']:,} parameters; by Millrace, from {whence}"
                to_gguf.write(gpt, aside, tokenizer.content, about["end_of_text"], model.name, text)
            else:
                from model import hf

                others = [one for one in run.artifacts if model.artifact and one.name == model.name]
                by = {one.stage: one for one in others if one.stage in ("mixture", "perplexity")}
                asked = [one for one in run.artifacts if one.stage == "scores" and one.built]
                held = HELD[hf.class_of(gpt.architecture)]
                readme = card(model.name, about, held, model.artifact, by.get("mixture"), by.get("perplexity"), asked)
                hf.write(gpt, aside, tokenizer.content, about["end_of_text"], readme)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        aside.unlink(missing_ok=True)
    out.print(f"Model: {path}", highlight=False, markup=False, soft_wrap=True)
