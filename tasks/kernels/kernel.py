"""What every kernel is compiled with.

`cache`: kept on disk (cache.py). `nogil`: other threads go on meanwhile. `no_cfunc_wrapper`: without the entry for
callbacks from C, which nobody calls and which would be compiled and kept for every kernel.
"""

from functools import partial
from typing import Any

from numba import njit

kernel: Any = partial(njit, cache=True, nogil=True, no_cfunc_wrapper=True)
