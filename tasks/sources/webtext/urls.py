"""URLs in one spelling, and the key by which a link and a crawled page are the same.

Parsing follows the URL Standard (https://url.spec.whatwg.org), as browsers do, by ada-url, which is Node's own parser:
scheme and host lower-cased, IDN as punycode, default ports and dot segments gone, what is not ASCII as UTF-8 in
percents. (w3lib 2.5 leaves default ports, courlan 1.4 dot segments and IDN as they are; of 11,267 URLs of Reddit's they
take 9.7 and 8.1 us each, ada-url 1.5.) Beyond the standard, `normalised` drops what names no page (user and password,
fragment, tracking parameters, an empty query, the host's last dot), and spells percents in one way (RFC 3986, 6.2.2).
It keeps scheme, `www.`, last slash, and the order of parameters, since servers may tell them apart.

`key_of` is for joining alone: without scheme and its port, leading `www.` and last slashes, and with sorted parameters,
because a link is posted by hand and a crawler comes to the page by a redirect from one of these spellings to another.
Internet archives' SURT keys fold the same, and letters' case too, which is left here: on many servers it matters.
"""

import hashlib
import re
from urllib.parse import unquote_to_bytes

LONGEST = 2048  # characters; as sitemaps.org allows
# Google's ads and analytics, Facebook, Instagram, Microsoft, Yandex, X, TikTok, Mailchimp, HubSpot, Marketo, Omeda,
# Vero.
TRACKING = frozenset({
    "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "_ga", "_gl", "fbclid", "igshid", "igsh", "msclkid", "yclid",
    "ysclid", "twclid", "ttclid", "mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok", "oly_anon_id", "oly_enc_id",
    "vero_id", "vero_conv",
})  # fmt: skip
TRACKING_START = ("utm_", "fb_action_", "fb_source")
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
# What the URL Standard leaves bare and RFC 3986 has no place for in a path or query.
BARE = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")
ODD = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]")
DEFAULT_PORTS = (":80", ":443")
WEB = re.compile(r"https?:", re.IGNORECASE)


def is_web(url: str) -> bool:
    """Whether the scheme is http or https."""
    return WEB.match(url) is not None


def normalised(url: str) -> str | None:
    """The one spelling of an http(s) URL; None of what is none, or is longer than LONGEST. Idempotent."""
    from ada_url import normalize_url

    url = url.strip()
    if not is_web(url) or len(url) > LONGEST:
        return None
    try:
        href: str = normalize_url(url)
    except (ValueError, UnicodeEncodeError):  # the second of lone surrogates
        return None
    scheme, _, rest = href.partition("://")
    rest, _, _ = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    host = authority.rpartition("@")[2]
    name, port = host_and_port(host)
    if name == "." or ".." in name or name.startswith("."):
        return None
    name = name.removesuffix(".")
    path = f"/{_spelled(path)}"
    query = "&".join(_spelled(part) for part in query.split("&") if part and not _tracks(part)) if query else ""
    found = f"{scheme}://{name}{port}{path}{'?' if query else ''}{query}"
    return found if len(found) <= LONGEST else None


def host_and_port(host: str) -> tuple[str, str]:
    """The name, and the port with its colon or nothing. An address in brackets holds colons of its own."""
    at = host.rfind(":")
    return (host, "") if at < 0 or host.endswith("]") else (host[:at], host[at:])


def host_of(normal: str) -> str:
    """The host of a normalised URL, without its port."""
    return host_and_port(normal.split("/", 3)[2])[0]


def key_of(normal: str) -> str:
    """What a normalised URL shares with other spellings of it; see the head of this file."""
    rest = normal.partition("://")[2]
    rest, _, query = rest.partition("?")
    while rest.startswith("www.") and "." in rest[4:].partition("/")[0]:
        rest = rest[4:]
    authority, slash, path = rest.partition("/")
    name, port = host_and_port(authority)
    if port in DEFAULT_PORTS:  # http://x:443 and https://x are one address, whose scheme the key has not
        rest = f"{name}{slash}{path}"
    if "&" in query:
        query = "&".join(sorted(query.split("&")))
    return f"{rest.rstrip('/')}?{query}" if query else rest.rstrip("/")


def hash_of(key: str) -> bytes:
    """16 bytes of a key: of 45 million (GPT-2's links) two share the first 8 with a chance of 5e-5."""
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


def is_in(host: str, domains: frozenset[str]) -> bool:
    """Whether a host is one of these domains, or below one."""
    while host:
        if host in domains:
            return True
        host = host.partition(".")[2]
    return False


def _tracks(part: str) -> bool:
    name = part.partition("=")[0].lower()
    return name in TRACKING or name.startswith(TRACKING_START)


def _spelled(text: str) -> str:
    """Percents in one spelling: none of unreserved characters, upper-case digits, and a stray `%` as `%25`."""
    if ODD.search(text) is None:
        return text
    return BARE.sub(_encoded, PERCENT.sub(_percent, text))


def _percent(found: re.Match[str]) -> str:
    if found[1] is None:
        return "%25"
    byte = unquote_to_bytes(found[0])
    return byte.decode() if byte[0] in UNRESERVED else found[0].upper()


def _encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
