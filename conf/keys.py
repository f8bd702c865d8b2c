"""What the topics of the schema share: kinds of values, a part of the YAML, and the faults that only a person can mend.

Counts of tokens may be written 300B, 2.5M or 32k. Credentials never stand in a pipeline: a refused one is not repeated.
"""

import re
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from conf.places import absolute

# Keys of a query that are a credential: X-Amz-Signature and X-Goog-Signature, azure's sig, token=, api_key=, ...
SIGNED = re.compile(
    r"signature|^sig$|token|secret|passw|credential|api[_-]?key|access[_-]?key|^key$|^auth", re.IGNORECASE
)
SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}


def _count(value: Any) -> Any:
    """300B, 2.5M, 32k, of bytes 1G too, as a whole number; anything else is left to the type's own check."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMGBT])", value) if isinstance(value, str) else None
    return value if match is None else round(float(match[1]) * SCALES[match[2]])


def _text(value: Any) -> Any:
    """Numbers, true and false as YAML writes them; what else is not text is left to the type's own check."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def without_credentials(text: str) -> str:
    """Refuse a URL that holds a credential, wherever in the text it stands.

    That is a user's password, and over HTTP also a user alone, which is how tokens are given; but abfs://container@account
    is a place. And a signature or key in the query, as presigned URLs of s3, gs and azure have them.
    """
    for url in re.findall(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S*", text):
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        if at and (":" in user or url.lower().startswith("http")):
            raise Secret("a URL holds a credential; those come from the environment or the provider's own files")
        if signed := [key for key, _ in parse_qsl(parts.query, keep_blank_values=True) if SIGNED.search(key)]:
            raise Secret(
                f"a URL holds a credential ({signed[0]} of its query), which would stand in listings and manifests; "
                "name the place (s3://bucket/key), or bring the file here first"
            )
    return text


Count = Annotated[int, BeforeValidator(_count)]
Positive = Annotated[Count, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, BeforeValidator(_text)]  # numbers, true and false are taken for their text
Address = Annotated[str, AfterValidator(absolute), AfterValidator(without_credentials)]  # a path, a glob or a URL
Pool = Annotated[str, Field(min_length=1, pattern=r"^[^/%&><]+$")]  # the characters that Prefect takes in a name


class Keys(BaseModel):
    """A part of the YAML: its keys are known ones, and what is read is not changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


class Misplaced(ValueError):
    """What only the whole pipeline shows to be wrong, and the keys under which it stands."""

    def __init__(self, where: tuple[str | int, ...], sentence: str):
        super().__init__(sentence)
        self.where = where


class Secret(ValueError):
    """A value that is refused because it may hold a credential: no message repeats it."""
