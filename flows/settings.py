"""`--set KEY=VALUE`: what is set on the command line, typed as the pipeline's YAML would type it."""

from typing import Any

import yaml

from conf.reading import Loader
from tasks.runtime.errors import Mistake


def typed(texts: list[str] | None) -> dict[str, Any]:
    """`["dedup.threshold=.8"]` as `{"dedup.threshold": .8}`; an empty value is null, as in YAML.

    Raises:
        Mistake: one of them has no `=` or no key, its value is not YAML, or a key is set twice.
    """
    settings: dict[str, Any] = {}
    for text in texts or []:
        key, equals, written = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise Mistake(f"--set {text}: write KEY=VALUE, as in --set dedup.threshold=.8")
        if key in settings:
            raise Mistake(f"--set {key} is given twice; give it once")
        try:
            settings[key] = yaml.load(written, Loader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            problem = getattr(error, "problem", None) or "it cannot be read"
            raise Mistake(
                f"--set {key}: its value is not YAML: {problem}; quote it for the shell and for YAML"
            ) from None
    return settings


def repeated(texts: list[str] | None) -> str:
    """The same options again, for a sentence that shows a command."""
    import shlex

    return "".join(f" --set {shlex.quote(text)}" for text in texts or [])
