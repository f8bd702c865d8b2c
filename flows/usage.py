"""What was typed and cannot be meant, as a sentence with its remedy: no CONF, a misspelt command or option."""

import re
from pathlib import Path
from typing import Any

from conf.spelling import did_you_mean

FIRST = (
    "give a command: `millrace run demo` builds the demo, in about four minutes; `millrace init` writes a pipeline for "
    "your own text, which `millrace run` takes"
)


def sentence(error: Any) -> str:
    """Of a UsageError of typer's, whose kinds are told by their attributes: newer typers bring classes of their own."""
    context = error.ctx
    if type(error).__name__ == "NoArgsIsHelpError":
        return FIRST
    command = context.info_name if context is not None and context.parent is not None else None
    helps = f"`millrace {command} --help`" if command else "`millrace --help`"
    if (option := getattr(error, "option_name", None)) is not None and hasattr(error, "possibilities"):
        meant = f"; did you mean {' or '.join(sorted(error.possibilities))}?" if error.possibilities else ""
        return f"{command or 'millrace'} has no option {option}{meant or f'; {helps} lists them'}"
    if hasattr(error, "param_type"):  # an argument or an option that must be given
        name = getattr(error.param, "metavar", None) or getattr(error.param, "human_readable_name", "an argument")
        if name == "CONF":
            return f"{command} needs CONF, a pipeline: {_pipelines(str(command))}"
        return f"{command} needs {name}; {helps} shows how it is given"
    if found := re.match(r"No such command '(.*?)'\.", error.format_message()):
        return _no_command(found[1], list(context.command.commands))
    message = error.format_message().rstrip(".")
    return f"{f'{command}: ' if command else ''}{message[:1].lower()}{message[1:]}; {helps} shows what is taken"


def _no_command(word: str, commands: list[str]) -> str:
    if Path(word).suffix in (".yaml", ".yml"):
        return f"{word} is no command: `millrace run {word}` builds that pipeline"
    return f"there is no command {word}" + (did_you_mean(word, commands) or "; `millrace --help` lists them")


def _pipelines(command: str) -> str:
    """Those that come with Millrace, and those in this folder."""
    own = [path.name for path in sorted(Path().glob("*.yaml")) if is_pipeline(path)][:5]
    packaged = sorted(path.stem for path in (Path(__file__).resolve().parents[1] / "conf").glob("*.yaml"))
    there = f"`millrace {command} {own[0]}`" if own else f"`millrace {command} demo`"
    here = f"; in this folder: {', '.join(own)}" if own else "; `millrace init` writes one for your own text"
    return f"{there}, for instance ({', '.join(packaged)} come with Millrace{here})"


def is_pipeline(path: Path) -> bool:
    """Whether a YAML file reads like a pipeline of ours; it is not loaded."""
    try:
        return re.search(r"^(sources|models):", path.read_text(encoding="utf-8", errors="replace"), re.M) is not None
    except OSError:
        return False
