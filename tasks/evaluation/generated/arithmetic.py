"""GPT-3's arithmetic (section 3.9.1), in the form of the files that OpenAI published, byte for byte.

Operands of d digits are drawn evenly from [0, 10^d); a difference may be negative. Of the composite task (1DC) paper
and file differ: the paper puts the brackets round the last two ("6+(4*8)") and draws digits from [0, 10); in the file
all 2,000 have them round the first two and no digit is 0. `last` says which of the two is made.
"""

import operator
from collections.abc import Callable, Iterator

from tasks.evaluation.generated.draws import Record, distinct, one_of, rows, whole

OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "plus": operator.add,
    "minus": operator.sub,
    "times": operator.mul,
}
SIGNS: dict[str, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def asked(question: str, answer: int | str) -> Record:
    """A record in the published form."""
    return {"context": f"\n\nQ: What is {question}?\n\nA:", "completion": f" {answer}"}


def two_operands(seed: int, items: int, *, digits: int, operation: str) -> Iterator[Record]:
    """`What is 98 plus 45?` ValueError where there are fewer different ones than `items`."""

    def made() -> Iterator[Record]:
        for draws in rows(seed, f"{digits}-digit-{operation}", 2):
            left, right = (whole(draw, 0, 10**digits) for draw in draws)
            yield asked(f"{left} {operation} {right}", OPERATIONS[operation](left, right))

    return distinct(made(), items)


def three_digits(seed: int, items: int, *, last: bool) -> Iterator[Record]:
    """`What is (9 + 8) * 2?`, or with `last` `What is 9 + (8 * 2)?`. ValueError as `two_operands`."""

    def made() -> Iterator[Record]:
        for draws in rows(seed, "three-operations-last" if last else "three-operations-first", 5):
            a, b, c = (whole(draw, 0 if last else 1, 10) for draw in draws[:3])
            first, second = (one_of(draw, list(SIGNS)) for draw in draws[3:])
            if last:
                yield asked(f"{a} {first} ({b} {second} {c})", SIGNS[first](a, SIGNS[second](b, c)))
            else:
                yield asked(f"({a} {first} {b}) {second} {c}", SIGNS[second](SIGNS[first](a, b), c))

    return distinct(made(), items)
