"""A stage's page in Prefect's UI, in Markdown: what came of it, how it compares with the one before, what made it."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

from flows.markdown import code, plain
from flows.state import Past, differences, flat
from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import Decided, decided, loses_most, means_to
from tasks.runtime.stage import Stage

LONGEST = 200  # characters of a value
BAR = 20  # blocks of a whole
STEPS = "▁▂▃▄▅▆▇█"
KEY = 60  # characters of a part of a key


def key_of(title: str, stage: str, name: str, *more: str) -> str:
    """The artifact's key: `demo--keep--web`. Prefect takes lower-case letters, digits and dashes.

    No two pipelines, stages or names share one: what cannot be spelled so is told apart by a hash.
    """
    parts = [title, stage, name, *more]
    slugs = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-")[:KEY] for part in parts]
    if slugs != parts:
        slugs.append(hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8])
    return "--".join(slug for slug in slugs if slug)


def stage_page(artifact: Artifact, what: Stage, how: str, past: Past) -> str:
    """Markdown; `how`: cached or fresh, in words."""
    before = past.earlier(artifact)
    changed = differences(before, artifact.recipe) if before else []
    own = artifact.manifest["statistics"]
    parts = [
        f"## {plain(artifact.stage)} {plain(artifact.name)}",
        f"**{plain(how)}**. {plain(what.purpose)}",
        *_loss(artifact, what),
        *_funnel(artifact, what),
        "### Figures",
        _figures(own, before["statistics"] if before else None),
    ]
    if what.note is not None and (note := what.note(artifact)):
        parts.append(note)
    title = f"### Changed since {code(before['label'])}" if before else "### Changed"
    parts += [title, _list(map(plain, changed)) if before else "The first of its name: nothing to compare with."]
    if before and not changed:
        parts[-1] = "Nothing: it was deleted and is made again."
    inputs = artifact.recipe["inputs"]
    parts += ["### Inputs", _list(f"{plain(key)}: {_labels(value)}" for key, value in inputs.items())]
    parts += ["### Parameters", _list(f"{plain(key)}: {code(_value(value))}" for key, value in _parameters(artifact))]
    if what.columns:
        parts += [
            "### Columns",
            _table(("column", "type", "meaning"), [(c.name, str(c.type or ""), c.meaning) for c in what.columns]),
        ]
    trace = artifact.trace()
    made = [("kind", what.kind), ("fingerprint", artifact.fingerprint), ("folder", artifact.where())]
    made += [("seconds", _value(trace["seconds"]))] if "seconds" in trace else []
    made += [("peak memory, bytes", _value(trace["peak_bytes"]))] if "peak_bytes" in trace else []
    made += [(key, str(trace[key])) for key in ("host", "workers") if key in trace]
    made += [(f"library {name}", version) for name, version in artifact.recipe["libraries"].items()]
    parts += ["### Made", _table(("", ""), made)]
    return "\n\n".join(parts) + "\n"


def _loss(artifact: Artifact, what: Stage) -> list[str]:
    """A line of a decision that takes most of its source; the report's page has the examples."""
    if not issubclass(what.statistics, Decided) or not loses_most(counts := decided(artifact)):
        return []
    sentence = (
        f"{counts.documents - counts.kept:,} of {counts.documents:,} documents leave, and "
        f"{counts.bytes - counts.kept_bytes:,} of {counts.bytes:,} bytes"
    )
    if means_to(artifact, what.drawn):
        return [f"{sentence}: by a draw that is meant to."]
    return [f"**WARNING**: {sentence}; the report shows examples."]


def _funnel(artifact: Artifact, what: Stage) -> list[str]:
    """Of a decision: what stays and what leaves, by reason, with bars."""
    if not issubclass(what.statistics, Decided):
        return []
    counts = decided(artifact)
    rows = [("it met", counts.documents, ""), ("stay", counts.kept, what.title)]
    rows += [(f"leave: {reason}", count, what.reasons.get(reason, "")) for reason, count in counts.reasons.items()]
    whole = max(counts.documents, 1)
    return [
        "### Documents",
        _table(
            ("documents", "", "share", "", "meaning"),
            [(name, f"{n:,}", f"{100 * n / whole:.1f} %", bar(n / whole), about) for name, n, about in rows],
            right=(1, 2),
        ),
    ]


def _figures(own: dict[str, Any], before: dict[str, Any] | None) -> str:
    """Statistics, nested names joined by dots, beside those of the artifact before."""
    now, then = flat(own), flat(before or {})
    if not now:
        return "none"
    if before is None:
        return _table(("figure", "value"), [(key, _value(value)) for key, value in now.items()], right=(1,))
    rows = [(key, _value(value), _value(then[key]) if key in then else "") for key, value in now.items()]
    return _table(("figure", "value", "before"), rows, right=(1, 2))


def bar(share: float) -> str:
    """A share of a whole as blocks; one that is not nothing shows."""
    blocks = round(BAR * min(max(share, 0.0), 1.0))
    return "█" * blocks or ("▏" if share > 0 else "")


def _spark(numbers: Sequence[float]) -> str:
    """A histogram in one line."""
    top = max(numbers)
    return "".join(STEPS[round((len(STEPS) - 1) * max(number, 0) / top)] if top > 0 else STEPS[0] for number in numbers)


def _value(value: Any) -> str:
    """A figure or a parameter, in at most so many letters; counts in a row as a picture beside them."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    if isinstance(value, list) and 4 <= len(value) <= 64 and all(_count(item) for item in value):
        return f"{_spark(value)} {text}"
    return text


def _count(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float(value) >= 0


def _labels(value: Any) -> str:
    """Labels of artifacts, however nested, each in code."""
    if isinstance(value, dict):
        return ", ".join(f"{plain(str(key))} {_labels(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_labels, value))
    return code(str(value))


def _parameters(artifact: Artifact) -> Iterable[tuple[str, Any]]:
    return flat(artifact.recipe["parameters"]).items()


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items) or "none"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A Markdown table of plain cells; `right`: columns of numbers."""
    rule = ["--:" if n in right else "---" for n in range(len(head))]
    lines = [head, rule, *([plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
