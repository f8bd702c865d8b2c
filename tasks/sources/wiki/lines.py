"""Lines of a text out of wikitext: headings, lists, what removed markup leaves behind."""

import re

GONE = "\ufdd2"  # where markup was removed with its content; only around it is anything tidied

BARE = f" \t\r{GONE}"
LEFT = f"{BARE}.,;:*#()[]–-"  # a line of nothing else had its words in what was removed
LIST = re.compile(r"[*#:;]+")
NUMBERED = 20  # levels of a list that are counted

# Repeats have a bound, without which a long run of blanks or removals would be looked at from each of its places.
EMPTY = re.compile(rf"[(\[（][\s,;:/{GONE}]{{0,99}}[)\]）]")
OPENED = re.compile(rf"([(（])[\s,;:/{GONE}]{{0,99}}{GONE}[\s,;:/{GONE}]{{0,99}}")
CLOSED = re.compile(rf"[ \t,;:/]{{0,9}}{GONE}[\s,;:/{GONE}]{{0,99}}([)）])")
BETWEEN = re.compile(rf"[,;][ \t]{{0,9}}{GONE}[ \t,;{GONE}]{{0,99}}([,;.])")
SPACES = re.compile(rf"[ \t]{{0,9}}{GONE}[ \t{GONE}]{{0,99}}(?=([,.;:)!?]|$)?)", re.MULTILINE)
BLANK = re.compile(r"\n{3,}")


def tidy(text: str) -> str:
    """Mend the places of removed markup: brackets with nothing in them, doubled spaces, spaces before a full stop."""
    if GONE in text:
        text = EMPTY.sub(lambda found: GONE if GONE in found.group() else found.group(), text)
        for places, instead in ((OPENED, r"\1"), (CLOSED, r"\1"), (BETWEEN, r"\1"), (SPACES, _space)):
            text = places.sub(instead, text)
    return text.strip("\n")


def _space(found: re.Match[str]) -> str:
    start = found.start() == 0 or found.string[found.start() - 1] == "\n"
    spaced = found.group()[0] in " \t" or found.group()[-1] in " \t"
    return " " if spaced and not start and found.group(1) is None and found.end() < len(found.string) else ""


def laid_out(text: str) -> str:
    """Headings without their signs, lists with `-` or their number, one blank line at most between lines.

    Left out: a heading under which nothing stands, a line that held only removed markup, a row of a table whose
    beginning or end is missing.
    """
    lines: list[tuple[int, str]] = []  # level of a heading (0: none), line
    counts: list[int] = []
    torn = False  # inside a torn table
    for line in text.split("\n"):
        line = line.rstrip(" \t\r")
        bare = line.strip(BARE)
        torn = bare.startswith("|") or (torn and bare.startswith("!"))
        if torn or (GONE in line and not line.strip(LEFT)):
            continue
        if level := _level(bare):
            lines += [(0, ""), (level, bare.strip("=").strip(BARE)), (0, "")]
        if level or not (marker := LIST.match(line)):
            lines += [] if level else [(0, line)]
            counts = []
        elif line[marker.end() :].strip(BARE):
            lines.append((0, _item(marker.group(), line[marker.end() :].strip(" \t\r"), counts)))
    return BLANK.sub("\n\n", "\n".join(_filled(lines))).strip("\n")


def _level(line: str) -> int:
    """Level of a heading, 0 for another line."""
    if not (line.startswith("=") and line.endswith("=") and line.strip("=" + BARE)):
        return 0
    return min(6, len(line) - len(line.lstrip("=")), len(line) - len(line.rstrip("=")))


def _item(marker: str, content: str, counts: list[int]) -> str:
    """A line of a list. `counts` are the numbers so far, a level each."""
    depth = min(len(marker), NUMBERED)
    del counts[depth:]
    counts.extend([0] * (depth - len(counts)))
    indent = "  " * (depth - 1)
    if marker[-1] == "#":
        counts[depth - 1] += 1
        return f"{indent}{counts[depth - 1]}. {content}"
    counts[depth - 1] = 0
    return f"{indent}- {content}" if marker[-1] == "*" else content


def _filled(lines: list[tuple[int, str]]) -> list[str]:
    """The lines without headings under which nothing stands before the next one of their level or a higher one."""
    kept: list[str] = []
    something = [False] * 7  # whether a section of each level that begins above holds something (read backwards)
    for level, line in reversed(lines):
        if level == 0:
            kept.append(line)
            something = [True] * 7 if line.strip(BARE) else something
            continue
        if something[level]:
            kept.append(line)
        something = [above and number < level for number, above in enumerate(something)]
    return kept[::-1]
