"""glibc's allocator, told to keep what a training frees and asks for again in the next layer.

By itself glibc gives the top of its heap back to the system whenever twice the largest freed block lies there unused
(M_TRIM_THRESHOLD, mallopt(3)): in a training after nearly every tensor of a backward pass, whose pages the kernel then
clears and maps anew. Measured on 2 cores at the demo's size: an eighth of all CPU time (docs/training.md). No bit of a
result depends on it.
"""

import ctypes

# Parameters of mallopt (malloc.h). The second is the most that glibc takes: larger blocks are the system's, always.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
BLOCK = 1 << 25
KEPT = 1 << 30  # bytes that may lie unused: 64 blocks of the demo's logits


def keep_freed_memory() -> bool:
    """For this process, from now on. False, and nothing done, where the C library is another (macOS, musl)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(M_MMAP_THRESHOLD, BLOCK)) and bool(mallopt(M_TRIM_THRESHOLD, KEPT))
