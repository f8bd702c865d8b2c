"""What tasks/kernels/pii.py looks for, as regular expressions over bytes, with Python's own IP addresses."""

import ipaddress
import re

from tasks.kernels.pii import IBAN_LENGTHS, ISSUERS

EMAIL = re.compile(rb"(?<=[A-Za-z0-9_%+-])@(?:[A-Za-z0-9-]{1,63}\.){1,9}[A-Za-z]{2,24}(?![A-Za-z0-9-])")
IPV4 = re.compile(rb"(?<![0-9A-Za-z.])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?![0-9A-Za-z]|\.\d)")
COLONS = re.compile(rb"(?<![0-9A-Za-z.:])[0-9A-Fa-f:]+")
PHONE = re.compile(
    rb"(?<![0-9A-Za-z+])\+\d(?:[ .\-/()]{0,2}\d){7,14}(?!\d)"
    rb"|(?:\([2-9]\d\d\) ?|(?<![0-9A-Za-z])[2-9]\d\d[ .\-])[2-9]\d\d[ .\-]\d{4}(?!\d)"
)
IBAN = re.compile(rb"(?<![0-9A-Za-z])(?=([A-Z]{2})\d\d)")
RUN = re.compile(rb"(?<![0-9A-Za-z.])(?<!\d[ \-])\d(?:[ \-]?\d)*")
# RFC 6890's special blocks, multicast, and what is reserved.
SPECIAL = [
    ipaddress.ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
]


def counts(text: str) -> dict[str, int]:
    data = text.encode()
    return {
        "emails": len(EMAIL.findall(data)),
        "ipv4": sum(map(is_public, IPV4.findall(data))),
        "ipv6": sum(is_global(data, run) for run in COLONS.finditer(data)),
        "phones": len(PHONE.findall(data)),
        "ibans": sum(is_iban(data[match.start() :], match[1].decode()) for match in IBAN.finditer(data)),
        "cards": sum(is_card(data, run) for run in RUN.finditer(data)),
    }


def is_public(text: bytes) -> bool:
    try:
        address = ipaddress.IPv4Address(text.decode())
    except ValueError:
        return False
    return not any(address in block for block in SPECIAL)


def is_global(data: bytes, run: re.Match[bytes]) -> bool:
    behind = data[run.end() : run.end() + 2]
    if re.match(rb"[A-Za-z]|\.\d", behind):
        return False
    text = re.sub("(?<=[^:]):$", "", run[0].decode())
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return address in ipaddress.ip_network("2000::/3") and address not in ipaddress.ip_network("2001:db8::/32")


def is_iban(data: bytes, country: str) -> bool:
    if country not in IBAN_LENGTHS:
        return False
    size = IBAN_LENGTHS[country]
    match = re.match(rb"[A-Z]{2}\d\d(?: ?[0-9A-Z]){%d}(?![0-9A-Za-z])" % (size - 4), data)
    if match is None:
        return False
    plain = match[0].decode().replace(" ", "")
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def is_card(data: bytes, run: re.Match[bytes]) -> bool:
    digits = [int(char) for char in run[0].decode() if char.isdigit()]
    if not 13 <= len(digits) <= 19 or re.match(rb"[A-Za-z]", data[run.end() : run.end() + 1]):
        return False
    luhn = sum(sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(reversed(digits)))
    first = int("".join(map(str, digits[:4])))
    issued = any(low <= first <= high and few <= len(digits) <= many for low, high, few, many in ISSUERS.tolist())
    return luhn % 10 == 0 and issued
