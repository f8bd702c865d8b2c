"""The prompts of an `examples` artifact of form `prompt`, as tokens and as messages.

What a model is asked is the artifact's own tokens, and the messages are those tokens decoded: what is labelled is what
was read, whatever was cut before.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.chat import END, ROLES, chat_tokens, roles_of
from tasks.kernels.draw import uniform
from tasks.models.files import MODEL_FILES, model_folder
from tasks.models.tuned import examples_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake

TOKENIZER = MODEL_FILES[2]


class Prompt(NamedTuple):
    """What an assistant answers. `tokens` end with <|assistant|>; `messages`: {role, content}, the last a user's."""

    id: str
    split: str
    tokens: list[int]
    messages: list[dict[str, str]]


class Chat:
    """A tokenizer of a chat form, and its added tokens by name."""

    def __init__(self, name: str, content: bytes, end_of_text: int | None) -> None:
        """`content`: of a tokenizer.json. Mistake where it has no roles."""
        from model.tokenizer import Tokenizer

        self.tokenizer = Tokenizer(name, content, end_of_text)
        self.added = roles_of(content)
        if missing := [role for role in (*ROLES, END) if role not in self.added]:
            raise Mistake(f"{name} has no token {missing[0]}: it is no tokenizer of a chat form")
        self.names = {number: role for role, number in self.added.items()}

    @classmethod
    def of(cls, model: Artifact) -> "Chat":
        """As a model reads it."""
        return cls.at(model_folder(model), model.name)

    @classmethod
    def at(cls, folder: Path, name: str | None = None) -> "Chat":
        """As the model of a folder reads it."""
        about = json.loads((folder / MODEL_FILES[1]).read_bytes())
        return cls(name or str(folder), (folder / MODEL_FILES[2]).read_bytes(), about["end_of_text"])

    def messages(self, tokens: Sequence[int]) -> list[dict[str, str]]:
        """The messages that tokens hold; what the assistant has not begun yet is none."""
        found: list[dict[str, str]] = []
        at = 0
        while at < len(tokens):
            role = ROLES.get(self.names.get(tokens[at], ""))
            end = at + 1
            while end < len(tokens) and tokens[end] not in self.names:
                end += 1
            content = self.tokenizer.decode(tokens[at + 1 : end])
            if role is not None and (content or end < len(tokens)):
                found.append({"role": role, "content": content})
            at = end + (end < len(tokens) and self.names[tokens[end]] == END)
        return found

    def text(self, tokens: Sequence[int]) -> str:
        """What tokens say between the added ones, a line each."""
        runs: list[list[int]] = [[]]
        for token in tokens:
            if token in self.names:
                runs.append([])
            else:
                runs[-1].append(token)
        return "\n".join(self.tokenizer.decode(run) for run in runs if run)

    def tokens(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Messages as a model reads them, up to where the assistant begins."""
        return chat_tokens(self.tokenizer, self.added, messages)


def prompts_of(artifact: Artifact, split: str | None = None, limit: int | None = None, seed: int = 0) -> list[Prompt]:
    """The prompts of a split (None: of both), the train part first; at most `limit`, drawn by hash of their ids.

    Raises:
        Mistake: the artifact is of another form, or has no prompt in this split.
    """
    chat: Chat | None = None
    found: list[Prompt] = []
    for part in ("train", "validation") if split is None else (split,):
        examples = examples_of(artifact, part)
        if examples.form != "prompt":
            form = examples.form
            raise Mistake(f"{artifact.name} holds examples of form {form}; to be answered they must be prompts")
        chat = chat or Chat(artifact.name, artifact.read(TOKENIZER), examples.end_of_text)
        for one in examples:
            tokens = one.tokens[0].tolist()
            found.append(Prompt(one.id, part, tokens, chat.messages(tokens)))
    if not found:
        of = "" if split is None else f" in its {split} part"
        raise Mistake(f"{artifact.name} has no prompt{of}: give more prompts, or a larger `validation`")
    if limit is None or limit >= len(found):
        return found
    order = np.argsort(uniform([one.id for one in found], seed, "prompts"), kind="stable")
    return [found[place] for place in np.sort(order[:limit])]
