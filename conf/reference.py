"""docs/configuration.md, made from the schema: `python -m conf.reference` writes it, a test holds it up to date.

A model's keys are those of model/config.py, whose comments are their descriptions.
"""

import ast
import dataclasses
import inspect
import io
import itertools
import tokenize
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from conf.benchmarks import Benchmark
from conf.corpus import DEDUP, Decontaminate, Dedup, Keep, Labels, Quality, Sample, Tokenizer
from conf.engine import Engine, Spark
from conf.evaluation import Asked, Evaluate
from conf.examples import Examples
from conf.expected import Expect, Rates
from conf.judges import Alignment, Class, Judge, Refusals, Rubric, Rule, Samples, Steering
from conf.keep import HEURISTICS, Conditions, Harm, Harmless, Heuristics, Pii, Range
from conf.ladder import Ladder
from conf.mixture import Epochs, Mixture
from conf.models import Model
from conf.news import News
from conf.perplexity import FilePerplexity
from conf.pipeline import Pipeline
from conf.ppo import Reinforcing
from conf.probes import Probes, Toxicity
from conf.sources import Limits, Select, Servers, Source, Wiki
from conf.store import Cache
from conf.task import Task, Wording
from model.config import Architecture, Training
from model.ppo_keys import PPO
from model.presets import PRESETS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"

HEAD = """# The configuration

One YAML file says a whole pipeline; `conf/demo.yaml` and `conf/gpt3.yaml` are examples. A key that is not listed here,
a wrong type or an impossible value is refused, with its line, before anything runs. Counts may be written 300B, 2.5M or
32k. Of keys without a default, those marked *required* must be given.

**Paths** begin at the folder of the file (in a pipeline that Millrace brings along, where one runs), and may hold `~`,
`$HOME`, `${DATA}` and `${DATA:-default}`; between braces, as in `{files: "${DATA}/*.txt"}`, they want quotes. URLs stay
as they are written. A project may be moved with its data and its store: no artifact holds where a file lay.

This page is made from the schema by `python -m conf.reference`; edit conf/*.py and model/config.py instead.
"""

# The sections in the order of the page: title, class, a word on where it stands.
SECTIONS: list[tuple[str, type[BaseModel], str]] = [
    ("The file", Pipeline, ""),
    ("cache", Cache, ""),
    ("engine", Engine, ""),
    ("engine: spark", Spark, ""),
    ("sources", Source, "By name (`a-z`, `0-9`, `-`), each:"),
    ("sources: expect", Expect, "Or one of them in words: `45 TB`, `570 GB of text`, `8M documents`, `410B tokens`."),
    ("sources: select", Select, ""),
    ("sources: wiki", Wiki, ""),
    ("sources: limits", Limits, "Numbers may be written 64M or 1G."),
    ("servers", Servers, ""),
    ("benchmarks", Benchmark, "By name (`a-z`, `0-9`, `-`, `_`), each:"),
    ("quality", Quality, ""),
    ("quality: labels", Labels, ""),
    ("quality: keep", Keep, ""),
    ("keep", Conditions, ""),
    ("keep: heuristics", Heuristics, ""),
    ("keep: pii", Pii, ""),
    ("keep: harm", Harmless, ""),
    ("keep: limits", Range, ""),
    ("harm", Harm, ""),
    ("dedup", Dedup, ""),
    ("decontaminate", Decontaminate, ""),
    ("tokenizer", Tokenizer, ""),
    ("mixture", Mixture, ""),
    ("mixture: epochs", Epochs, ""),
    ("examples", Examples, "By name (`a-z`, `0-9`, `-`), each, with the fields that its form has:"),
    ("sample", Sample, ""),
    ("ladder", Ladder, ""),
    ("evaluate", Evaluate, ""),
    ("evaluate: tasks", Asked, "A task's name alone stands for `{task: NAME}`."),
    ("evaluate: perplexity", FilePerplexity, "By name (`a-z`, `0-9`, `-`, `_`), each:"),
    ("evaluate: probes", Probes, ""),
    ("evaluate: probes: toxicity", Toxicity, ""),
    ("evaluate: news", News, ""),
    ("evaluate: alignment", Alignment, ""),
    ("evaluate: alignment: refusals", Refusals, ""),
    ("evaluate: alignment: steering", Steering, ""),
    ("judges", Judge, "By name (`a-z`, `0-9`, `-`, `_`), each:"),
    ("judges: rules", Rule, ""),
    ("judges: rubric", Rubric, ""),
    ("judges: rubric: classes", Class, "By letter, each:"),
    ("examples: samples", Samples, ""),
    ("rates", Rates, ""),
    ("task files", Task, "conf/tasks/NAME.yaml and files of `evaluate.folder`: docs/evaluation.md."),
    ("task files: templates", Wording, "By name, each:"),
]
NAMES = {int: "whole number", float: "number", str: "text", bool: "true or false", Any: "any"}


def page() -> str:
    """The whole page, as Markdown."""
    parts = [HEAD]
    for title, schema, where in SECTIONS:
        parts.append(f"## {title}\n\n{inspect.getdoc(schema)}{' ' + where if where else ''}\n\n{_table(_rows(schema))}")
        if schema is Dedup:
            parts.append(_presets_of_dedup())
        if schema is Heuristics:
            parts.append(_presets_of_heuristics())
    parts += [_models(), _reinforcing()]
    return "\n".join(parts)


