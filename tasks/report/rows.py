"""From a figure to the rows behind it: where they lie, what their columns mean, and lines of Python that read them.

The lines need pyarrow and nothing of ours, and read a store in a folder or in objects alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.report.lineage import Node
from tasks.runtime.artifact import FILES, MANIFEST
from tasks.runtime.decisions import REASON

LISTED = 3  # artifacts of a stage that are named; the lineage's list has all
NAME, HEADING = "rows", "Reading the rows"
READER = '''\
import json
import pyarrow.dataset as dataset
from pyarrow import fs

store, root = fs.FileSystem.from_uri({url!r})

def rows(label):
    """What a stage wrote of each document (or item), as a table: its shards in their order."""
    found = store.get_file_info(fs.FileSelector(f"{{root}}/{{label}}"))
    names = [file.path for file in found if file.base_name.endswith(".parquet")
             and file.base_name.count(".") == 1 and file.base_name != {files!r}]
    return dataset.dataset(sorted(names), filesystem=store).to_table()

def counted(label):
    """What a stage counted: the figures of this page."""
    with store.open_input_stream(f"{{root}}/{{label}}/{manifest}") as file:
        return json.loads(file.read())["statistics"]
'''


@dataclass(frozen=True)
class Behind:
    """A stage behind a section: its columns (name, meaning), and lines to paste."""

    stage: str
    columns: list[tuple[str, str]]
    lines: list[str]
    others: int  # artifacts that are not among the lines


def reader(url: str) -> str:
    """The functions that the lines call, for a store at this URL or folder."""
    return READER.format(url=url if "://" in url else f"file://{url}", files=FILES, manifest=MANIFEST)


def behind(section: str, nodes: Sequence[Node]) -> list[Behind]:
    """The stages whose rows a section shows: those that declare it, and of the funnel, losses and removals the
    decisions."""
    stages: dict[str, list[Node]] = {}
    for node in nodes:
        decides = node.kind == "decision" and any(name == REASON.name for name, _ in node.columns)
        if node.section == section or (section in ("funnel", "losses", "removals") and decides):
            stages.setdefault(node.artifact.stage, []).append(node)
    found = []
    for stage, of in stages.items():
        columns = list(of[0].columns)
        has_reason = any(name == REASON.name for name, _ in columns)
        each = ".group_by('reason').aggregate([([], 'count_all')])" if has_reason else ".slice(0, 20)"
        listed = [node.artifact.label for node in of[:LISTED]]
        rows = [f"rows({label!r}){each}" if columns else f"counted({label!r})" for label in listed]
        found.append(Behind(stage, columns, rows, len(of) - len(listed)))
    return found
