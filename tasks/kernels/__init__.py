"""numba functions over Arrow buffers: a text column enters as its buffers, numpy arrays leave.

Nothing here imports anything of ours. Mistakes of the caller raise ValueError. Importing this package sets
numba's cache folder (see cache.py); it does not import numba.
"""

from tasks.kernels import cache

__path__ = cache.prepare(__name__, __path__)
