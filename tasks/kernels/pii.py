"""What looks like personal data in a text, as counts: e-mail and IP addresses, telephone numbers, IBANs, card numbers.

One pass; at a byte that may begin a pattern no more than a fixed number of bytes is looked at, so that the time is
linear whatever the text. All patterns are of ASCII; what stands in tests/kernels/pii_twin.py are the same as regular
expressions. IBANs (ISO 13616: length by country, modulo 97) and card numbers (ISO/IEC 7812: length by issuer, Luhn)
count only where their check digits are right: of random digits a tenth passes Luhn, and a ninety-seventh an IBAN.
"""

import numpy as np
import pyarrow as pa
from numba import boolean, int64, njit, types

from tasks.kernels.buffers import buffers
from tasks.kernels.words import BYTES, PLACES

COLUMNS = ("emails", "ipv4", "ipv6", "phones", "ibans", "cards")
_EMAILS, _IPV4, _IPV6, _PHONES, _IBANS, _CARDS = range(len(COLUMNS))

# Characters of an IBAN by country: the IBAN registry of SWIFT (release 97).
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
LABELS = 10  # of an e-mail address's domain that are looked at

# Issuers of cards: first and last of the first four digits, fewest and most digits.
ISSUERS = np.array(
    [
        (2221, 2720, 16, 16),  # Mastercard
        (3000, 3059, 14, 14),  # Diners Club
        (3400, 3499, 15, 15),  # American Express
        (3528, 3589, 16, 19),  # JCB
        (3600, 3699, 14, 14),  # Diners Club
        (3700, 3799, 15, 15),  # American Express
        (3800, 3899, 14, 14),  # Diners Club
        (4000, 4999, 13, 13),  # Visa
        (4000, 4999, 16, 16),
        (4000, 4999, 19, 19),
        (5100, 5599, 16, 16),  # Mastercard
        (6011, 6011, 16, 19),  # Discover
        (6200, 6299, 16, 19),  # UnionPay
        (6440, 6599, 16, 19),  # Discover
    ]
)

_DIGIT, _LETTER, _CAPITAL, _HEX, _LABEL, _LOCAL, _BETWEEN, _BEGINS = 1, 2, 4, 8, 16, 32, 64, 128


def _classes() -> np.ndarray:
    digits, capitals, small = b"0123456789", bytes(range(65, 91)), bytes(range(97, 123))
    table = np.zeros(256, np.uint8)
    for bit, members in (
        (_DIGIT, digits),
        (_LETTER, capitals + small),
        (_CAPITAL, capitals),
        (_HEX, digits + b"ABCDEFabcdef"),
        (_LABEL, digits + capitals + small + b"-"),
        (_LOCAL, digits + capitals + small + b"_%+-"),  # the last character before the @
        (_BETWEEN, b" .-/()"),  # digits of a telephone number
        (_BEGINS, digits + capitals + b"abcdef:@+("),
    ):
        table[list(members)] |= bit
    return table


_CLASS = _classes()
_IBAN = np.zeros((26, 26), np.int64)
for _country, _length in IBAN_LENGTHS.items():
    _IBAN[ord(_country[0]) - 65, ord(_country[1]) - 65] = _length


@njit(boolean(BYTES, int64, int64, int64, int64), cache=True, nogil=True)
def _is(data, at, start, end, kinds):
    """Whether the byte at `at` is inside the row, and of one of the kinds."""
    return at >= start and at < end and _CLASS[data[at]] & kinds != 0


@njit(boolean(BYTES, int64, int64, int64, int64), cache=True, nogil=True)
def _holds(data, at, start, end, byte):
    return at >= start and at < end and data[at] == byte


