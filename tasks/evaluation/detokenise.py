"""Files that were tokenised by words, as text again: WikiText, Penn Treebank, One Billion Words; and back.

GPT-2 (section 3.1) asks a model for text as people write it, by "invertible de-tokenizers", and divides by the words of
the original. A rule is two things. `tokenise` sets marks apart from words; `joins` says of which spaces of a tokenised
line it is thought that they were not in the text. A line becomes the text in which all of them are closed whose closing
`tokenise` undoes: so tokenise(detokenise(line)) == line, by construction. A line that `tokenise` would change even as
it is cannot be reversed: it is left as it is, and counted. What a data set took out for good (capitals and numbers of
Penn Treebank, <unk>) stays as it is. enwik8 and text8 need none: they are measured by byte and by character.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Joins = Callable[[list[str]], Iterator["Join"]]
FAR = 4  # characters: a difference further than this from every closed space was not made by closing one


class Join(NamedTuple):
    """A token that is brought together with its neighbours."""

    place: int
    left: bool
    right: bool
    written: str | None = None  # what stands for it then; None: itself


@dataclass(frozen=True)
class Rule:
    """How a data set's files were tokenised. `edge`: what stands at both ends of each line."""

    tokenise_inner: Callable[[str], str]
    joins: Joins
    edge: str

    def tokenise(self, text: str) -> str:
        """A line of text as the data set has it."""
        inner = " ".join(self.tokenise_inner(text).split(" ")).strip(" ")
        return self.edge + inner + self.edge if inner else self.edge

    def detokenise(self, line: str) -> tuple[str, bool]:
        """A line as text, and whether it can be reversed; one that cannot comes back as it is."""
        inner = line.strip(" ")
        tokens = inner.split(" ")
        if self.tokenise(inner) != line:
            return line, False
        proposed = {join.place: join for join in self.joins(tokens)}
        while proposed:
            text, ends = _written(tokens, proposed)
            back = self.tokenise(text).strip(" ")
            if back == inner:
                return text, True
            at = next(n for n in range(len(inner) + 1) if inner[n : n + 1] != back[n : n + 1])
            nearest = min(proposed, key=lambda place: (_distance(tokens, ends, place, at), place))
            if _distance(tokens, ends, nearest, at) > FAR:
                break
            del proposed[nearest]
        return inner, True  # as it is, which `tokenise` leaves alone


def _written(tokens: Sequence[str], joins: dict[int, Join]) -> tuple[str, list[int]]:
    """The tokens with these spaces closed; and where each ends in the line with none of them closed."""
    parts: list[str] = []
    ends: list[int] = []
    for place, token in enumerate(tokens):
        own, before = joins.get(place), joins.get(place - 1)
        if place and not (own is not None and own.left) and not (before is not None and before.right):
            parts.append(" ")
        parts.append(own.written if own is not None and own.written is not None else token)
        ends.append((ends[-1] + 1 if ends else 0) + len(token))
    return "".join(parts), ends


def _distance(tokens: Sequence[str], ends: Sequence[int], place: int, at: int) -> int:
    """Characters between a token of the line and a place of the line."""
    end = ends[place]
    return max(0, end - len(tokens[place]) - at, at - end)


# ---- periods: an abbreviation keeps its own

# Of Moses' nonbreaking_prefix.en, and those of WikiText-2's validation set.
ABBREVIATIONS = re.compile(
    "Adj|Adm|Adv|Art|Asst|Bart|Bldg|Brig|Bros|Capt|Cmdr|Co|Col|Comdr|Con|Corp|Cpl|Dr|Drs|Ens|Gen|Gov|Hon|Hosp|Hr|Inc|"
    "Insp|Jr|Lt|Ltd|Maj|Messrs|Mlle|Mme|Mr|Mrs|Ms|Msgr|No|Nos|Nr|Op|Ord|Pfc|Ph|Prof|Pvt|Rep|Reps|Res|Rev|Rt|Sen|Sens|"
    "Sfc|Sgt|Sr|St|Supt|Surg|etc|pp|rev|v|var|vs"
)
_PERIOD = re.compile(r"(\S*[^\s.])\.(?= |$)")


def _period(found: re.Match[str]) -> str:
    word = found[1]
    core = word.lstrip("(\"'[")
    if (len(core) == 1 and core.isalpha()) or "." in core or ABBREVIATIONS.fullmatch(core):
        return found[0]
    return f"{word} ."


