"""From bytes to characters, by evidence: what the bytes look like decides, and labels count as far as they fit.

A byte order mark, escape sequences, zero bytes and valid UTF-8 decide by themselves: long text is none of these by
chance, and labels lie. For the rest, chardet rates every character set of the web by the pairs of bytes that its
languages have (sums of integers, divided: the same on every machine), and what the HTTP header and the page itself say
raises that rating: a label decides between sets that fit alike, and loses where it fits much worse.
"""

import codecs
import re
from collections.abc import Iterable

from tasks.sources.rejects import Bad

MARKS = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# What chardet rates, by its name, and the codec that decodes: where one set holds another (windows-1252 holds
# ISO-8859-1), browsers take the larger, and so do we.
RATED = {
    **{f"cp{page}": f"cp{page}" for page in (1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 874)},
    **{f"iso8859-{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{name: name for name in ("koi8-r", "koi8-u", "cp866", "cp437", "cp850", "cp852", "mac-roman", "mac-cyrillic")},
    **{name: name for name in ("cp932", "cp949", "big5hkscs", "gb18030", "johab")},
    "euc_jis_2004": "euc_jp",
}
SETS = tuple(dict.fromkeys(RATED.values()))
MULTIBYTE = ("gb18030", "cp932", "euc_jp", "cp949", "big5hkscs")
LARGER = {  # Python's names of the sets that a larger one of SETS holds
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "latin_1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
}
FILES = ("cp437", "cp850", "cp852", "mac-roman", "johab")  # of text files; of a page only if a label says so
RARE = (*FILES, "cp866", "mac-cyrillic")  # so that others go first
# Chosen by bench/charset.py on its first half. What a label adds to its set's rating, and what web pages' habits add;
# less by 1 / (1 + (best rating / DOUBT)^2), for where the bytes say much themselves: modelled languages are rated
# 0.25 and more at 300 bytes, languages that chardet has no model for (Albanian) under 0.1 at any length.
BONUS_HEADER = BONUS_META = 0.06
AGREE = 0.02  # of a second label that says the same, which is often copied from the first
USUAL = {"cp1252": 0.03, **dict.fromkeys(RARE, -0.03)}
DOUBT = 0.15
# A rating is lowered by the share of characters beyond ASCII that stand where no spelling has them: Latin beside
# Cyrillic, Greek, Hebrew or Arabic; a sign in a word (but of UTF-8 read as windows-1252, which cleaning mends); a
# capital behind a small letter; alone, a letter of those scripts, a further Latin capital, or a piece of a frame (they
# are windows-1252's signs: `©`, `×`, `»`). And by CONTROL, for C1 controls.
CONTROL, NEIGHBOURS = 0.3, 1 << 12
CAPITALS = "".join(chr(code) for code in range(0x100, 0x250) if chr(code).isupper())
SIGNS = "\xa1-\xa9\xab\xac\xae-\xb3\xb5\xb6\xb8\xb9\xbb-\xbf×÷ˇ˘˙˛˝†‡‰‹›™€\u2500-\u25ff"
ODD = re.compile(
    "(?<=[A-Za-zÀ-ɏ])[\u0370-\u06ff]|[\u0370-\u06ff](?=[A-Za-zÀ-ɏ])"
    rf"|(?<=[^\W\d_])(?<![ÂÃâ])[{SIGNS}](?=[^\W\d_])|(?<=[a-zß-öø-ÿа-яё])[À-ÖØ-ÞА-ЯЁ]"
    rf"|(?<![^\W\d_])[{CAPITALS}\u0370-\u06ff](?![^\W\d_])"
    r"|(?<![\u2500-\u25ff])[\u2500-\u25ff](?![\u2500-\u25ff])"
)
C1 = re.compile("[\x80-\x9f]")
ENOUGH = 1 << 14  # chardet rates no more bytes
REPAIR = 50  # one character in so many may be broken in the right character set

META = re.compile(rb"""<meta\s[^>]{0,400}?charset\s*=\s*["']?\s*([\w:.+-]{2,40})""", re.IGNORECASE)
XML = re.compile(rb"""^\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']\s*([\w:.+-]{2,40})""", re.IGNORECASE)
LABELLED = 4096  # bytes of a page in which its label stands (browsers read 1024)
JAPANESE, KOREAN = re.compile(rb"\x1b(?:\$[B@]|\([IJ]|\$\()"), re.compile(rb"\x1b\$\)C")
HANZI = re.compile(rb"~\{((?:[\x21-\x77][\x21-\x7e])+)~\}")
COMMON = bytes([*range(0x21, 0x2A), *range(0x30, 0x58)])  # first bytes of GB 2312's punctuation, kana, 3,755 hanzi
FOREIGN = re.compile("[\u0250-\u1fff\u2e80-\uf8ff]")
# Controls (but ESC, which logs have), private use, none: 1 % of 16 random bits are such a control, 10 % private use
NO_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffd-\uffff]")
IDEOGRAPH = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]")
ASCII, HIGH = bytes(range(128)), bytes(range(128, 256))
PAIRS = re.compile(rb"[\x81-\xfe][\x80-\xfe]")
WIDE_SAMPLE, CHECKED = 1 << 13, 1 << 20
BINARY = "the bytes are no text in any character set: they begin as a binary file does, or hold too many controls"