@njit(boolean(BYTES, int64, int64, int64), cache=True, nogil=True)
def _email(data, at, start, end):
    """An @ behind a character of a local part, before labels and dots of which a later one is of 2 to 24 letters."""
    if not _is(data, at - 1, start, end, _LOCAL):
        return False
    place = at + 1
    for label in range(LABELS):
        first, letters = place, True
        while place - first < 64 and _is(data, place, start, end, _LABEL):
            letters &= _CLASS[data[place]] & _LETTER != 0
            place += 1
        size = place - first
        if size == 0 or size > 63:
            return False
        if label > 0 and letters and size >= 2 and size <= 24:
            return True
        if not _holds(data, place, start, end, 46):
            return False
        place += 1
    return False


@njit(boolean(int64, int64, int64), cache=True, nogil=True)
def _is_public(first, second, third):
    """Whether an IPv4 address may be somebody's: not of the special blocks of RFC 6890, multicast or reserved."""
    if first == 0 or first == 10 or first == 127 or first >= 224:
        return False
    if first == 100 and second >= 64 and second < 128:
        return False
    if first == 169 and second == 254:
        return False
    if first == 172 and second >= 16 and second < 32:
        return False
    if first == 192 and (second == 168 or (second == 0 and (third == 0 or third == 2))):
        return False
    if first == 198 and (second == 18 or second == 19 or (second == 51 and third == 100)):
        return False
    return not (first == 203 and second == 0 and third == 113)


@njit(boolean(BYTES, int64, int64, int64), cache=True, nogil=True)
def _ipv4(data, at, start, end):
    """Four numbers up to 255, of no more than three digits and without leading zeros, and no fifth."""
    if _is(data, at - 1, start, end, _DIGIT | _LETTER) or _holds(data, at - 1, start, end, 46):
        return False
    numbers = (int64(0), int64(0), int64(0))
    place = at
    for part in range(4):
        first, value = place, int64(0)
        while place - first < 4 and _is(data, place, start, end, _DIGIT):
            value = 10 * value + data[place] - 48
            place += 1
        if place == first or value > 255 or (data[first] == 48 and place - first > 1):
            return False
        if part < 3:
            if not _holds(data, place, start, end, 46):
                return False
            place += 1
            numbers = (numbers[1], numbers[2], value)
    if _is(data, place, start, end, _DIGIT | _LETTER):
        return False
    if _holds(data, place, start, end, 46) and _is(data, place + 1, start, end, _DIGIT):
        return False
    return _is_public(numbers[0], numbers[1], numbers[2])


@njit(types.Tuple((boolean, int64))(BYTES, int64, int64, int64), cache=True, nogil=True)
def _ipv6(data, at, start, end):
    """A whole run of hexadecimal digits and colons that is an address of 2000::/3 (RFC 4291), but for the examples
    of 2001:db8::/32; and where the run ends. A colon behind the address is the sentence's."""
    stop = at
    while stop - at < 64 and (_is(data, stop, start, end, _HEX) or _holds(data, stop, start, end, 58)):
        stop += 1
    if stop - at == 64 or _is(data, stop, start, end, _LETTER):
        return False, stop
    if _holds(data, stop, start, end, 46) and _is(data, stop + 1, start, end, _DIGIT):
        return False, stop
    behind = stop
    if stop - at > 2 and data[stop - 1] == 58 and data[stop - 2] != 58:
        stop -= 1
    groups, pairs, place = int64(0), int64(0), at
    first, second = int64(0), int64(0)
    while place < stop:
        if data[place] == 58:
            if place + 1 < stop and data[place + 1] == 58:
                pairs += 1
                place += 2
                if place < stop and data[place] == 58:
                    return False, behind
                continue
            if groups == 0 or place + 1 == stop:
                return False, behind
            place += 1
        size, value = int64(0), int64(0)
        while place < stop and data[place] != 58:
            byte = int64(data[place])
            value = 16 * value + (byte - 48 if byte < 58 else (byte | 32) - 87)
            size += 1
            place += 1
            if size > 4:
                return False, behind
        if groups == 0 and pairs == 0:
            first = value
        elif groups == 1 and pairs == 0:
            second = value
        groups += 1
    whole = (groups == 8 and pairs == 0) or (groups < 8 and pairs == 1)
    return whole and first >> 13 == 1 and not (first == 0x2001 and second == 0xDB8), behind


