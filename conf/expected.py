"""`expect` of a source: what its user knows of its size, for `millrace plan`, before anything of it is read; `rates`.

`expect: 45 TB` is its files' bytes; `570 GB of text`, `8M documents` and `410B tokens` say what they are; a mapping
says several. No stage reads either: they are in no fingerprint.
"""

import re
from typing import Any, Self

from pydantic import Field, model_validator

from conf.keys import Keys, Positive

# Of bytes, as disks are sold and as memory is (KiB ...).
UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
SAID = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGTP]?)(i?)B(?:\s+of\s+(text|input|kept text))?")
COUNTED = re.compile(r"(\d+(?:\.\d+)?\s*[kKMGBT]?)\s+(documents|tokens)")
KEYS = {"text": "text", "input": "input", "kept text": "kept", None: "input"}


def _bytes(value: Any) -> Any:
    """45 TB, 60 TiB as bytes; anything else is left to the type's own check."""
    match = SAID.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[4]:
        return value
    return round(float(match[1]) * (1024 if match[3] else 1000) ** UNITS[match[2].lower()])


class Expect(Keys):
    """What is known of a source before it is read; `plan` computes the rest from what is given."""

    input: Positive | None = Field(None, description="bytes of its files, compressed as they are: 45 TB")
    documents: Positive | None = Field(None, description="that reading gives: 8M")
    text: Positive | None = Field(None, description="bytes of their text")
    kept: Positive | None = Field(None, description="bytes of text that stay after all filters: 570 GB")
    tokens: Positive | None = Field(None, description="of what stays: 410B")

    @model_validator(mode="before")
    @classmethod
    def _said(cls, value: Any) -> Any:
        if isinstance(value, str):
            if match := COUNTED.fullmatch(value.strip()):
                return {match[2]: match[1]}
            if (match := SAID.fullmatch(value.strip())) is None:
                raise ValueError("say bytes as in 45 TB or 570 GB of text, or 8M documents, or 410B tokens")
            return {KEYS[match[4]]: _bytes(value.strip().partition(" of ")[0])}
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"input": value}
        if isinstance(value, dict):
            sized = {key: _bytes(value[key]) for key in ("input", "text", "kept") if key in value}
            return {**value, **sized}
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("expect says nothing: give input, documents, text, kept or tokens")
        if self.text is not None and self.kept is not None and self.kept > self.text:
            raise ValueError("expect: more text is kept than there is")
        return self

    def part(self, parts: int) -> "Expect":
        """One of so many equal parts."""
        return Expect(
            **{key: max(1, round(value / parts)) for key, value in self.model_dump(exclude_none=True).items()}
        )


class Rates(Keys):
    """Prices, for `millrace plan`; in whatever currency they are given."""

    core_hour: float = Field(0.0, ge=0, description="of one CPU core for an hour")
    gpu_hour: float = Field(0.0, ge=0, description="of one GPU for an hour")
    currency: str = Field("", max_length=8, description="a word to print beside them")
