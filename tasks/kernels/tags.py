"""What the markup scanner knows of HTML: its tags, and words of class names and ids that tell what an element holds.

Words are looked for by an automaton (Aho and Corasick 1975) over lower-case letters and gaps, so that `nav` as a whole
word and `sidebar` in any place cost one step a character. They are those that Readability (Mozilla), trafilatura and
Resiliparse look for, with the German ones beside the English.
"""

from collections import deque

import numpy as np

from tasks.kernels.references import slotted

# Properties of a tag.
VOID, BREAKS, PUSHED, RAW, SKIPPED, GAPPED, LEAF, CELL, SPECIAL = (1 << bit for bit in range(9))

_WHAT = {
    "br": VOID, "wbr": VOID, "img": VOID, "input": VOID, "link": VOID, "meta": VOID, "embed": VOID, "area": VOID,
    "hr": VOID | BREAKS | GAPPED,
    "script": RAW, "style": RAW, "iframe": RAW, "noembed": RAW, "noframes": RAW, "xmp": RAW, "plaintext": RAW,
    "textarea": RAW | BREAKS, "title": RAW,
    "svg": PUSHED | SKIPPED, "template": PUSHED | SKIPPED, "noscript": PUSHED | SKIPPED, "select": PUSHED | SKIPPED,
    "datalist": PUSHED | SKIPPED, "object": PUSHED | SKIPPED, "video": PUSHED | SKIPPED, "audio": PUSHED | SKIPPED,
    "p": BREAKS | PUSHED | GAPPED | LEAF, "pre": BREAKS | PUSHED | GAPPED | LEAF, "listing": BREAKS | PUSHED | GAPPED,
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), BREAKS | PUSHED | GAPPED | LEAF),
    **dict.fromkeys(("ul", "ol", "menu", "dl", "table", "blockquote"), BREAKS | PUSHED | GAPPED | SPECIAL),
    **dict.fromkeys(("article", "main", "section", "figure"), BREAKS | PUSHED | GAPPED | SPECIAL),
    **dict.fromkeys(("nav", "aside", "header", "footer", "fieldset", "dialog"), BREAKS | PUSHED | GAPPED | SPECIAL),
    **dict.fromkeys(("details", "hgroup", "figcaption", "center", "caption"), BREAKS | PUSHED | SPECIAL),
    **dict.fromkeys(("thead", "tbody", "tfoot", "tr"), BREAKS | PUSHED | SPECIAL),
    **dict.fromkeys(("td", "th"), BREAKS | PUSHED | CELL | SPECIAL),
    **dict.fromkeys(("div", "address"), BREAKS | PUSHED),
    **dict.fromkeys(("li", "dt", "dd"), BREAKS | PUSHED),
    **dict.fromkeys(("form", "legend", "label", "button", "summary", "body", "html", "head"), BREAKS),
    "option": BREAKS, "a": 0, "math": 0,
}  # fmt: skip
NAMES = tuple(_WHAT)
CODE = {name: number + 1 for number, name in enumerate(NAMES)}
PROPERTIES = np.array([0, *_WHAT.values()], np.int32)
SLOTS = 1024
HASHES, CODES = slotted(CODE, SLOTS)

# What an element may be, by its tag or by words of its class, id, role or itemprop.
MARKS = (
    "nav", "side", "comment", "share", "related", "meta", "promo", "foot", "head", "body", "form", "hidden",
    "caption", "widget",
)  # fmt: skip
MARK = {name: 1 << number for number, name in enumerate(MARKS)}
_TAGS = {
    "nav": "nav", "menu": "nav", "aside": "side", "footer": "foot", "header": "head", "article": "body", "main": "body",
    "figure": "caption", "figcaption": "caption", "caption": "caption", "dialog": "promo", "fieldset": "form",
    "address": "meta",
}  # fmt: skip
TAG_MARKS = np.zeros(len(NAMES) + 1, np.int32)
for _tag, _mark in _TAGS.items():
    TAG_MARKS[CODE[_tag]] = MARK[_mark]
# `_` is the beginning or end of a run of letters.
_WORDS = {
    "nav": "_nav_ navi menu breadcrumb pagination _pager_ _paging toolbar topbar _tabs_ _skip_ _jump_ sitemap",
    "side": "sidebar _side_ _aside_ complementary marginal rightcol leftcol _right_ _left_ _rail_ seitenleiste",
    "comment": "comment _replies_ _reply_ _respond_ disqus kommentar discussion trackback pingback guestbook forum",
    "share": "_share sharing shared social _follow facebook twitter addthis addtoany _like teilen whatsapp sharedaddy",
    "related": "related recommend teaser popular latest trending similar readmore outbrain taboola _more_ _also_ "
    "recent archiv verwandt weitere empfehl aktuell _next_ _prev previous headlines",
    "meta": "_meta byline author _date_ _tags_ _tag_ categor credit _info_ published timestamp _autor _datum postinfo "
    "entrymeta postmeta dateline _time_",
    "promo": "_ad_ _ads_ advert sponsor promo banner newsletter subscri signup cookie gdpr consent popup modal overlay "
    "login donat paywall werbung anzeige _shop _cart_ _buy_ notice download lightbox register contact",
    "foot": "footer copyright legal disclaimer imprint impressum _bottom_ contentinfo colophon",
    "head": "_header _head_ masthead logo pagetop _top_ _hero_ kopf",
    "body": "article content _main _body entry _post_ post_ story _text_ hentry blog artikel inhalt fulltext "
    "maincontent prose _page_ beitrag",
    "form": "_form search suche",
    "hidden": "_display_none_ _hidden_ screenreader _print_",
    "caption": "caption gallery image photo slide bildunter thumb",
    "widget": "widget _box_ block module plugin",
}


def _automaton() -> tuple[np.ndarray, np.ndarray]:
    """int16 (states, 27): the next state by letter, 26 for what is no letter; int32 (states,): marks found there."""
    nexts: list[list[int]] = [[-1] * 27]
    found = [0]
    for mark, words in _WORDS.items():
        for word in words.split():
            state = 0
            for character in word:
                symbol = 26 if character == "_" else ord(character) - 97
                if nexts[state][symbol] < 0:
                    nexts[state][symbol] = len(nexts)
                    nexts.append([-1] * 27)
                    found.append(0)
                state = nexts[state][symbol]
            found[state] |= MARK[mark]
    fails = [0] * len(nexts)
    queue = deque([0])
    while queue:
        state = queue.popleft()
        for symbol, child in enumerate(nexts[state]):
            fallback = nexts[fails[state]][symbol] if state else 0
            if child < 0:
                nexts[state][symbol] = fallback
            else:
                fails[child] = fallback
                found[child] |= found[fallback]
                queue.append(child)
    return np.array(nexts, np.int16), np.array(found, np.int32)


NEXT, FOUND = _automaton()
ATTRIBUTES = {
    name: number + 1 for number, name in enumerate(("class", "id", "role", "itemprop", "style", "hidden", "href"))
}
