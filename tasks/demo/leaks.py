"""How a benchmark's item is said where it leaks: as it is, or in one of the forms that hide it from some rules."""

from tasks.demo.chance import number
from tasks.demo.words import OTHER_WORDS

# whole and deep (near the end of a long page) are the item as it is
FORMS = ("whole", "deep", "rewrapped", "respaced", "changed", "paraphrased")

# Another word for each: the commonest of documentation, so that few runs of eight words are left
SYNONYMS = {
    "a": "one", "all": "each", "also": "too", "an": "some", "and": "as well as", "are": "remain", "as": "like",
    "at": "near", "be": "become", "between": "among", "but": "yet", "by": "via", "called": "invoked", "can": "may",
    "class": "type", "containing": "holding", "contains": "holds", "create": "make", "default": "standard",
    "does": "performs", "each": "every", "error": "fault", "file": "document", "for": "on behalf of",
    "from": "out of", "function": "routine", "given": "supplied", "has": "owns", "have": "own", "if": "whenever",
    "in": "within", "into": "inside", "is": "represents", "it": "this thing", "its": "their", "list": "series",
    "method": "procedure", "may": "might", "must": "has to", "name": "title", "new": "fresh", "not": "never",
    "object": "item", "of": "belonging to", "on": "upon", "only": "just", "or": "or else", "other": "different",
    "return": "give back", "returned": "given back", "returns": "gives back", "set": "put", "should": "ought to",
    "string": "text", "such": "similar", "that": "which", "the": "this", "then": "afterwards", "there": "here",
    "these": "those", "they": "such things", "this": "the present", "to": "towards", "type": "kind", "use": "employ",
    "used": "employed", "uses": "employs", "value": "amount", "values": "amounts", "when": "once",
    "where": "wherever", "which": "that", "will": "is going to", "with": "using", "you": "one", "your": "the user's",
}  # fmt: skip


def said(item: str, form: str, seed: int, place: str) -> str:
    """The item as it is planted at a place (its page's URL)."""
    forms = {"rewrapped": rewrapped, "respaced": respaced, "changed": changed}
    if form in forms:
        return forms[form](item, seed, place)
    return paraphrased(item) if form == "paraphrased" else item


def rewrapped(item: str, seed: int, place: str) -> str:
    """In other case, punctuation and lines: the same words."""
    tokens = []
    for i, token in enumerate(item.split()):
        token = token.strip(".,;:!?\"'()") or token
        draw = number(seed, "rewrap", place, i) % 12
        token = token.upper() if draw < 3 else token.title() if draw < 5 else token
        tokens.append(token + (", " if draw == 6 else "! " if draw == 7 else "\n" if draw > 9 else " "))
    return "".join(tokens).strip()


def respaced(item: str, seed: int, place: str) -> str:
    """One white space in six gone, as where columns or tags were torn, and as many a line's end: the same letters."""
    tokens = item.split()
    draws = [number(seed, "respace", place, i) % 6 for i in range(len(tokens) - 1)]
    between = ["" if draw == 0 else "\n" if draw == 1 else " " for draw in draws]
    return "".join(token + space for token, space in zip(tokens, [*between, ""], strict=True))


def changed(item: str, seed: int, place: str) -> str:
    """The word in the middle is another one."""
    tokens = item.split()
    tokens[len(tokens) // 2] = OTHER_WORDS[number(seed, "change", place) % len(OTHER_WORDS)]
    return " ".join(tokens)


def paraphrased(item: str) -> str:
    """The commonest words by others that mean about the same; the rest, and the order, as they were."""
    tokens = []
    for token in item.split():
        word = token.strip(".,;:!?\"'()")
        other = SYNONYMS.get(word.lower(), word)
        other = other.capitalize() if word[:1].isupper() else other
        tokens.append(token.replace(word, other, 1) if word else token)
    return " ".join(tokens)
