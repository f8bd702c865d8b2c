"""`millrace init`: a pipeline for one's own text, from what lies in a folder and, on a terminal, three questions."""

import re
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from conf.load import load
from flows.proposed import Machine, names_of, relative, written
from flows.size import size
from flows.usage import is_pipeline
from tasks.runtime.errors import Failure, Mistake
from tasks.sources.sniff.fields import Fields
from tasks.sources.sniff.folder import Group, Strange, look

SHOWN = 10  # files that are not understood, of which each is told
LEAST = 10_000  # bytes of text: of less there is no tokenizer and no window to learn from
Ask = Callable[[str], str]


def init(console: Console, out: Path | None, folder: Path | None, gpu: bool | None, ask: Ask) -> None:
    """Look, propose, write `out`; what is not given is asked for by `ask`, which gives "" for what it proposes.

    Raises:
        Mistake: the folder is none, or holds no text that can be read, or `out` is there already.
    """
    asking = folder is None
    if folder is None:
        answer = ask("1. Where is your text? A folder [.] ")
        folder = Path(answer).expanduser() if answer else Path()
    if not folder.is_dir():
        raise Mistake(f"{folder} is no folder; give the one that holds your text, as in `millrace init --from texts`")
    folder = folder.resolve()
    out = (out or Path(f"{_title(folder)}.yaml")).absolute()
    if out.exists():
        raise Mistake(
            f"{out} is there already, and init writes over nothing: give another name, `millrace init OTHER.yaml`"
        )
    pipelines = {path for path in folder.glob("*.yaml") if is_pipeline(path)}
    groups, strange = look(folder, pipelines | _stores(out.parent, folder))
    _tell(console, folder, groups, strange)
    text = sum(group.text_bytes for group in groups)
    if text < LEAST:
        raise Mistake(
            f"{folder} holds {size(round(text))} of text that can be read; a model takes {size(LEAST)} at least, and "
            f"shows something from a megabyte on"
        )
    if asking:
        _correct(console, groups, ask)
    if gpu is None:
        gpu = Path("/dev/nvidia0").exists()
        if asking:
            there = "2" if gpu else "1"
            answer = ask(f"3. What trains the model? 1: this computer's cores, a minute or two; 2: one GPU [{there}] ")
            if answer not in ("", "1", "2"):
                raise Mistake(f"{answer!r} is neither 1 nor 2")
            gpu = (answer or there) == "2"
    where = relative(folder, out.parent if out.parent == Path.cwd() else None)
    command = f"millrace init --from {folder.name or folder}"
    page = written(out.stem, command, groups, strange, where, Machine(gpu))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("x", encoding="utf-8") as file:
        file.write(page)
    try:
        load(out)
    except Mistake as error:
        out.unlink()
        raise Failure(f"what was proposed for {folder} cannot be: {error}") from error
    name = out.name if out.parent == Path.cwd() else str(out)
    _say(console, f"wrote {name}: `millrace plan {name}` shows what it takes, `millrace run {name}` builds it")


def _title(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.name).strip("-.") or "own"


def _stores(*folders: Path) -> set[Path]:
    """Of the folders' `store`, those that Millrace made: their text is no input."""
    return {folder / "store" for folder in folders if (folder / "store" / "files").is_dir()}


def _tell(console: Console, folder: Path, groups: list[Group], strange: list[Strange]) -> None:
    for name, group in zip(names_of(groups), groups, strict=True):
        fields = group.fields
        named = f", text in {fields.text}" if fields else ""
        named += f", ids in {fields.id}" if fields and fields.id else ""
        named += f", URLs in {fields.url}" if fields and fields.url else ""
        _say(
            console,
            f"{name}: {group.kind}, {len(group.files):,} file{'s' * (len(group.files) > 1)}, about "
            f"{size(round(group.text_bytes))} of text{named}",
        )
    if strange:
        _say(console, f"{len(strange):,} file{'s' * (len(strange) > 1)} not understood, and read by no source:")
    for one in strange[:SHOWN]:
        _say(console, f"  {one.path.relative_to(folder)}: {one.why}")
    if len(strange) > SHOWN:
        _say(console, f"  and {len(strange) - SHOWN:,} more")


def _correct(console: Console, groups: list[Group], ask: Ask) -> None:
    """Let fields be named otherwise, or sources left out, until nothing more is said.

    Raises:
        Mistake: what is said names no source, or leaves none.
    """
    names = names_of(groups)
    while True:
        answer = ask("2. Is this right? Return if so; else SOURCE.text=FIELD (or id, url), or SOURCE= to leave it out ")
        if not answer:
            return
        match = re.fullmatch(r"([a-z0-9-]+)(?:\.(text|id|url))?\s*=\s*(.*)", answer.strip())
        if not match or match[1] not in names:
            _say(console, f"that names no source: {', '.join(names)} are there, as in {names[0]}.text=body")
            continue
        number = names.index(match[1])
        fields = groups[number].fields
        if match[2] is None and not match[3]:
            del groups[number], names[number]
            if not groups:
                raise Mistake("no source is left")
        elif fields is None or (match[2] == "text" and not match[3]) or match[2] is None:
            _say(console, f"{match[1]} has no such field: only records (jsonl, parquet) have fields")
        else:
            kept = {key: getattr(fields, key) for key in ("text", "id", "url", "date", "others")}
            groups[number].fields = Fields(**{**kept, match[2]: match[3] or None})


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
