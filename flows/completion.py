"""What the shell offers after Tab: pipelines, stages, models. It answers at once, and so never loads a pipeline.

A pipeline's YAML is read for its names alone; the names of stages are those that tasks/ declares. What cannot be read
offers nothing: completing is no place for errors.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).resolve().parents[1]
DECLARED = re.compile(r'^@stage\(\s*"([a-z0-9-]+)"', re.M)


def confs(incomplete: str) -> Iterator[str]:
    """Folders and YAML files, as the path goes on; and the pipelines that come with Millrace."""
    start = Path(incomplete)
    folder = start if incomplete.endswith("/") else start.parent
    lead = "" if folder == Path() and not incomplete.startswith("./") else f"{incomplete.rpartition('/')[0]}/"
    try:
        for path in sorted(folder.iterdir()):
            name = f"{lead}{path.name}{'/' if path.is_dir() else ''}"
            shown = path.is_dir() or path.suffix in (".yaml", ".yml")
            if shown and name.startswith(incomplete) and not path.name.startswith("."):
                yield name
    except OSError:
        return
    if "/" not in incomplete:
        yield from sorted(path.stem for path in (ROOT / "conf").glob(f"{glob_safe(incomplete)}*.yaml"))


def models(context: typer.Context, incomplete: str) -> list[str]:
    """The models that CONF names."""
    return [name for name in _names(context, "models") if name.startswith(incomplete)]


def stages(context: typer.Context, incomplete: str) -> list[str]:
    """Stages; behind a colon the names that they are made of: sources, benchmarks, models."""
    stage, colon, _ = incomplete.partition(":")
    if colon:
        named = dict.fromkeys(name for key in ("sources", "benchmarks", "models") for name in _names(context, key))
        return [f"{stage}:{name}" for name in named if f"{stage}:{name}".startswith(incomplete)]
    return [name for name in declared() if name.startswith(incomplete)]


def declared() -> list[str]:
    """The names of all stages, from the text of tasks/: to import them takes seconds."""
    found: set[str] = set()
    for path in (ROOT / "tasks").rglob("*.py"):
        try:
            found.update(DECLARED.findall(path.read_text(encoding="utf-8")))
        except OSError:
            continue
    return sorted(found)


def glob_safe(text: str) -> str:
    """Text as a glob takes it for itself."""
    return re.sub(r"([*?[])", r"[\1]", text)


def _names(context: typer.Context, key: str) -> list[str]:
    conf = context.params.get("conf")
    if conf is None:
        return []
    import yaml

    path = Path(conf)
    path = path if path.is_file() else ROOT / "conf" / f"{path.stem}.yaml"
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return []
    held = content.get(key) if isinstance(content, dict) else None
    return [str(name) for name in held] if isinstance(held, dict) else []
