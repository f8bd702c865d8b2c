"""What a flow's form in Prefect's UI says of each parameter.

Prefect takes it from the Google-style docstring of the flow; the flows share their parameters, so it stands here once.
"""

import inspect
from collections.abc import Callable
from typing import Any

ABOUT = {
    "conf": "A pipeline's YAML: the path of a file, or the name of one that comes with Millrace, such as demo.",
    "workers": "Processes; all cores if empty.",
    "latest": "First take the crawls that came since, for sources with `crawl: latest`.",
    "settings": "Keys in place of the file's, such as dedup.threshold, with their values.",
    "until": "Build this stage and all that it needs: tokenizer, or pretrain:small.",
    "only": "Build this stage alone; its inputs must be there.",
}


def documented(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with the section `Args` that its docstring lacks."""
    known = [name for name in inspect.signature(function).parameters if name in ABOUT]
    lines = [inspect.cleandoc(function.__doc__ or ""), "", "Args:", *(f"    {name}: {ABOUT[name]}" for name in known)]
    function.__doc__ = "\n".join(lines)
    return function
