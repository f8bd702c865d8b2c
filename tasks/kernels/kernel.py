"""What every kernel is compiled with.

`cache`: kept on disk (cache.py). `nogil`: other threads go on meanwhile. `no_cfunc_wrapper`: without the entry that C
callbacks would need, which nobody calls: a seventh of the time that compiling took.
"""

from functools import partial
from typing import Any

from numba import njit

kernel: Any = partial(njit, cache=True, nogil=True, no_cfunc_wrapper=True)