def decode(body: bytes, charset: str | None, html: bool) -> str:
    """Bytes to characters.

    Args:
        charset: what the HTTP header says, or None. html: whether to look for a label in the page itself.

    Raises:
        Bad: `charset` if nothing that the bytes could be is text, or one character in ten cannot be decoded.
    """
    if (plain := _utf8(body)) is not None:
        return plain
    for mark, codec in MARKS:
        if body.startswith(mark):
            return _checked(body.decode(codec, errors="replace"), codec, 0.1 if codec == "utf-8-sig" else 0.05)
    if b"\0" in body and (found := _wide(body, charset)) is not None:
        return found
    if body.isascii():
        found = _escaped(body, charset) if b"\x1b" in body or b"~{" in body else None
        return body.decode("ascii") if found is None else found
    try:
        return body.decode()
    except UnicodeDecodeError:
        pass
    text = body.decode(errors="replace")
    if _beyond(text) >= 3 * text.count("\ufffd"):
        return _mended(body, text)
    header, meta = _codec(charset), _codec(_declared(body)) if html else None
    codec = _best(body, header, meta, html)
    if codec == "cp1252" and "utf-8" in (header, meta) and _beyond(text) >= 1.5 * text.count("\ufffd"):
        text = _mended(body, text)  # half of it: `utf-8` is not all a lie
        return _checked(text if "\ufffd" not in text else body.decode(codec, errors="replace"), codec)
    return _checked(body.decode(codec, errors="replace"), codec)


def plain_text(body: bytes, charset: str | None) -> str | bytes:
    """What `decode` gives for bytes that are no page; the bytes themselves where they are that in UTF-8.

    Raises:
        Bad: see `decode`.
    """
    return body if _utf8(body) is not None else decode(body, charset, html=False)


def _utf8(body: bytes) -> str | None:
    """The text of bytes that are UTF-8, and nothing else can be meant."""
    if b"\0" in body or body.startswith(codecs.BOM_UTF8) or (body.isascii() and (b"\x1b" in body or b"~{" in body)):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _mended(body: bytes, text: str) -> str:
    """UTF-8 (`text`, as far as it could be decoded) in which single bytes are windows-1252, as pasted into web forms.

    Only where all else is Latin: of other scripts a character was cut in two.
    """
    return text if FOREIGN.search(text) else body.decode(errors="millrace-cp1252")


def _from_cp1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    if error.end == len(error.object) and error.reason.startswith("unexpected end"):
        return "\ufffd", error.end
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error("millrace-cp1252", _from_cp1252)


def _beyond(text: str) -> int:
    """Characters beyond ASCII."""
    return len(text) - len(text.encode("ascii", errors="ignore"))


