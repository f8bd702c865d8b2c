"""README.md: the dataset's card for the Hugging Face hub, whose YAML is what `datasets.load_dataset` goes by.

https://huggingface.co/docs/hub/datasets-cards, and datasets-manual-configuration for `configs`: one a source, and one
of all together, whose name no source can have.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from conf.licence import ids
from tasks.export.files import Made
from tasks.export.lineage import About, Exported
from tasks.export.plan import FOLDER
from tasks.export.rows import COLUMNS, SCHEMA, SPLITS

FILE = "README.md"
TEMPLATE = "card.md.j2"
ALL = "all_sources"
# The hub's identifiers are SPDX's in lower case where it knows the licence
# (https://huggingface.co/docs/hub/repositories-licenses): those of its list that texts and code are under most often.
HUB = frozenset((
    "apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "zlib", "unlicense", "wtfpl", "artistic-2.0",
    "bsl-1.0", "postgresql", "ms-pl", "mpl-2.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "gfdl", "gpl-2.0", "gpl-3.0",
    "agpl-3.0", "lgpl-2.1", "lgpl-3.0", "pddl", "odc-by", "odbl", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0",
    "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
))  # fmt: skip
# Where the hub's identifier is shorter than SPDX's in lower case.
SHORTER = {"odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl"}
VERSIONS = ("-only", "-or-later")  # of the GNU licences: the hub knows no difference


class Plain(yaml.SafeDumper):
    """YAML without anchors: what stands twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def card(exported: Exported) -> str:
    """The whole page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    used = {source: exported.about[source] for source in exported.sources}
    head = {
        "pretty_name": exported.title,
        **hub_licence(used),
        "language": _languages(exported.files),
        "task_categories": ["text-generation"],
        "size_categories": [size_category(sum(made.rows for made in exported.files))],
        "configs": [
            {**_config(ALL, exported.files, exported.form), "default": True},
            *(_config(source, exported.of(source), exported.form) for source in used),
        ],
        "dataset_info": [{"config_name": name, "features": FEATURES} for name in (ALL, *used)],
    }
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE).render(
        head=yaml.dump(head, sort_keys=False, allow_unicode=True, width=120, Dumper=Plain),
        exported=exported,
        by_source={source: exported.of(source) for source in used},
        columns={name: (str(type_), meaning) for name, (type_, meaning) in COLUMNS.items()},
        splits=SPLITS,
    )


def _dtype(type_: pa.DataType) -> str:
    """As `datasets` names it; Arrow's own names, but for floats and lists."""
    return {pa.float32(): "float32"}.get(type_, str(type_))


FEATURES: list[dict[str, Any]] = [{"name": column.name, "dtype": _dtype(column.type)} for column in SCHEMA]


def _config(name: str, files: list[Made], form: str) -> dict[str, Any]:
    folder = "*" if name == ALL else name
    there = [split for split in SPLITS if any(made.split == split for made in files)]
    paths = [{"split": split, "path": f"{FOLDER}/{folder}/{split}-*.{form}"} for split in there]
    return {"config_name": name, "data_files": paths}


def _languages(files: list[Made]) -> list[str]:
    """All that any row is known to be in, the most frequent first."""
    counts: dict[str, int] = {}
    for made in files:
        for language, count in made.languages.items():
            counts[language] = counts.get(language, 0) + count
    return sorted(counts, key=lambda language: (-counts[language], language))


def size_category(rows: int) -> str:
    """The hub's name for a number of rows."""
    bounds = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    for place, bound in enumerate(bounds):
        if rows < 10 ** (3 + place):
            return f"{bounds[place - 1]}<n<{bound}" if place else f"n<{bound}"
    return f"n>{bounds[-1]}"


def hub_licence(about: dict[str, About]) -> dict[str, Any]:
    """`license` in the hub's words: `unknown` where a source states none, `other` for what the hub has no word for."""
    stated = [each.licence for each in about.values()]
    if None in stated:
        return {"license": "unknown"}
    named = list(dict.fromkeys(id for licence in stated if licence for id in ids(licence)))
    words = [_hub_word(id) for id in named]
    if None in words:
        return {"license": "other", "license_name": " and ".join(named), "license_link": f"{FILE}#sources"}
    known = list(dict.fromkeys(word for word in words if word))
    return {"license": known if len(known) > 1 else known[0]}


def _hub_word(id: str) -> str | None:
    word = id.lower()
    for ending in VERSIONS:
        word = word.removesuffix(ending)
    if word.startswith("gfdl-"):
        word = "gfdl"
    word = SHORTER.get(word, word)
    return word if word in HUB else None
