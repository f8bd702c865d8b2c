"""The deduplication's definition in one pass (DESIGN 4.2): who leaves, and its witness.

In the documents' order, one leaves iff a document that stays, stands before it and shares a bucket with it is
verified: by the bucket itself where that is an exact hash's, else by the signatures' agreement. The witness is
the first such document. What stays is thereby unique, and a removal never hangs on a document that left.
"""

from typing import NamedTuple

import numpy as np
from numba import float64, int64, njit, types

_INTS = types.Array(types.int64, 1, "C")
_READ = types.Array(types.int64, 1, "C", readonly=True)
_FLAGS = types.Array(types.boolean, 1, "C", readonly=True)
_TABLE = types.Array(types.uint32, 2, "C", readonly=True)
_NONE = np.uint32(0xFFFFFFFF)


@njit(int64(_TABLE, int64, int64), cache=True, nogil=True)
def _same(signatures, left, right):
    """Equal places of two signatures; none where one has no shingles."""
    count, empty = int64(0), True
    for i in range(signatures.shape[1]):
        count += signatures[left, i] == signatures[right, i]
        empty &= signatures[left, i] == _NONE
    return 0 if empty else count


@njit(
    int64(_READ, _READ, _FLAGS, _TABLE, float64, int64, _FLAGS, _INTS, types.Array(types.float32, 1, "C")),
    cache=True, nogil=True,
)  # fmt: skip
def _survivors(indptr, buckets, exact, signatures, threshold, cap, fixed, witness, similarity):
    documents = len(indptr) - 1
    # each bucket's survivors: a chain through `buckets`' places, its head, tail, length kept, and true length
    following = np.empty(len(buckets), np.int64)
    owner = np.empty(len(buckets), np.int64)
    head = np.full(len(exact), -1, np.int64)
    tail = np.full(len(exact), -1, np.int64)
    length = np.zeros(len(exact), np.int64)
    compared = np.full(documents, -1, np.int64)  # the last document that this one was compared with
    permutations = signatures.shape[1]
    skipped = int64(0)
    for document in range(documents):
        best, likeness = documents, 0.0
        if not fixed[document]:
            for i in range(indptr[document], indptr[document + 1]):
                bucket = buckets[i]
                node = head[bucket]
                if exact[bucket]:
                    if node >= 0 and owner[node] <= best:
                        best, likeness = owner[node], 1.0
                    continue
                while node >= 0 and owner[node] < best:
                    survivor = owner[node]
                    if compared[survivor] != document:
                        compared[survivor] = document
                        agreement = _same(signatures, document, survivor) / permutations
                        if agreement >= threshold:
                            best, likeness = survivor, agreement
                            break
                    node = following[node]
        if best < documents:
            witness[document] = best
            similarity[document] = likeness
            continue
        witness[document] = -1
        similarity[document] = 0.0
        for i in range(indptr[document], indptr[document + 1]):
            bucket = buckets[i]
            if not fixed[document] and not exact[bucket]:
                skipped += max(0, length[bucket] - cap)
            if length[bucket] < cap and (tail[bucket] < 0 or owner[tail[bucket]] != document):
                owner[i] = document
                following[i] = -1
                if tail[bucket] < 0:
                    head[bucket] = i
                else:
                    following[tail[bucket]] = i
                tail[bucket] = i
            length[bucket] += 1
    return skipped


class Survivors(NamedTuple):
    """What `survivors` answers, by document."""

    witness: np.ndarray  # int64: the document that it duplicates; -1 where it stays
    similarity: np.ndarray  # float32: to the witness: 1 by an exact bucket, else the agreement; 0 where it stays
    skipped: int  # pairs of a document that stays and one of a bucket's survivors past the cap, never compared


def survivors(
    indptr: np.ndarray,
    buckets: np.ndarray,
    exact: np.ndarray,
    signatures: np.ndarray,
    threshold: float,
    cap: int,
    fixed: np.ndarray,
) -> Survivors:
    """Decide for documents 0..n-1, which stand in the definition's order.

    indptr int64 (n+1), buckets int64: CSR, each document's bucket numbers, from 0 to len(exact)-1, none twice.
    exact bool (buckets,): sharing it is proof; elsewhere the signatures must agree in at least `threshold`.
    signatures uint32 (n, permutations). fixed bool (n,): stays without being asked (survivors of sources
    before). A band's bucket keeps its first `cap` survivors. ValueError for arrays that do not fit together.
    """
    n = len(indptr) - 1
    if n < 0 or indptr[0] != 0 or indptr[-1] != len(buckets) or (np.diff(indptr) < 0).any():
        raise ValueError("indptr does not run from 0 up to the number of memberships.")
    if signatures.ndim != 2 or signatures.dtype != np.uint32 or len(signatures) != n or len(fixed) != n:
        raise ValueError(f"{n} documents need as many uint32 signatures and flags, not {signatures.shape}.")
    if len(buckets) and not 0 <= buckets.min() <= buckets.max() < len(exact):
        raise ValueError(f"Bucket numbers must lie from 0 to {len(exact) - 1}.")
    if cap < 1 or signatures.shape[1] < 1:
        raise ValueError(f"cap ({cap}) and the number of permutations must be at least 1.")
    witness = np.empty(n, np.int64)
    similarity = np.empty(n, np.float32)
    skipped = _survivors(
        np.ascontiguousarray(indptr, np.int64),
        np.ascontiguousarray(buckets, np.int64),
        np.ascontiguousarray(exact, np.bool_),
        np.ascontiguousarray(signatures),
        float(threshold),
        int(cap),
        np.ascontiguousarray(fixed, np.bool_),
        witness,
        similarity,
    )
    return Survivors(witness, similarity, int(skipped))
