"""Messages, {role, content}, as text."""

from collections.abc import Mapping, Sequence


def text_of(messages: Sequence[Mapping[str, str]]) -> str:
    """Messages as a model without roles reads them, and as rules do: what they say, a line each."""
    return "\n".join(message["content"] for message in messages)
