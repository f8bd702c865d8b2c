"""Where a document holds grams: each gram once for places whose margins touch, so that a page cannot multiply them.

What is cut is the union of the spans of those grams that count. The spans of one gram may be joined before it is known
which grams count: they count together or not at all. So nothing is lost, whatever `frequent` and the rules say later,
and a page of 1 GB that says one gram over and over has one span for each ROOM of its places.
"""

import numpy as np
import pyarrow as pa

from tasks.kernels.margins import locate
from tasks.kernels.ngrams import Grams


def spans(found: Grams, begins: tuple[np.ndarray, np.ndarray, np.ndarray], margin: int, state: np.ndarray) -> pa.Table:
    """A table of HITS (hits.py) of grams in the rows of a text, one at least, in the order of row and cut_start.

    begins: the text's buffers. state: of `margins.locate`, for grams that come in several calls.
    """
    row, start, end = found.row, found.start, found.end
    located = locate(*begins, row, start, end, margin, state)
    cut_start, cut_end = located[:, 0], located[:, 1]
    gram = found.gram.view(np.int64)
    order = np.lexsort((cut_start, gram, row))
    before, after = order[:-1], order[1:]
    # Places of a gram end in the order in which they begin, since it has so many units; and so do their margins.
    apart = (row[before] != row[after]) | (gram[before] != gram[after]) | (cut_start[after] > cut_end[before])
    first = np.flatnonzero(np.append(True, apart))
    last = np.append(first[1:], len(order)) - 1
    lead, end_of = order[first], order[last]
    table = {
        "row": row[lead],
        "gram": gram[lead],
        "count": last - first + 1,
        "start": start[lead],
        "end": end[lead],
        "cut_start": cut_start[lead],
        "cut_end": cut_end[end_of],
        "from_character": located[lead, 2],
        "to_character": located[end_of, 3],
        "characters": located[lead, 4],
    }
    again = np.lexsort((table["gram"], table["cut_end"], table["cut_start"], table["row"]))
    return pa.table({name: np.ascontiguousarray(column[again]) for name, column in table.items()})