def _best(body: bytes, header: str | None, meta: str | None, html: bool) -> str:
    """The codec with the highest rating, labels counted."""
    sample = _sample(body, html)
    among = [codec for codec in SETS if not html or codec not in FILES or codec in (header, meta)]
    ratings = _ratings(sample, among)
    if ratings is None:
        if (codec := _ideographs(body[:WIDE_SAMPLE])) is not None:  # full of what would be controls
            return codec
        raise Bad("charset", BINARY)
    for codec in among:
        if codec not in ratings and codec in (*MULTIBYTE, header, meta, "cp1252"):
            repaired = _repaired(sample, codec)
            if repaired == sample and (codec == "cp1252" or (codec in (header, meta) and _fits(sample, codec))):
                ratings[codec] = 0.0  # chardet rates no set of two bytes by four different characters
            elif repaired is not None and repaired != sample:
                ratings[codec] = (_ratings(repaired, [codec]) or {}).get(codec, 0.0)
    best = max(ratings.values(), default=0.0)
    doubt = 1 / (1 + (best / DOUBT) ** 2)
    bonus = dict(USUAL)
    for label, more in ((header, BONUS_HEADER), (meta, AGREE if meta == header else BONUS_META)):
        if label in ratings:
            bonus[label] = bonus.get(label, 0.0) + more
    words = b" ".join(word for word in sample.split() if not word.isascii())[:NEIGHBOURS]
    codec, most = "cp1252", 0.0
    for name in sorted(ratings, key=lambda name: -ratings[name]):
        rating, more = ratings[name], bonus.get(name, 0.0) * doubt
        if rating + more > most and name not in MULTIBYTE:
            rating *= 1 - _odd(words, name)
        if rating + more > most:
            codec, most = name, rating + more
    return codec


def _odd(words: bytes, codec: str) -> float:
    """The share of characters beyond ASCII that stand where no spelling has them."""
    text = words.decode(codec, errors="replace")
    beyond = _beyond(text)
    share = len(ODD.findall(text)) / beyond if beyond else 0.0
    return min(1.0, share + CONTROL * (C1.search(text) is not None))


def _ratings(sample: bytes, among: Iterable[str] = SETS) -> dict[str, float] | None:
    """0..1 for each codec that chardet rates; None where the bytes are no text."""
    from chardet import detect_all

    names = [name for name, codec in RATED.items() if codec in among]
    found = detect_all(
        sample,
        ignore_threshold=True,
        max_bytes=ENOUGH,
        compat_names=False,
        include_encodings=[*names, "ascii"],
        no_match_encoding="ascii",
        empty_input_encoding="ascii",
    )
    if found[0]["encoding"] is None:
        return None
    return {RATED[rated["encoding"]]: rated["confidence"] for rated in found if rated["encoding"] in RATED}


def _sample(body: bytes, html: bool) -> bytes:
    """The lines (and the parts between tags) that are not ASCII: no label, no markup, and all of the evidence.

    None of `<`, `>` and line ends is part of a character of two bytes in any of SETS but johab.
    """
    size, parts = 0, []
    for found in re.finditer(rb"[^<>\r\n]+" if html else rb"[^\r\n]+", body):  # lazily: a page may be tags alone
        part = found[0]
        if not part.isascii():
            # of a page in one line, from shortly before the first letter on
            start = max(0, len(part) - len(part.lstrip(ASCII)) - 64) if len(part) > NEIGHBOURS else 0
            parts.append(part[start : start + ENOUGH])
            size += len(parts[-1])
            if size >= ENOUGH:
                break
    return b"\n".join(parts)


def _fits(sample: bytes, codec: str) -> bool:
    """Whether bytes beyond ASCII stand in pairs, where the codec has pairs: `©N` is no character of Chinese."""
    if codec not in MULTIBYTE:
        return True
    beyond = len(sample) - len(sample.translate(None, HIGH))
    return len(PAIRS.findall(sample)) * 4 >= beyond


