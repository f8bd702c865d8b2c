"""Messages as the tokens of a chat: `<|role|> tokens <|end|>` each, of special tokens that a tokenizer.json has."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from model.tokenizer import Tokenizer

ASSISTANT, END = "<|assistant|>", "<|end|>"
ROLES = {"<|system|>": "system", "<|user|>": "user", ASSISTANT: "assistant"}


def roles_of(tokenizer: bytes) -> dict[str, int]:
    """The added tokens of a chat form that a tokenizer.json has, by name."""
    added = json.loads(tokenizer).get("added_tokens") or []
    return {one["content"]: one["id"] for one in added if one["content"] in (*ROLES, END)}


def chat_tokens(tokenizer: Tokenizer, added: Mapping[str, int], messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Messages up to where the assistant begins. `added`: ids of the roles and of the end, by name. ValueError for a
    role that is not among them."""
    ids: list[int] = []
    for message in messages:
        role = f"<|{message['role']}|>"
        if role not in added:
            raise ValueError(f"the model's tokenizer has no {role}: a prompt cannot have such a message")
        ids += [added[role], *tokenizer.encode(message["content"]), added[END]]
    return [*ids, added[ASSISTANT]]