# ---- WikiText (Merity et al. 2016), Moses' tokenizer; One Billion Words (Chelba et al. 2013), much the same

_Splits = tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]


def _spaced(found: re.Match[str]) -> str:
    """Blanks between the characters and around them."""
    return f" {' '.join(found[0])} "


_MARKS: _Splits = (
    (re.compile(r'["()\[\]]'), _spaced),
    (re.compile(r"(?<=[^ ,;:!?])[,;:!?]+(?= |$)"), _spaced),
    (re.compile(r"(?<=[^ .])\.{3,}(?= |$)"), r" \g<0>"),
    (_PERIOD, _period),
    (re.compile(r"(?<=[\w>])'(?=\w)"), " '"),  # John's, don't
    (re.compile(r"(?<=s)'(?= |$)"), " '"),  # the players'
    (re.compile(r"(?<=\d)[%°]"), r" \g<0>"),
    (re.compile(r"[$£](?=\d)"), r"\g<0> "),
)
_WIKITEXT: _Splits = (
    (re.compile(r"(?<![^ ])={2,}(?![^ ])"), _spaced),  # headings
    (re.compile(r"(?<=[\w>])-(?=[\w<])"), " @-@ "),
    (re.compile(r"(?<=[\d>])([,.])(?=[\d<])"), r" @\1@ "),
    (re.compile(r"(?<=[\w>])/(?=[\w<])"), " / "),
    (re.compile(r"(?<=[^ ])—(?=[^ ])"), " — "),
    (re.compile(r"(?<=\d)–(?=\d)"), " – "),
    *_MARKS,
)


def _split(splits: _Splits) -> Callable[[str], str]:
    def tokenise(text: str) -> str:
        # A blank at a time is put beside a blank that was there: those that a split made are closed again.
        for pattern, by in splits:
            text = re.sub(" {2,}", " ", pattern.sub(by, text))
        return text

    return tokenise


_INFIX = {"@-@": "-", "@,@": ",", "@.@": "."}
_AFTER = frozenset([",", ";", ":", "!", "?", ")", "]", ".", "...", "...."])
_BEFORE = frozenset(["(", "["])


def _joins(tokens: list[str], infixes: bool) -> Iterator[Join]:
    quotes = 0
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else ""
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        if token in _AFTER or (token in ("%", "°") and before[-1:].isdigit()):
            yield Join(place, True, False)
        elif token in _BEFORE or (token in ("$", "£") and after[:1].isdigit()):
            yield Join(place, False, True)
        elif token == '"':
            yield Join(place, quotes % 2 == 1, quotes % 2 == 0)
            quotes += 1
        elif token[0:1] == "'" and (token[1:].isalpha() or (token == "'" and before[-1:] == "s")):
            yield Join(place, True, False)
        elif infixes and token in _INFIX and before and after:
            yield Join(place, True, True, _INFIX[token])
        elif infixes and (token in ("/", "—") or (token == "–" and before[-1:].isdigit() and after[:1].isdigit())):
            yield Join(place, True, True)
        elif infixes and token == before == "=":
            yield Join(place, True, False)


# ---- Penn Treebank as Mikolov et al. 2010 prepared it: lower case, no punctuation, numbers N

_PTB: _Splits = (
    (re.compile(r"(?<=[a-z])n't(?![^ ])"), " n't"),
    (re.compile(r"(?<=[\w>.])'(?:s|re|ve|ll|d|m)(?![^ ])"), r" \g<0>"),
    (re.compile(r"(?<=s)'(?= |$)"), " '"),
    (re.compile(r"[$#](?=N)"), r"\g<0> "),
    (re.compile(r"(?<=N)%"), " %"),
)


def _joins_ptb(tokens: list[str]) -> Iterator[Join]:
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else ""
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        contraction = token == "n't" or token in ("'s", "'re", "'ve", "'ll", "'d", "'m")
        if contraction or (token == "'" and before[-1:] == "s") or (token == "%" and before == "N"):
            yield Join(place, True, False)
        elif token in ("$", "#") and after == "N":
            yield Join(place, False, True)


RULES: dict[str, Rule] = {
    "wikitext": Rule(_split(_WIKITEXT), lambda tokens: _joins(tokens, True), " "),
    "ptb": Rule(_split(_PTB), _joins_ptb, " "),
    "billion-words": Rule(_split(_MARKS), lambda tokens: _joins(tokens, False), ""),
}
