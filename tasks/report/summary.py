"""The report in plain text, for the terminal: at most 60 lines."""

from collections.abc import Callable, Iterator
from typing import Any

Section = Callable[[dict[str, Any]], Iterator[str]]
LINES = 60
STEPS = {"ingest": "ingested", "keep": "quality", "survivors": "deduplicated", "cuts": "decontaminated"}


def size(count: float | None) -> str:
    """Bytes as people read them."""
    if count is None:
        return "-"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def number(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def share(value: float | None, places: int = 1) -> str:
    return "-" if value is None else f"{100 * value:.{places}f} %"


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def summary(made: dict[str, Any]) -> list[str]:
    """Lines without colours. Where a pipeline is too large for 60 of them, the rest is on the page."""
    sections: list[Section] = [_funnel, _quality, _copies, _benchmarks, _models, _planted]
    lines = [made["title"]]
    for section in sections:
        found = list(section(made))
        lines += ["", *found] if found else []
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"... and {len(lines) - LINES + 1} more lines: see the page"]
    return [_plain(line).rstrip() for line in lines]


def _plain(line: str) -> str:
    """Names come from files: nothing that a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in line)


def _funnel(made: dict[str, Any]) -> Iterator[str]:
    rows = made["funnel"]
    steps = [step for step in STEPS if any(one["step"] == step for row in rows for one in row["steps"])]
    if not steps:
        return
    yield "Documents " + " " * 14 + "".join(f"{STEPS[step]:>16}" for step in steps) + f"{'tokens':>16}"
    for row in rows:
        by = {one["step"]: one for one in row["steps"]}
        counts = "".join(f"{number(by[step]['documents']) if step in by else '-':>16}" for step in steps)
        yield f"  {row['source']:<22}{counts}{number(by['tokens']['tokens']) if 'tokens' in by else '-':>16}"
    totals = [sum(one["bytes"] for row in rows for one in row["steps"] if one["step"] == step) for step in steps]
    yield f"  {'bytes':<22}" + "".join(f"{size(total):>16}" for total in totals)
    reasons = made["rejects"]["reasons"]
    if reasons:
        listed = ", ".join(f"{row['reason']} {row['records']:,}" for row in reasons[:8])
        yield f"  not documents: {listed}" + (" ..." if len(reasons) > 8 else "")


def _quality(made: dict[str, Any]) -> Iterator[str]:
    for row in made["quality"]["sources"]:
        line = f"Quality  {row['source']}: {share(row['rate'], 2)} of {row['documents']:,} kept"
        if row["interval"]:
            line += f" ({share(row['interval'][0], 2)} to {share(row['interval'][1], 2)})"
        if "expected" in row:
            line += f", {share(row['expected'], 2)} expected: {'inside' if row['inside'] else 'OUTSIDE'}"
        yield line
    judged = made["quality"]["classifier"]
    if judged:
        yield f"  classifier on {judged['held_out']:,} held out: AUC {judged['auc']:.3f}, F1 {judged['f1']:.3f}"


def _copies(made: dict[str, Any]) -> Iterator[str]:
    sources = made["duplicates"]["sources"]
    if sources:
        gone = {why: sum(row["reasons"][why] for row in sources) for why in ("exact", "near", "id")}
        clusters = sum(row["clusters"] for row in made["duplicates"]["clusters"])
        counts = ", ".join(f"{count:,} {why}" for why, count in gone.items())
        yield f"Copies removed: {counts}; {clusters:,} clusters"


def _benchmarks(made: dict[str, Any]) -> Iterator[str]:
    audited = (made["overlap"] or {}).get("benchmarks", {})
    for row in made["contamination"]["benchmarks"]:
        line = (
            f"Benchmark {row['benchmark']}: {row['hit']:,} of {row.get('items', 0):,} items met in "
            f"{row['documents']:,} documents, {row['cut']:,} cut, {row['removed']:,} removed"
        )
        after = audited.get(row["benchmark"])
        if after:
            line += f"; then {after['clean']:,} clean, {after['dirty']:,} dirty, {after['uncheckable']:,} uncheckable"
        yield line


def _models(made: dict[str, Any]) -> Iterator[str]:
    scores = {row["model"]: row for row in made["scores"]}
    for mixed in made["mixtures"]:
        for row in mixed["groups"]:
            yield (
                f"Mixture {mixed['model']}: {row['group']:<16} asked {row['asked']:g}, planned {share(row['weight'])}, "
                f"realised {share(row['realised'])}, {number(row['realised_epochs'])} epochs"
            )
    for row in made["models"]:
        yield (
            f"Model {row['model']}: {number(row.get('parameters'))} parameters, {number(row.get('tokens'))} tokens, "
            f"loss {number(row.get('first_loss'))} to {number(row['last_tenth'])} (mean of the last tenth)"
        )
        scored = scores.get(row["model"], {})
        held_out = [f"{source} {one['perplexity']:.1f}" for source, one in scored.get("perplexity", {}).items()]
        if held_out:
            yield f"  perplexity: {', '.join(held_out)}"
        for name, one in scored.get("tasks", {}).items():
            yield (
                f"  {name}: {share(one['accuracy'])} of {one['items']:,}, clean {share(one['clean_accuracy'])} of "
                f"{one['clean_items']:,}, by chance {share(one['chance'])}"
            )


def _planted(made: dict[str, Any]) -> Iterator[str]:
    found = made["planted"]
    if not found:
        return
    yield "Planted / found"
    one = found["damaged"]
    yield f"  damaged records  {one['found']} of {one['planted']} listed as rejects, {one['others']} others listed"
    yield "  exact copies     " + pairs(found["exact"])
    for row in found["near"]:
        line = f"  near {row['from']:.1f} to {row['to']:.1f}  " + pairs(row)
        yield line + (f", {share(row['expected'], 0)} expected" if row["expected"] is not None else "")
    for name, good in (("good pages", True), ("junk pages", False)):
        rows = [row for row in found["pages"] if row["good"] is good]
        total, kept = sum(row["documents"] for row in rows), sum(row.get("keep", 0) for row in rows)
        last = sum(row.get("cuts", row.get("survivors", 0)) for row in rows)
        yield f"  {name:<16} {kept:,} of {total:,} documents kept ({share(ratio(kept, total))}), {last:,} in the corpus"
    one = found["leaks"]["total"]
    if one:
        yield (
            f"  leaks            {one['planted']} planted, {one['hit']} of {one['extracted']} extracted seen by hits; "
            f"{one['dropped']} left with their page, {one['met']} met: {one['removed']} removed, {one['left']} remain"
        )
        if found["leaks"]["checked"]:
            yield f"  leaks by overlap {one['dirty']} dirty, {one['clean']} clean"


def pairs(row: dict[str, Any]) -> str:
    """One line on planted pairs."""
    return (
        f"{row['planted']} planted, {row['reached']} met, {row['resolved']} of them resolved; "
        f"by signatures {row['signatures']} of {row['extracted']} extracted"
    )
