"""Sizes and times as people read them."""


def duration(hours: float) -> str:
    """Core-hours for people."""
    if hours < 1 / 60:
        return f"{hours * 3600:.1f} s"
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.3g} h"


def size(number: int | None) -> str:
    """Bytes for people, in powers of 1000."""
    if number is None:
        return "-"
    value = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
