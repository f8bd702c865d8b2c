"""Templates of wikitext whose words and numbers belong to the text: what a reader sees of each, from its arguments.

A template that is not here is left out of the text (citations, boxes, notices, navigation, coordinates). Names are
those of the English Wikipedia, many of which other wikis have too (local_templates.py has more of some); they are
compared in lower case.
"""

import re
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import NamedTuple

from tasks.sources.wiki.lines import GONE

RAISED = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
RAISABLE = re.compile(r"[0-9+\-−=()ni]{1,12}")
LOWERABLE = re.compile(r"[0-9+\-−=()]{1,12}")

MONTHS = {
    "1": "January", "2": "February", "3": "March", "4": "April", "5": "May", "6": "June", "7": "July", "8": "August",
    "9": "September", "10": "October", "11": "November", "12": "December",
}  # fmt: skip
DIRECTIONS, SEXAGESIMAL = {"N", "S", "E", "W"}, "°′″"
NUMBER = re.compile(r"[+\-−]?(?:\d[\d,.]*|\.\d+)(?:[eE][+\-]?\d+)?(?:[+/⁄]\d+)*")
BETWEEN = {
    "-": "–", "–": "–", "to": " to ", "to(-)": " to ", "and": " and ", "or": " or ", "by": " by ", "x": " × ",
    "×": " × ", "xx": " × ", "*": " × ", "+/-": " ± ", "±": " ± ", "+": " + ", ",": ", ", "and(-)": " and ",
}  # fmt: skip
UNITS = {
    "sqmi": "sq mi", "sqft": "sq ft", "sqyd": "sq yd", "sqin": "sq in", "sqkm": "km²", "sqm": "m²", "cuft": "cu ft",
    "cuin": "cu in", "cuyd": "cu yd", "cumi": "cu mi", "C": "°C", "F": "°F", "K": "K", "USgal": "US gal", "impgal":
    "imp gal", "uUSgal": "US gal", "kph": "km/h", "C-change": "°C", "F-change": "°F", "ftin": "ft", "inHg": "inHg",
    "Mmi": "million miles", "e6km": "million km", "e6mi": "million mi", "ft.lbf": "ft⋅lbf", "tonnes": "tonnes",
}  # fmt: skip


class Arguments(NamedTuple):
    """Arguments of a template as texts: those with a place, and those with a name."""

    placed: list[str]
    named: dict[str, str]

    def at(self, number: int) -> str:
        """The argument `number`, from 1 on; also where it is written with its number; empty if there is none."""
        found = self.placed[number - 1] if number <= len(self.placed) else self.named.get(str(number), "")
        return found.strip()

    def all(self) -> list[str]:
        """Every argument that has a place, in order, without empty ones."""
        numbered = [self.named[key] for key in sorted((key for key in self.named if key.isdecimal()), key=int)]
        return [text for text in (value.strip() for value in [*self.placed, *numbered]) if text]


Shown = Callable[[Arguments], str]


def raised(text: str) -> str:
    """Digits and signs as superscripts (10⁶), other text as it is (19th)."""
    return text.translate(RAISED) if RAISABLE.fullmatch(text) else text


def lowered(text: str) -> str:
    """Digits and signs as subscripts (H₂O), other text as it is."""
    return text.translate(LOWERED) if LOWERABLE.fullmatch(text) else text


def convert(given: Arguments) -> str:
    """The measure as written: `5|km|mi` is "5 km", `2|-|4|ft|m` "2–4 ft", `5|ft|6|in|cm` "5 ft 6 in"."""
    words = [word.strip() for word in given.placed]
    shown: list[str] = []
    ranged = True  # a number is due: it is the first one, or a word between two came before it
    for number, following in zip(words[::2], [*words[1::2], ""], strict=False):
        if not NUMBER.fullmatch(number) or not (ranged or _unit(following)):
            break  # the unit converted into, or how many digits it has
        shown += ["" if ranged else " ", grouped(number)]
        ranged = following in BETWEEN
        shown.append(BETWEEN[following] if ranged else f" {unit(following)}" if following else "")
    return "".join(shown).strip() or given.at(1)


def grouped(number: str) -> str:
    """A number of four digits or more as `convert` shows it: 2,381,741."""
    return re.sub(r"^[+\-−]?\d{4,30}(?!\d)", lambda digits: f"{int(digits.group().replace('−', '-')):,}", number)


def unit(code: str) -> str:
    """A unit as it is shown: `km2` is "km²", `sqmi` "sq mi"."""
    return UNITS.get(code) or re.sub(r"(?<=[A-Za-z])[23]\b", lambda power: raised(power.group()), code)


def _unit(code: str) -> bool:
    return bool(code) and not NUMBER.fullmatch(code)


def value(given: Arguments) -> str:
    """`val`: a number, its uncertainty, power of ten and unit: `5.2|0.1|e=6|u=km` is "5.2±0.1×10⁶ km"."""
    error = given.at(2)
    power = given.named.get("e", "").strip()
    of = given.named.get("u", given.named.get("ul", "")).strip()
    per = given.named.get("up", given.named.get("upl", "")).strip()
    number = given.at(1) + (f"±{error}" if NUMBER.fullmatch(error) else error)
    number += f"×10{raised(power)}" if power else ""
    return number + (f" {unit(of)}" if of else "") + (f"/{unit(per)}" if per else "")


