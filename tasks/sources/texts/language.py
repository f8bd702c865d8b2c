"""The language of a text: by its script where one language has it, else by py3langid's model.

py3langid (naive Bayes over byte sequences, 140 languages) walks its automaton in Python, at 2,000 texts of 2,048
characters a second; tasks/kernels/language.py walks the same one, compiled, in integers. A test holds that both agree.
"""

import math
import re
import unicodedata
from functools import cache
from typing import Any, NamedTuple

import numpy as np

CHARACTERS = (192, 1024)  # are read: the second where the first leaves the answer below SURE
SURE = 0.9
LETTERS = 12  # fewer have no language: `12 34 Mon`; an ideograph, kana or syllable of Korean stands for three
SHARE = 10  # and letters are at least one in so many of the characters that are not spaces
# Not words of the text's language. Bounded, so that no text makes them slow.
ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]+|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}")
# Scripts -> the only language of size that is written in it (Unicode's blocks, first and last), or None: several are.
SCRIPTS: dict[str, tuple[str | None, tuple[tuple[int, int], ...]]] = {
    "Latin": (
        None,
        ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2AF), (0x1E00, 0x1EFF), (0xFF21, 0xFF5A)),
    ),
    "Greek": (None, ((0x370, 0x3FF), (0x1F00, 0x1FFF))),
    "Cyrillic": (None, ((0x400, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F))),
    "Hebrew": (None, ((0x5D0, 0x5F2), (0xFB1D, 0xFB4F))),
    "Arabic": (
        None,
        (
            (0x620, 0x64A),
            (0x66E, 0x6D3),
            (0x6FA, 0x6FF),
            (0x750, 0x77F),
            (0x8A0, 0x8FF),
            (0xFB50, 0xFDFF),
            (0xFE70, 0xFEFC),
        ),
    ),
    "Devanagari": (None, ((0x900, 0x97F), (0xA8E0, 0xA8FF))),
    "Bengali": (None, ((0x980, 0x9FF),)),
    "Ethiopic": (None, ((0x1200, 0x137F), (0x1380, 0x139F), (0x2D80, 0x2DDF), (0xAB00, 0xAB2F))),
    "Han": (None, ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))),
    "Kana": ("ja", ((0x3041, 0x309F), (0x30A1, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9D))),
    "Hangul": ("ko", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF))),
    "Armenian": ("hy", ((0x531, 0x58F), (0xFB13, 0xFB17))),
    "Syriac": ("syr", ((0x700, 0x74F),)),
    "Thaana": ("dv", ((0x780, 0x7BF),)),
    "N'Ko": ("nqo", ((0x7C0, 0x7FF),)),
    "Gurmukhi": ("pa", ((0xA00, 0xA7F),)),
    "Gujarati": ("gu", ((0xA80, 0xAFF),)),
    "Oriya": ("or", ((0xB00, 0xB7F),)),
    "Tamil": ("ta", ((0xB80, 0xBFF),)),
    "Telugu": ("te", ((0xC00, 0xC7F),)),
    "Kannada": ("kn", ((0xC80, 0xCFF),)),
    "Malayalam": ("ml", ((0xD00, 0xD7F),)),
    "Sinhala": ("si", ((0xD80, 0xDFF),)),
    "Thai": ("th", ((0xE00, 0xE7F),)),
    "Lao": ("lo", ((0xE80, 0xEFF),)),
    "Tibetan": ("bo", ((0xF00, 0xFFF),)),
    "Myanmar": ("my", ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))),
    "Georgian": ("ka", ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F))),
    "Cherokee": ("chr", ((0x13A0, 0x13FF), (0xAB70, 0xABBF))),
    "Syllabics": ("iu", ((0x1400, 0x167F), (0x18B0, 0x18FF))),
    "Khmer": ("km", ((0x1780, 0x17FF), (0x19E0, 0x19FF))),
    "Mongolian": ("mn", ((0x1800, 0x18AF),)),
    "Ol Chiki": ("sat", ((0x1C50, 0x1C7F),)),
    "Tifinagh": ("zgh", ((0x2D30, 0x2D7F),)),
    "Vai": ("vai", ((0xA500, 0xA63F),)),
    "Yi": ("ii", ((0xA000, 0xA4CF),)),
}
NAMES = tuple(SCRIPTS)
DENSE = NAMES.index("Han") + 1, NAMES.index("Kana") + 1, NAMES.index("Hangul") + 1
# The model's codes that stand for one variety of a language with a code of two letters (ISO 639-3's macrolanguages).
MACRO = {
    "ary": "ar", "arz": "ar", "fuv": "ff", "gug": "gn", "hbo": "he", "kik": "ki", "ltg": "lv", "sdh": "ku", "uzs": "uz",
    "wuu": "zh", "yue": "zh", "zxx": None,
}  # fmt: skip
ROWS = 1 << 12  # of weights, converted at a time: 2 MB rather than 200
PLACES = 1 << 10  # a score is a multiple of 1 / PLACES, which float32 holds