@njit(int64(BYTES, int64, int64, int64), cache=True, nogil=True)
def _international(data, at, start, end):
    """Behind a plus and 8 to 15 digits (E.164), at most two of ` .-/()` between two of them; else -1."""
    if _is(data, at - 1, start, end, _DIGIT | _LETTER) or _holds(data, at - 1, start, end, 43):
        return int64(-1)
    place, digits, matched = at + 1, int64(0), int64(-1)
    while digits < 15:
        skipped = int64(0)
        while digits > 0 and skipped < 2 and _is(data, place + skipped, start, end, _BETWEEN):
            skipped += 1
        if not _is(data, place + skipped, start, end, _DIGIT):
            break
        place += skipped + 1
        digits += 1
        if digits >= 8 and not _is(data, place, start, end, _DIGIT):
            matched = place
    return matched


@njit(int64(BYTES, int64, int64, int64), cache=True, nogil=True)
def _three(data, at, start, end):
    """Behind three digits of which the first is 2 to 9, or -1."""
    if not _is(data, at, start, end, _DIGIT) or data[at] < 50:
        return int64(-1)
    if not _is(data, at + 1, start, end, _DIGIT) or not _is(data, at + 2, start, end, _DIGIT):
        return int64(-1)
    return at + 3


@njit(boolean(BYTES, int64, int64, int64), cache=True, nogil=True)
def _parts(data, at, start, end):
    """Whether one of ` .-` is there."""
    return at >= start and at < end and (data[at] == 32 or data[at] == 46 or data[at] == 45)


@njit(int64(BYTES, int64, int64, int64), cache=True, nogil=True)
def _american(data, at, start, end):
    """Behind (ddd) ddd-dddd, ddd-ddd-dddd and the like, as the North American numbering plan has them; else -1."""
    if data[at] == 40:
        place = _three(data, at + 1, start, end)
        if place < 0 or not _holds(data, place, start, end, 41):
            return int64(-1)
        place += 1
        if _holds(data, place, start, end, 32):
            place += 1
    else:
        if _is(data, at - 1, start, end, _DIGIT | _LETTER):
            return int64(-1)
        place = _three(data, at, start, end)
        if place < 0 or not _parts(data, place, start, end):
            return int64(-1)
        place += 1
    place = _three(data, place, start, end)
    if place < 0 or not _parts(data, place, start, end):
        return int64(-1)
    for i in range(4):
        if not _is(data, place + 1 + i, start, end, _DIGIT):
            return int64(-1)
    return int64(-1) if _is(data, place + 5, start, end, _DIGIT) else place + 5


@njit(boolean(BYTES, int64, int64, int64), cache=True, nogil=True)
def _iban(data, at, start, end):
    """A country, two check digits and as many capitals and digits as the country has, single spaces between them."""
    if _is(data, at - 1, start, end, _DIGIT | _LETTER) or not _is(data, at + 1, start, end, _CAPITAL):
        return False
    length = _IBAN[data[at] - 65, data[at + 1] - 65]
    if length == 0 or not _is(data, at + 2, start, end, _DIGIT) or not _is(data, at + 3, start, end, _DIGIT):
        return False
    rest, place = int64(0), at + 4
    for _ in range(length - 4):
        if _holds(data, place, start, end, 32):
            place += 1
        if not _is(data, place, start, end, _DIGIT | _CAPITAL):
            return False
        byte = int64(data[place])
        rest = (10 * rest + byte - 48) % 97 if byte < 58 else (100 * rest + byte - 55) % 97
        place += 1
    if _is(data, place, start, end, _DIGIT | _LETTER):
        return False
    rest = (100 * rest + int64(data[at]) - 55) % 97
    rest = (100 * rest + int64(data[at + 1]) - 55) % 97
    return (100 * rest + 10 * (int64(data[at + 2]) - 48) + int64(data[at + 3]) - 48) % 97 == 1


