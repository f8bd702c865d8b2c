"""Signatures against datasketch's, the hashes beneath them against their plain twin."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels import minhash

from . import twins
from .strategies import TEXTS

WORDS = [f"w{i}" for i in range(500)]


def column(texts) -> pa.Array:
    return pa.array(texts, pa.large_string())


@given(TEXTS, st.integers(1, 4))
def test_shingle_hashes(texts, shingle):
    _, shingles, _ = minhash.signatures(column(texts), shingle, 4)
    for row, text in enumerate(texts):
        expected = twins.shingle_hashes(text or "", shingle)
        assert minhash.shingle_hashes(column(texts), row, shingle).tolist() == expected
        assert shingles[row] == len(expected)


@pytest.mark.parametrize(("permutations", "seed", "shingle"), [(128, 1, 5), (10, 7, 1), (200, 2**32 - 1, 3)])
def test_signatures_are_datasketchs(permutations, seed, shingle):
    from datasketch import MinHash

    source = np.random.default_rng(0)
    sizes = [0, 1, shingle - 1, shingle, 40, 511 + shingle, 512 + shingle, 513 + shingle, 3000]
    texts = [" ".join(source.choice(WORDS, size)) for size in sizes]
    signatures, _, _ = minhash.signatures(column(texts), shingle, permutations, seed)
    assert signatures.dtype == np.uint32
    for row in range(len(texts)):
        theirs = MinHash(permutations, seed, hashfunc=int, scheme="affine32")
        theirs.update_batch(minhash.shingle_hashes(column(texts), row, shingle))
        assert np.array_equal(theirs.hashvalues, signatures[row])


def test_agreement_is_datasketchs_and_estimates_jaccard():
    from datasketch import MinHash

    source = np.random.default_rng(1)
    first = [" ".join(source.choice(WORDS, 300)) for _ in range(200)]
    second = [" ".join(text.split()[:keep]) for text, keep in zip(first, source.integers(1, 301, 200), strict=True)]
    one, count, _ = minhash.signatures(column(first))
    other, fewer, _ = minhash.signatures(column(second))
    estimate = minhash.agreement(one, other)
    assert estimate.dtype == np.float32
    assert np.abs(estimate - fewer / count).mean() < 0.04  # the shingles of the second are among the first's
    theirs = [
        MinHash(hashvalues=a, seed=1, scheme="affine32").jaccard(MinHash(hashvalues=b, seed=1, scheme="affine32"))
        for a, b, n in zip(one, other, fewer, strict=True)
        if n
    ]
    assert np.array_equal(estimate[fewer > 0], np.float32(theirs))
    assert (estimate[fewer == 0] == 0).all()
    assert minhash.agreement(other, other)[fewer == 0].sum() == 0
    with pytest.raises(ValueError, match="compared"):
        minhash.agreement(one, other[:3])


@given(TEXTS)
def test_exact_hash_sees_the_words_alone(texts):
    """And where there are none, the bytes."""
    texts = [text or "" for text in texts]
    _, _, exact = minhash.signatures(column(texts), permutations=1)
    folded = [" ".join(word for word, _, _ in twins.words(text)) for text in texts]
    other = [
        f"\u2003{words}\n".replace(" ", " \t ") if words else text for words, text in zip(folded, texts, strict=True)
    ]
    _, _, again = minhash.signatures(column(other), permutations=1)
    assert np.array_equal(exact, again)
    for i, j in np.ndindex(len(texts), len(texts)):
        same = folded[i] == folded[j] and (folded[i] != "" or texts[i] == texts[j])
        assert [bool(exact[i, half] == exact[j, half]) for half in (0, 1)] == [same, same]


def test_exact_hash_sees_order_and_borders():
    texts = ["a b c", "a c b", "ab c", "a bc", "abc", "a b c a", "", "A,  B—\u3000C", "ΑΣ", "ας", "ασ"]
    _, _, exact = minhash.signatures(column(texts))
    assert len({tuple(row) for row in exact}) == 8
    assert (exact[0] == exact[7]).all()
    assert (exact[8:] == exact[8]).all()


def test_texts_without_words_are_copies_only_of_themselves():
    texts = ["😀", "👍", "- - -", "---", " ", "", "---", "\x01"]
    _, shingles, exact = minhash.signatures(column(texts))
    assert not shingles.any()
    assert len({tuple(row) for row in exact}) == 7
    assert (exact[3] == exact[6]).all()


def test_a_chinese_page_changed_in_one_character_is_a_near_copy():
    generator = np.random.default_rng(3)
    page = "".join(chr(code) + "，" * (n % 11 == 0) for n, code in enumerate(generator.integers(0x4E00, 0x5E00, 300)))
    signatures, shingles, exact = minhash.signatures(column([page, page.replace(page[150], "的"), page[::-1]]))
    assert shingles.tolist() == [296] * 3
    assert (exact[0] != exact[1]).any()
    assert minhash.agreement(signatures[[0, 0]], signatures[[1, 2]]).tolist() == pytest.approx([0.97, 0], abs=0.04)


def test_bands():
    signatures = np.random.default_rng(0).integers(0, 3, (400, 8), dtype=np.uint32)
    keys = minhash.bands(signatures, 3, 2)
    assert (keys.dtype, keys.shape) == (np.int64, (400, 3))
    for band in range(3):
        pairs = [tuple(row) for row in signatures[:, 2 * band : 2 * band + 2].tolist()]
        meant = dict(zip(pairs, keys[:, band].tolist(), strict=True))
        assert [meant[pair] for pair in pairs] == keys[:, band].tolist()
        assert len(set(meant.values())) == len(meant) == 9
    assert len(set(keys.ravel().tolist())) == 27
    assert minhash.bands(np.array([[1, 2]], np.uint32), 1, 2) != minhash.bands(np.array([[2, 1]], np.uint32), 1, 2)


def test_slices_do_not_show():
    texts = [" ".join(f"{i}" for i in range(n)) for n in range(60)]
    whole, shingles, exact = minhash.signatures(column(["front matter", *texts, "end"]))
    part = minhash.signatures(column(["front matter", *texts, "end"]).slice(10, 20))
    for all_rows, some in zip((whole, shingles, exact), part, strict=True):
        assert np.array_equal(all_rows[10:30], some)


def test_mistakes():
    with pytest.raises(ValueError, match="shingle"):
        minhash.signatures(column(["a"]), shingle=0)
    with pytest.raises(ValueError, match="permutations"):
        minhash.signatures(column(["a"]), permutations=0)
    with pytest.raises(ValueError, match="No row 1"):
        minhash.shingle_hashes(column(["a"]), 1)
    with pytest.raises(ValueError, match="do not fit"):
        minhash.bands(np.zeros((1, 8), np.uint32), 3, 3)
    with pytest.raises(ValueError, match="uint32"):
        minhash.bands(np.zeros((1, 8), np.int64), 1, 1)