class Language(NamedTuple):
    """`code` is ISO 639-1 where there is one, else 639-3, None where there is none to tell; `score` 0..1, how sure."""

    code: str | None
    score: float


NONE = Language(None, 0.0)


def language(utf8: bytes, characters: int) -> Language:
    """The language in which most of a text of so many characters is written, told by its beginning and its middle."""
    found = NONE
    for read in CHARACTERS:
        found = _identify(_sample(utf8, characters, read))
        if found.score >= SURE or characters <= read:
            break
    return found


def _identify(sample: str) -> Language:
    from tasks.kernels.language import letters

    data = np.frombuffer(sample.encode("utf-8", "replace"), np.uint8)
    script, most, total, dense, others = letters(data, _scripts(), len(NAMES), DENSE)
    if total + 2 * dense < LETTERS or total * SHARE < others + total:
        return NONE
    code = SCRIPTS[NAMES[script - 1]][0]
    if code is not None:
        return Language(code, most * PLACES // total / PLACES)
    model = _model()
    place, whole, shares = model(data)
    label = model.labels[place]
    code = MACRO.get(label, label)
    return NONE if code is None else Language(code, int(shares[place]) * PLACES // whole / PLACES)


def _sample(utf8: bytes, characters: int, read: int) -> str:
    """About so many of a text's characters in lower case, composed, without addresses."""
    if characters > read:
        half, middle = read // 2 * len(utf8) // characters, len(utf8) // 2
        utf8 = b"%b %b" % (utf8[:half], utf8[middle : middle + half])
    text = utf8.decode(errors="ignore")  # what is cut in two goes
    if "@" in text or "://" in text or "www." in text:
        text = ADDRESS.sub(" ", text)
    return unicodedata.normalize("NFC", text.lower())


@cache
def _scripts() -> np.ndarray:
    """uint8 (65536,): the place of each code point's script in NAMES, from 1; 0 for what is no letter."""
    table = np.zeros(1 << 16, np.uint8)
    for number, (_, blocks) in enumerate(SCRIPTS.values(), start=1):
        for first, last in blocks:
            table[first : last + 1] = number
    table.setflags(write=False)  # as the kernel's signature has it: else each call looks for a conversion
    return table


class Model:
    """py3langid's model as arrays of small integers; called with UTF-8, says which label fits.

    A weight is the logarithm of a probability. A class's lowest, which all that it never saw have, is its floor; what
    others have more is kept in a byte, in steps of 1 / `steps`, so that rounding strikes few and falls either way.
    """

    def __init__(self, identifier: Any) -> None:
        weights = identifier.nb_ptc  # float16
        floors = weights.min(axis=0).astype(np.float32)
        self.steps = 255 / float((weights.max(axis=0) - floors).max())
        gains = np.empty(weights.shape, np.uint8)
        for first in range(0, len(gains), ROWS):
            more = weights[first : first + ROWS] - floors
            gains[first : first + ROWS] = np.rint(more * np.float32(self.steps))
        self.labels: list[str] = list(dict.fromkeys(identifier.nb_classes))
        places = [self.labels.index(name) for name in identifier.nb_classes]
        arrays = (
            np.asarray(identifier.tk_row, np.uint16),
            np.asarray(identifier.tk_nextmove, np.uint32),  # 39 MB, not copied
            np.array(identifier.tk_output, np.int32),
            gains,
            np.array([round(float(value) * self.steps * (1 << 8)) for value in floors], np.int64),
            np.array([round(float(value) * self.steps * (1 << 16)) for value in identifier.nb_pc], np.int64),
            np.array(places, np.int64),
            np.array([round(math.log1p(count) * (1 << 8)) for count in range(4 * CHARACTERS[-1])], np.int32),
        )
        for array in arrays:
            array.setflags(write=False)
        self._arrays = (*arrays, np.zeros(len(weights), np.int32))

    def __call__(self, data: np.ndarray) -> tuple[int, int, np.ndarray]:
        """The label with the largest share, all shares together, each label's; see `posterior`."""
        from tasks.kernels.language import EXPONENTS, posterior

        # py3langid's temperature, the root of the number of bytes; isqrt gives it 16 binary places
        unit = round(self.steps * (1 << 16)) * math.isqrt(len(data) << 32)
        return posterior(data, *self._arrays, unit, EXPONENTS)


@cache
def _model() -> Model:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return Model(LanguageIdentifier.from_model_file(MODEL_FILE))