def fraction(given: Arguments) -> str:
    numbers = given.all()
    if len(numbers) > 2:
        return f"{numbers[0]} {numbers[1]}⁄{numbers[2]}"
    return "⁄".join(numbers if len(numbers) > 1 else ["1", *numbers])


def as_of(given: Arguments) -> str:
    date = given.all()[:3]
    if len(date) > 1 and date[1].lstrip("0") in MONTHS:
        date[1] = MONTHS[date[1].lstrip("0")]
    words = given.named.get("alt", "").strip()
    return words or ("as of " if given.named.get("lc") else "As of ") + " ".join(reversed(date))


def coordinates(given: Arguments) -> str:
    """`coord` where it stands in the text: `13|19|N|169|9|W` is 13°19′N 169°9′W; signed degrees as such."""
    if "title" in (display := given.named.get("display", "")) and "inline" not in display:
        return ""
    words = [word.strip() for word in given.placed[:8]]
    words = list(takewhile(lambda word: word in DIRECTIONS or NUMBER.fullmatch(word), words))
    if not DIRECTIONS & {*words}:
        return ", ".join(f"{word}°" for word in words[:2])
    shown, signs = "", SEXAGESIMAL
    for word in words:
        shown += f"{word} " if word in DIRECTIONS else word + signs[:1]
        signs = SEXAGESIMAL if word in DIRECTIONS else signs[1:]
    return shown.strip()


def old_style(given: Arguments) -> str:
    """`OldStyleDate`: day, year, and the day of the Julian calendar."""
    return f"{given.at(1)} [O.S. {given.at(3)}] {given.at(2)}"


def nihongo(given: Arguments) -> str:
    inside = ", ".join(filter(None, (given.at(2), given.at(3))))
    return " ".join(filter(None, (given.at(1), f"({inside})" if inside else "")))


def chinese(given: Arguments) -> str:
    return "; ".join(dict.fromkeys(given.named[key].strip() for key in ("c", "s", "t", "p") if given.named.get(key)))


def chemistry(given: Arguments) -> str:
    return "".join(lowered(part) for part in given.all())


def formula(given: Arguments) -> str:
    """`chem2`: digits behind a letter or bracket are small."""
    return re.sub(r"(?<=[A-Za-z)\]])\d+", lambda digits: lowered(digits.group()), given.at(1))


def vessel(given: Arguments) -> str:
    return " ".join(part for part in (given.at(1), given.at(2)) if part)


def block(text: str) -> str:
    return f"\n\n{text}\n\n{GONE}" if text else ""


def quotation(given: Arguments) -> str:
    words = given.named.get("text") or given.named.get("quote") or given.at(1)
    return block(words.strip())


def items(given: Arguments) -> str:
    return "\n" + "".join(f"* {item}\n" for item in given.all() if not item.startswith("*")) if given.all() else ""


def row(given: Arguments) -> str:
    return ", ".join(given.all())


def argument(number: int) -> Shown:
    return lambda given: given.at(number)


def last(given: Arguments) -> str:
    found = given.all()
    return found[-1] if found else ""


def fixed(text: str) -> Shown:
    return lambda given: text


def around(before: str, after: str = "", number: int = 1) -> Shown:
    return lambda given: f"{before}{given.at(number)}{after}" if given.at(number) else ""


def joined(between: str) -> Shown:
    return lambda given: between.join(given.all())


