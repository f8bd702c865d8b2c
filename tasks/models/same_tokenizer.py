"""Whether two tokenizers give the same ids: what a model learned of a token holds for that one's id alone."""

import json
from typing import Any

# Of a tokenizer.json, what text is cut by. The rest (truncation, the post-processor, the decoder) gives no other ids to
# a text that is encoded without special tokens, as all of ours are.
PARTS = {"normalizer": "what text is normalised by", "pre_tokenizer": "what words are"}


def difference(one: bytes, other: bytes) -> str | None:
    """What differs between two tokenizer.json, as `tokenizers` writes them, in words; None where ids are the same."""
    if one == other:
        return None
    a, b = json.loads(one), json.loads(other)
    here, there = _ids(a), _ids(b)
    if here != there:
        if len(here) != len(there):
            return f"{len(here)} ids and {len(there)}"
        token = min(set(here.items()) ^ set(there.items()), key=lambda item: (item[1], item[0]))[0]
        return f"the token {token!r} is {_told(here.get(token))} and {_told(there.get(token))}"
    if a["model"].get("merges") != b["model"].get("merges"):
        return "their merges"
    for part, what in PARTS.items():
        if _plain(a.get(part)) != _plain(b.get(part)):
            return what
    kinds = [{key: value for key, value in each["model"].items() if value and key not in ("vocab", "merges")}
             for each in (a, b)]  # fmt: skip
    return None if kinds[0] == kinds[1] else "how words are cut"


def vocabulary_in(content: bytes) -> int:
    """How many ids a tokenizer.json has."""
    return len(_ids(json.loads(content)))


def _ids(about: dict[str, Any]) -> dict[str, int]:
    vocabulary = about["model"]["vocab"]
    # A Unigram's are pairs of token and score, in the order of their ids.
    listed = vocabulary.items() if isinstance(vocabulary, dict) else ((pair[0], n) for n, pair in enumerate(vocabulary))
    return dict(listed) | {token["content"]: token["id"] for token in about["added_tokens"]}


def _plain(part: Any) -> Any:
    """Without where a token's text lies in the document, which no id depends on."""
    if isinstance(part, dict):
        return {key: _plain(value) for key, value in part.items() if key != "trim_offsets"}
    return [_plain(value) for value in part] if isinstance(part, list) else part


def _told(number: int | None) -> str:
    return "none" if number is None else f"id {number}"