def _rows(schema: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    for name, field in schema.model_fields.items():
        yield field.alias or name, _kind(field.annotation, field.metadata), _default(field), field.description or ""


def _table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    lines = ["| key | value | default | |", "|---|---|---|---|"]
    lines += [f"| `{key}` | {kind} | {default} | {escaped(text)} |" for key, kind, default, text in rows]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text as a cell of a Markdown table holds it."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value in (None, "", [], {}):
        return ""
    if isinstance(value, BaseModel):
        if value == type(value)():
            return "its defaults"
        given = value.model_dump(exclude_none=True)
        return _code("{" + ", ".join(f"{key}: {number:g}" for key, number in given.items()) + "}")
    return _shown(value)


def _code(value: Any) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`"


def _kind(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> str:
    """An annotation in words: what may stand there, and within which bounds."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        # A Field() in an annotation carries its bounds in its own metadata.
        bounds = [bound for extra in more for bound in (extra.metadata if isinstance(extra, FieldInfo) else [extra])]
        return _kind(inner, [*bounds, *metadata])
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(member) for member in get_args(annotation) if member is not type(None))
    if origin is Literal:
        return " or ".join(_code(member) for member in get_args(annotation))
    if origin is list:
        return f"list of {_kind(get_args(annotation)[0])}"
    if origin is dict:
        key, value = get_args(annotation)
        numbered = get_origin(key) is Annotated and get_args(key)[0] is int
        return f"by {_kind(key) if numbered else 'name'}: {_kind(value)}"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        title = next((title for title, schema, _ in SECTIONS if schema is annotation), None)
        title = title or ("models: ppo" if annotation is Reinforcing else "models")
        return f"[{title}](#{title.replace(': ', '-')})"
    return " ".join([NAMES[annotation], *_bounds(metadata)])


def _bounds(metadata: list[Any] | tuple[Any, ...]) -> Iterator[str]:
    signs = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
    for bound in metadata:
        for attribute, sign in signs.items():
            if hasattr(bound, attribute) and (value := getattr(bound, attribute)) is not None:
                yield f"{sign} {value}"


def _presets_of_dedup() -> str:
    keys = list(next(iter(DEDUP.values())))
    lines = [f"| preset | {' | '.join(f'`{key}`' for key in keys)} |", "|---" * (len(keys) + 1) + "|"]
    for name, preset in sorted(DEDUP.items()):
        lines.append(f"| `{name}` | {' | '.join(_code(preset[key]) for key in keys)} |")
    return "\n".join(lines) + "\n"


def _presets_of_heuristics() -> str:
    lines = ["| preset | rules |", "|---|---|"]
    for name, preset in HEURISTICS.items():
        rules = [
            f"`{rule}` " + ", ".join(f"{key} {limit:g}" for key, limit in limits.items())
            for rule, limits in preset.items()
        ]
        lines.append(f"| `{name}` | {'; '.join(rules)} |")
    return "\n".join(lines) + "\n"


def _models() -> str:
    presets = "\n".join(
        f"| `{name}` | {p['layers']}, {p['width']}, {p['heads']} | {p['context']} | "
        f"{_amount(p['tokens']) + ' tokens' if p.get('tokens') else _amount(p['updates']) + ' updates'} |"
        for name, p in PRESETS.items()
    )
    keys = {**descriptions(Architecture), **descriptions(Training)}
    defaults = {field.name: field.default for part in (Architecture, Training) for field in dataclasses.fields(part)}
    rows = (
        (name, _kind(field.annotation, field.metadata), _shown(defaults[name]), keys[name])
        for name, field in Model.model_fields.items()
        if name in keys
    )
    of_pipeline = (row for row in _rows(Model) if row[0] not in keys)
    return (
        "## models\n\nBy name (`a-z`, `0-9`, `.`, `-`), each with a `preset` and keys that replace the preset's, or "
        "with `from`, for one that was trained elsewhere or goes on from another ([models in and out](models.md)): "
        "what is not given is then as its start was trained, the schedule anew. A budget other than the preset's "
        "scales its schedule (`warm_up`, `decay`, `batch_ramp`) in proportion; a width without heads keeps "
        "its head width. A scaled warm-up is at least max(100, 2 / (1 - beta2)) updates, where the preset's own is "
        "that long, and at most a quarter of the way to the decay's end. A key that is given is taken as given.\n\n"
        f"| preset | layers, width, heads | context | budget |\n|---|---|---|---|\n{presets}\n\n"
        "The defaults are those of keys that a preset leaves alone.\n\n"
        f"{_table(itertools.chain(of_pipeline, rows))}"
    )


def _reinforcing() -> str:
    keys, defaults = descriptions(PPO), {field.name: field.default for field in dataclasses.fields(PPO)}
    rows = (
        (name, _kind(field.annotation, field.metadata), _shown(defaults[name]), keys[name])
        for name, field in Reinforcing.model_fields.items()
    )
    return f"## models: ppo\n\n{inspect.getdoc(Reinforcing)} [PPO](ppo.md).\n\n{_table(rows)}"


def _shown(value: Any) -> str:
    return "" if value is None else _code(f"{value:_}" if type(value) is int else value)


def _amount(count: int) -> str:
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:g}{unit}"
    return str(count)


def descriptions(described: type) -> dict[str, str]:
    """The comment beside each field of a dataclass, as its source has it; a ... joins it to the next field's."""
    source = inspect.getsource(described)
    comments: dict[int, str] = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    (body,) = ast.parse(source).body
    assert isinstance(body, ast.ClassDef)
    texts = {}
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.end_lineno is not None:
            lines = range(node.lineno, node.end_lineno + 1)
            texts[node.target.id] = " ".join(comments[line] for line in lines if line in comments).replace(
                "None:", "null:"
            )
    return texts


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
