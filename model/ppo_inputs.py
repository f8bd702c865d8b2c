"""What PPO is given, read: prompts, the reward, pretraining's windows, and the token that ends an answer."""

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from model import headed
from model.episodes import Value
from model.examples import Examples
from model.files import sha256_of, store_at
from model.gpt import GPT
from model.ppo_loop import Prompts, Scores
from model.ppo_run import PPORun
from model.reward import Reward
from model.tokenizer import Tokenizer, require_same
from model.windows import Windows, permute

END = "<|end|>"  # of a message, in the chat forms


def prompts_of(run: PPORun, tokenizer: Tokenizer, context: int) -> tuple[Prompts, str]:
    """The prompts, episode by episode: all of them once an epoch, each epoch in another order; and what names them."""
    if run.examples is not None:
        data = Examples(store_at(run.store, run.cache, run.cache_bytes), run.examples, "train", run.ppo.seed)
        _require_fitting(data, run, tokenizer, context)

        def of(episode: int) -> list[int]:
            read, _ = data.read(episode, episode + 1)
            return [int(token) for token in read["tokens"][0, 0, : read["lengths"][0, 0]]]

        return of, data.sha256
    assert run.prompts is not None
    held = list(_read_prompts(run.prompts, tokenizer, context))
    if not held:
        raise ValueError(f"{run.prompts} has no prompt")
    return in_epochs(held, run.ppo.seed), sha256_of(run.prompts)


def _require_fitting(data: Examples, run: PPORun, tokenizer: Tokenizer, context: int) -> None:
    """See that a folder of examples is of prompts that the model can answer."""
    if data.form != "prompt":
        raise ValueError(f"examples: {run.examples} has the form {data.form}: PPO asks for `form: prompt`")
    if data.about["tokenizer_sha256"] != sha256(tokenizer.content).hexdigest():
        raise ValueError(f"examples: {run.examples} was made with another tokenizer than {run.start}'s: make it again")
    if data.longest >= context:
        raise ValueError(
            f"examples: {run.examples} has a prompt of {data.longest} tokens: the model's context of {context} leaves "
            "no room for an answer"
        )
    if not len(data):
        raise ValueError(f"examples: {run.examples} has no prompt to train on")


def in_epochs(prompts: Sequence[list[int]], seed: int) -> Prompts:
    """Episode i: all prompts once an epoch, in an order of its own."""

    def of(episode: int) -> list[int]:
        epoch, nth = divmod(episode, len(prompts))
        return prompts[permute(nth, len(prompts), json.dumps([seed, "prompts", epoch]).encode())]

    return of


def _read_prompts(path: Path, tokenizer: Tokenizer, context: int) -> Iterator[list[int]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"prompts: {path} cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except ValueError:
            raise ValueError(f"{place} is not JSON: {line[:80]!r}") from None
        if not isinstance(record, dict) or not record.keys() & {"tokens", "prompt"}:
            raise ValueError(f"{place} is not an object with `tokens` or `prompt`")
        ids = record["tokens"] if "tokens" in record else tokenizer.encode(str(record["prompt"]))
        if not isinstance(ids, list) or not all(type(i) is int and 0 <= i < tokenizer.vocabulary for i in ids):
            raise ValueError(f"{place}: tokens must be ids of the start's tokenizer, 0 to {tokenizer.vocabulary - 1}")
        if not 0 < len(ids) < context:
            raise ValueError(f"{place} has {len(ids)} tokens: the model's context takes 1 to {context - 1}")
        yield ids


def reward_of(run: PPORun, policy: GPT, device: str) -> tuple[Scores, Value | None]:
    """What scores answers, and the value network that begins as the reward model (None: there is no such model)."""
    function = _function(run) if run.function is not None else None

    model = Reward(run.reward, device) if run.reward is not None else None
    value = None
    if run.reward is not None:
        trunk, head, _ = headed.load(run.reward, device)
        ours, theirs = policy.architecture, trunk.architecture
        if (theirs.vocabulary, head is not None) != (ours.vocabulary, True) or theirs.context < ours.context:
            raise ValueError(
                f"reward: {run.reward} has a vocabulary of {theirs.vocabulary} and a context of {theirs.context}, the "
                f"policy {ours.vocabulary} and {ours.context}: give a reward model that began as the same SFT model"
            )
        trunk.head = None  # the value network has it as its own
        value = Value(trunk, head)

    def of(prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> list[float]:
        scores = [0.0] * len(prompts)
        if model is not None:
            scores = model.of([[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]).tolist()
        if function is not None:
            scores = [score + function(*each) for score, *each in zip(scores, prompts, answers, strict=True)]
        return scores

    return of, value


def each(function: Callable[[Sequence[int], Sequence[int]], float]) -> Scores:
    """A reward of one answer as one of many."""
    return lambda prompts, answers: [function(*pair) for pair in zip(prompts, answers, strict=True)]


def _function(run: PPORun) -> Callable[[Sequence[int], Sequence[int]], float]:
    assert run.function is not None
    module, _, name = run.function.partition(":")
    try:
        make = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"function: {run.function} is no function that can be imported: {error}") from None
    made: Callable[[Sequence[int], Sequence[int]], float] = make(run.start, **run.arguments)
    return made


def reward_named(run: PPORun) -> dict[str, Any]:
    """What a checkpoint keeps of the reward, to refuse another."""
    model = sha256_of(run.reward / "model.safetensors") if run.reward is not None else None
    return {"model": model, "function": run.function, "arguments": run.arguments}


def windows_of(run: PPORun, policy: GPT, about: dict[str, Any]) -> Windows:
    """Pretraining's windows, of its own mixture and seed."""
    assert run.mixture is not None
    a, store = policy.architecture, store_at(run.store, run.cache, run.cache_bytes)
    windows = Windows(run.mixture, store, a.context, a.vocabulary, run.mixture_seed)
    require_same(about.get("tokenizer"), windows.tokenizer, str(run.start), run.mixture)
    return windows


def end_of(run: PPORun, tokenizer: Tokenizer) -> int:
    """The id of the token that ends an answer."""
    found = tokenizer.id_of(run.end or END)
    if found is None and run.end is not None:
        raise ValueError(f"end: the tokenizer of {run.start} has no token {run.end}")
    return tokenizer.end_of_text if found is None else found