def _repaired(sample: bytes, codec: str) -> bytes | None:
    """The sample without what does not decode, if that is little; the sample itself if all of it does."""
    for size in (ENOUGH >> 3, ENOUGH):  # most are told by the beginning
        text = sample[:size].decode(codec, errors="replace")
        lost = text.count("\ufffd")
        if lost * REPAIR > _beyond(text):
            return None
    return text.replace("\ufffd", "").encode(codec, errors="ignore") if lost else sample


def _wide(body: bytes, charset: str | None) -> str | None:
    """Text with zero bytes: UTF-16 and UTF-32; None for others in which a few zero bytes stand.

    Raises:
        Bad: the zero bytes are those of a binary file.
    """
    from chardet import detect

    found = detect(body[:WIDE_SAMPLE], compat_names=False, include_encodings=WIDE, no_match_encoding=WIDE[0])
    codec = found["encoding"] if found["confidence"] > 0.5 else None
    if codec is None and (codec := _ideographs(body[:WIDE_SAMPLE])) is None:
        codec = _codec(charset)
    if codec in WIDE:
        text = body.decode(codec, errors="replace")
        if _odd_share(text) <= 0.05:
            return text
    if detect(body)["encoding"] is None:
        raise Bad("charset", BINARY)
    return None


def _ideographs(sample: bytes) -> str | None:
    """UTF-16 of Chinese, Japanese or Korean, in which zero bytes are few (of spaces and line ends)."""
    little, big = (
        len(IDEOGRAPH.findall(text)) / max(1, len(text))
        for text in (sample.decode(codec, errors="replace") for codec in WIDE[:2])
    )
    # Pairs of ASCII letters are ideographs both ways round; of random bits half are.
    if max(little, big) > 0.8 and min(little, big) < 0.6:
        return WIDE[0] if little > big else WIDE[1]
    return None


def _escaped(body: bytes, charset: str | None) -> str | None:
    """Text in seven bits: ISO-2022-JP and -KR by their escape sequences, HZ by its brackets."""
    if KOREAN.search(body):
        names = ["iso2022_kr"]
    elif JAPANESE.search(body):
        names = ["iso2022_jp_ext", "iso2022_jp_2", "iso2022_jp_2004"]
    elif (pairs := b"".join(HANZI.findall(body))) and (_named(charset) == "hz" or _common(pairs)):
        names = ["hz"]
    else:
        return None
    texts = [body.decode(name, errors="replace") for name in names]
    return _checked(min(texts, key=lambda text: text.count("\ufffd")), names[0])


def _common(pairs: bytes) -> bool:
    """Whether pairs of seven-bit bytes are Chinese rather than ASCII that stands between braces by chance."""
    rare = len(pairs[::2].translate(None, COMMON))
    return len(pairs) >= 16 and rare * 10 <= len(pairs)


def _declared(body: bytes) -> str | None:
    """The character set that a page names in its XML declaration or a `<meta>`."""
    found = XML.search(body[:LABELLED]) or META.search(body[:LABELLED])
    return found[1].decode("ascii", "replace") if found else None


def _named(label: str | None) -> str | None:
    """Python's name of a character set by any of the names that browsers and Python know."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    try:
        return codecs.lookup(map_encoding_to_html5(label, fallback_utf8=False) or label).name if label else None
    except (LookupError, ValueError):
        return None


def _codec(label: str | None) -> str | None:
    name = _named(label)
    return LARGER.get(name, name) if name else None


def _odd_share(text: str) -> float:
    """The share of characters that no text has: of those lost in decoding, or of all kinds in the first million."""
    start = text[:CHECKED]
    return max(text.count("\ufffd") / max(1, len(text)), len(NO_TEXT.findall(start)) / max(1, len(start)))


def _checked(text: str, codec: str, share: float = 0.1) -> str:
    """The text; Bad if more of its characters than `share` are none that text has."""
    odd = _odd_share(text)
    if odd > share:
        raise Bad("charset", f"{odd:.0%} of the characters do not decode as {codec}, or are none that text has")
    return text
