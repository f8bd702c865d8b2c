"""Prints the literal of tasks/kernels/pretoken_classes.py: what each code point is to the `tokenizers` library.

    python -m tests.kernels.make_pretoken_classes

Asked of the library itself, for that is whose ids must come out: beside a letter, a digit and a mark a code point
joins the one of its class (its ByteLevel pre-tokeniser, GPT-2's pattern in Oniguruma). tokenizers 0.23.3 and tiktoken
0.14 agree on every code point: both have Unicode 16.0.
"""

from itertools import groupby

import numpy as np
from tokenizers import pre_tokenizers

from tasks.kernels.pretoken_classes import LETTER, NUMBER, OTHER, WHITE

from .make_tables import print_literal

SURROGATES = range(0xD800, 0xE000)


def classes() -> np.ndarray:
    """uint8 (0x110000,): the class of each code point; that of a surrogate, which UTF-8 cannot spell, is OTHER."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str
    answer = np.full(0x110000, OTHER, np.uint8)
    for code in range(0x110000):
        if code in SURROGATES:
            continue
        for beside, kind in (("a", LETTER), ("1", NUMBER), ("!", OTHER)):
            if len(split(beside + chr(code))) == 1:
                answer[code] = kind
                break
        else:
            answer[code] = WHITE
    return answer


def pack(kinds: np.ndarray) -> bytes:
    """Lengths of the runs of one class (int32), then their classes (a byte each)."""
    runs = [(len(list(same)), kind) for kind, same in groupby(kinds.tolist())]
    lengths, of = zip(*runs, strict=True)
    return np.array(lengths, "<i4").tobytes() + bytes(of)


if __name__ == "__main__":
    print_literal(pack(classes()))