@njit(types.Tuple((boolean, int64))(BYTES, int64, int64, int64), cache=True, nogil=True)
def _card(data, at, start, end):
    """A whole run of digits, single spaces and hyphens between them, that an issuer numbers so, with Luhn's check;
    and where the run ends."""
    if _is(data, at - 1, start, end, _DIGIT | _LETTER) or _holds(data, at - 1, start, end, 46):
        return False, at + 1  # behind a full stop it is a fraction
    apart = _holds(data, at - 1, start, end, 32) or _holds(data, at - 1, start, end, 45)
    if apart and _is(data, at - 2, start, end, _DIGIT):
        return False, at + 1
    digits = first = odd = even = int64(0)  # sums: of digits, those at odd and at even places doubled
    place = at
    while True:
        value = int64(data[place]) - 48
        doubled = 2 * value - 9 * (value > 4)
        if digits & 1:
            odd, even = odd + value, even + doubled
        else:
            odd, even = odd + doubled, even + value
        if digits < 4:
            first = 10 * first + value
        digits += 1
        place += 1
        if _is(data, place, start, end, _DIGIT):
            continue
        apart = _holds(data, place, start, end, 32) or _holds(data, place, start, end, 45)
        if not apart or not _is(data, place + 1, start, end, _DIGIT):
            break
        place += 1
    if digits < 13 or digits > 19 or _is(data, place, start, end, _LETTER):
        return False, place
    # From the right every second digit is doubled: those at even places (from 0, the left) of an even number.
    luhn = odd if digits & 1 == 0 else even
    if luhn % 10 != 0:
        return False, place
    for i in range(len(ISSUERS)):
        if first >= ISSUERS[i, 0] and first <= ISSUERS[i, 1] and digits >= ISSUERS[i, 2] and digits <= ISSUERS[i, 3]:
            return True, place
    return False, place


@njit(types.void(BYTES, PLACES, PLACES, types.Array(types.int64, 2, "C")), cache=True, nogil=True)
def _count(data, starts, ends, counts):
    for row in range(len(starts)):
        start, end = starts[row], ends[row]
        phone = card = colons = start  # up to where one of these was looked at
        at = start
        while at < end:
            byte = data[at]
            kind = _CLASS[byte]
            if not kind & _BEGINS:
                at += 1
                continue
            if byte == 64:
                counts[row, _EMAILS] += _email(data, at, start, end)
            elif kind & _CAPITAL:
                counts[row, _IBANS] += _iban(data, at, start, end)
            if kind & _DIGIT:
                counts[row, _IPV4] += _ipv4(data, at, start, end)
                if at >= card:
                    found, card = _card(data, at, start, end)
                    counts[row, _CARDS] += found
            if (kind & _HEX or byte == 58) and at >= colons:
                found, colons = False, at + 1
                before = _is(data, at - 1, start, end, _DIGIT | _LETTER)
                if not before and not _holds(data, at - 1, start, end, 46) and not _holds(data, at - 1, start, end, 58):
                    found, colons = _ipv6(data, at, start, end)
                counts[row, _IPV6] += found
            if at >= phone and (kind & _DIGIT or byte == 40 or byte == 43):
                behind = _international(data, at, start, end) if byte == 43 else _american(data, at, start, end)
                if behind >= 0:
                    counts[row, _PHONES] += 1
                    phone = behind
            at += 1


def counts_of(text: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """int64 (rows, len(COLUMNS)): how often each pattern occurs in each row."""
    data, starts, ends = buffers(text)
    counts = np.zeros((len(starts), len(COLUMNS)), np.int64)
    _count(data, starts, ends, counts)
    return counts
