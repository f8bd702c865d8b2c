"""Numbers as people read them, on the page and in the summary."""


def size(count: float | None) -> str:
    """Bytes, in powers of a thousand."""
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


def score(value: float | None, metric: str) -> str:
    """A share as per cent; a perplexity, which is none, as it is."""
    return number(value) if metric == "perplexity" else share(value)


def rounded(count: float) -> str:
    """A number of parameters as models are called by: 1.6B, 124M, 85k."""
    for unit, scale in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g}{unit}"
    return f"{count:.0f}"


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
