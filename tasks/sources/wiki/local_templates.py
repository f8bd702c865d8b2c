"""Templates whose words belong to the text by their names on the German, French, Spanish and Italian Wikipedias.

By language, since one name may mean two things: `citation` is a reference in English, and quotes in French. What stands
here goes before the names that templates.py has for every wiki.
"""

from tasks.sources.wiki.templates import (
    Arguments,
    Shown,
    argument,
    around,
    convert,
    fixed,
    fraction,
    joined,
    last,
    lowered,
    nihongo,
    quotation,
    raised,
    unit,
)

MONTHS = [
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre"),
    "diciembre",
]
GERMAN = {  # `{{enS|Word}}` is "englisch Word"
    "en": "englisch", "fr": "französisch", "la": "lateinisch", "it": "italienisch", "es": "spanisch", "pl": "polnisch",
    "cs": "tschechisch", "nl": "niederländisch", "pt": "portugiesisch", "sv": "schwedisch", "grc": "altgriechisch",
    "da": "dänisch", "hu": "ungarisch", "tr": "türkisch",
}  # fmt: skip


def french_unit(given: Arguments) -> str:
    """`unité`: `5|km` is "5 km", `10|m|2` "10 m²", `100|km|/h` "100 km/h", `5|kg|m|-3` "5 kg m⁻³"."""
    number, *units = (word.strip() for word in given.placed) if given.placed else [""]
    shown = ""
    for word in filter(None, units):
        power = raised(word)
        shown += power if power != word and shown else word if word.startswith("/") or not shown else f" {word}"
    return f"{number} {shown}".strip()


def french_century(given: Arguments) -> str:
    """`s`: `XIX` is "XIXe siècle", `I` "Ier siècle"."""
    return f"{_ordinal(given.at(1))} siècle" if given.at(1) else ""


def french_centuries(given: Arguments) -> str:
    return f"{_ordinal(given.at(1))} et {_ordinal(given.at(2))} siècles"


def _ordinal(number: str) -> str:
    return number + ("er" if number.upper() == "I" else "e")


def hour(given: Arguments) -> str:
    return " ".join(filter(None, (given.at(1), "h", given.at(2))))


def spanish_century(given: Arguments) -> str:
    """`siglo`: `XIX||s` is "siglo XIX", `V|a|s` "siglo V a. C."."""
    before = {"s": "siglo ", "S": "Siglo "}.get(given.at(3), "")
    return before + given.at(1) + {"a": " a. C.", "d": " d. C."}.get(given.at(2), "")


def spanish_date(given: Arguments) -> str:
    """`fecha`: `12|3|2010` is "12 de marzo de 2010"."""
    day, month, year = given.at(1), given.at(2), given.at(3)
    if month.isdecimal() and 0 < int(month) <= len(MONTHS):
        month = MONTHS[int(month) - 1]
    return " de ".join(filter(None, (day, month, year)))


def italian_measure(given: Arguments) -> str:
    """`M`: `100|k|m` is "100 km", `100|u=km` too."""
    named = given.named.get("u", given.named.get("ul", "")).strip()
    return f"{given.at(1)} {unit(given.at(2) + given.at(3) + named)}".strip()


def placed(count: int) -> Shown:
    """The first arguments, with blanks between."""
    return lambda given: " ".join(filter(None, (given.at(number) for number in range(1, count + 1))))


def _named(names: str, seen: Shown) -> dict[str, Shown]:
    return dict.fromkeys(names.split(", "), seen)


LOCAL: dict[str, dict[str, Shown]] = {
    "de": {
        **_named("zitat, zitat-en, zitat-fr, zitat-la, zitat-it, zitat-es", quotation),
        **_named("polytonisch, arab, hebr, abk, kapitälchen, nicht umbrechen, farbe, zahl, okina", argument(1)),
        **{f"{code}s": around(f"{name} ") for code, name in GERMAN.items()},
        **_named("lautschrift", around("[", "]")),
        **_named("bruch", fraction),
        '"': around("„", "“"),
        "höhe": around("", " m"),
        "§": around("§ "),
        "hoch": lambda given: raised(given.at(1)), "tief": lambda given: lowered(given.at(1)),
        "0": fixed(" "),
    },
    "fr": {
        **_named("citation, guil, guillemets", around("« ", " »")),
        **_named("citation bloc, début citation, citation longue", quotation),
        **_named("unité, unite", french_unit),
        **_named("nombre, nb, num", joined(" ")),
        **_named("date, date-, date de naissance, date de naissance-, date de décès, date de décès-", placed(3)),
        **_named("langue, langue avec nom", argument(2)),
        **_named("japonais", nihongo),
        **_named("abréviation, abréviation discrète, abr, nobr, petit, souligner, petites capitales, pc, formatnum",
                 argument(1)),
        **_named("s, siècle, s mini", french_century),
        **_named("s-", lambda given: _ordinal(given.at(1)) if given.at(1) else ""),
        **_named("-s", lambda given: f"{french_century(given)} av. J.-C." if given.at(1) else ""),
        **_named("s2", french_centuries),
        **_named("heure", hour),
        **_named("exp, exposant", lambda given: raised(given.at(1))),
        **_named("ind, indice", lambda given: lowered(given.at(1))),
        **_named("av jc, av. j.-c., avjc", fixed("av. J.-C.")), **_named("apr jc, apr. j.-c.", fixed("apr. J.-C.")),
        **{name: fixed(name) for name in ("er", "e", "re", "1re", "2e", "1er")}, "ier": fixed("Ier"),
        **{name: around(f"{said} ") for name, said in (("m.", "M."), ("mme", "Mme"), ("mlle", "Mlle"), ("p.", "p."))},
        "incise": around("– ", " –"),
        "n°": fixed("no "),
    },
    "es": {
        **_named("cita, cita destacada, cita larga", quotation),
        **_named("unidad", french_unit),
        **_named("esd, versalita, versalitas, número, abreviatura, subrayado", argument(1)),
        **_named("comillas", around("«", "»")),
        **_named("siglo", spanish_century),
        **_named("fecha", spanish_date),
        **_named("convertir", convert),
        **_named("fracción", fraction),
        **_named("lang2", last),
        "ac": fixed("a. C."), "dc": fixed("d. C."),
    },
    "it": {
        **_named("citazione", quotation),
        **_named("m", italian_measure),
        **_named("tutto attaccato, maiuscoletto, ta, citazione necessaria, senza fonte, cn, chiarire, numero",
                 argument(1)),
        **_named("converti", convert),
        **_named("giapponese", nihongo),
        **_named("frazione", fraction),
        **_named("apice", lambda given: raised(given.at(1))), **_named("pedice", lambda given: lowered(given.at(1))),
    },
}  # fmt: skip