FIRST = """
abbr, abbrlink, tooltip, nowrap, nobr, nobreak, no wrap, nowrap link, nobold, noitalic, normal, small, smaller,
smalldiv, big, large, larger, resize, em, strong, bold, b, italics, i, italic, underline, u, strikethrough, s, del,
ins, code, tt, mono, samp, kbd, var, mvar, math, tmath, bigmath, overline, key, keypress, key press, button, sc,
smallcaps, small caps, smallcaps2, aut, caps, script, unicode, symbol, polytonic, pie, hebrew, arabic, asiantitle,
bdi, bdo, ltr, rtl, rtlo, proper name, not a typo, sic, typo, as written, notatypo, gloss, lit, literally, visible
anchor, vanchor, ill, illm, lien, interlanguage link, interlanguage link multi, nts, number, num, formatnum, url,
flag, flagcountry, flagu, flaglist, vr, center, centre, left, right, justify, font, phrase, ipa-all, pslink, nastaliq,
grc, gr
"""
KEPT: dict[str, Shown] = {
    **dict.fromkeys(FIRST.strip().replace("\n", " ").split(", "), argument(1)),
    **dict.fromkeys(["convert", "cvt", "conv"], convert),
    **dict.fromkeys(["lang", "nativename", "native name", "rtl-lang", "wikt-lang"], argument(2)),
    **dict.fromkeys(["color", "colour", "font color", "fontcolor", "font colour", "background color"], argument(2)),
    **dict.fromkeys(["transl", "transliteration", "ipa", "ipalink", "langx", "translit"], last),
    "gaps": joined(""),
    **dict.fromkeys(["quote", "blockquote", "cquote", "quotation", "bquote", "rquote", "poemquote", "poem quote",
                     "block quote", "centered quote", "quote box2", "verse", "poem"], quotation),
    **dict.fromkeys(["ubl", "unbulleted list", "plainlist", "plain list", "bulleted list", "vunblist", "ordered list",
                     "flatlist", "columns-list", "columns list"], items),
    "hlist": row,
    "linktext": joined(" "),
    **dict.fromkeys(["frac", "fraction", "sfrac"], fraction),
    "val": value,
    **dict.fromkeys(["as of", "asof"], as_of),
    "oldstyledate": old_style,
    **dict.fromkeys(["coord", "coordinates"], coordinates),
    **dict.fromkeys(["nihongo", "nihongo foot"], nihongo),
    "zh": chinese,
    **dict.fromkeys(["chem", "chemf"], chemistry),
    **dict.fromkeys(["chem2", "ce"], formula),
    **dict.fromkeys(["ship", "jship"], vessel),
    **{name: around(f"{name.upper()} ") for name in ("uss", "hms", "ss", "rms", "hmas", "hmcs", "usns", "ins", "sms")},
    **dict.fromkeys(["circa", "c.", "ca."], around("c. ")),
    **dict.fromkeys(["floruit", "fl."], around("fl. ")),
    "reign": lambda given: "r. " + "–".join(given.all()),
    "respell": joined("-"),
    "e": lambda given: "×10" + raised(given.at(1)),
    "10^": lambda given: "10" + raised(given.at(1)),
    "pow": lambda given: given.at(1) + raised(given.at(2)),
    **dict.fromkeys(["sup", "smallsup"], lambda given: raised(given.at(1))),
    "sub": lambda given: lowered(given.at(1)),
    "su": lambda given: raised(given.named.get("p", "").strip()) + lowered(given.named.get("b", "").strip()),
    "angbr": around("⟨", "⟩"), "angbr ipa": around("⟨", "⟩"), "sortname": joined(" "),
    "us$": around("US$"), "usd": around("US$"), "a$": around("A$"), "c$": around("C$"), "inr": around("₹"),
    "£": around("£"), "gbp": around("£"), "€": around("€"), "euro": around("€"), "eur": around("€"), "¥": around("¥"),
    "bce": around("", " BCE"), "bc": around("", " BC"), "ad": around("AD "),
    "music": lambda given: {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮"}.get(given.at(1).lower(), ""),
}  # fmt: skip

SIGNS = {  # what stands for itself, and the names of its templates
    " – ": ["snd", "snds", "spaced ndash", "spnd"],
    "–": ["ndash", "endash", "–", "dash"],
    "—": ["mdash", "mdashb", "emdash", "—"],
    " — ": ["spaced mdash"],
    " ": ["nbsp", "space", "spaces", "thinsp", "thin space", "hair space", "sp"],
    "|": ["pipe", "!"],
    "=": ["="],
    "'": ["'"],
    '"': ['"', '-"'],
    "'\"": ["' \""],
    " · ": ["dot", "·"],
    " • ": ["•", "bull", "bullet"],
    "'s": ["'s"],
    "×": ["times"],
    "−": ["minus"],
    "±": ["plusminus"],
    "°": ["deg", "degree"],
    "′": ["prime"],
    "ℓ": ["ell"],
    "π": ["pi"],
    "†": ["dagger"],
    "\n": ["break", "br", "crlf"],
    "C": ["carbon"], "H": ["hydrogen"], "O": ["oxygen"], "N": ["nitrogen"],
    "ʻ": ["okina"],
    "ʾ": ["hamza"],
}  # fmt: skip
KEPT |= {name: fixed(sign) for sign, names in SIGNS.items() for name in names}
FAMILIES: dict[str, Shown] = {  # by how the name begins
    "lang-": argument(1),
    "ipac-": lambda given: f"/{''.join(given.all()).replace('_', ' ')}/" if given.all() else "",
    "ipa-": around("[", "]"),
    "script/": argument(1),
}
FUNCTIONS = ("formatnum:", "lc:", "uc:", "lcfirst:", "ucfirst:", "nowiki:")  # `{{formatnum:1234}}`: what follows stays


def shown(name: str, local: Mapping[str, Shown]) -> Shown | None:
    """What is seen of the template of that name (as written), or None where nothing is kept.

    `local`: templates by their names on the wiki (local_templates.py).
    """
    name = " ".join(name.replace("_", " ").split()).lower().removeprefix("template:")
    if found := local.get(name) or KEPT.get(name):
        return found
    for function in FUNCTIONS:
        if name.startswith(function):
            return lambda given: given.at(1).partition(":")[2].strip()
    for beginning, of_family in FAMILIES.items():
        if name.startswith(beginning):
            return of_family
    return None
