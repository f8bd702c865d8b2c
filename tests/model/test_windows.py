"""The loader: what is read at index i, and that nothing but i decides it."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.files import Folder
from model.token_shards import Part, Stream
from model.windows import Windows, counts_in_period, permute, schedule

CONTEXT, VOCABULARY = 32, 257


@pytest.fixture
def windows(corpus) -> Windows:
    return Windows(corpus / "mixture.json", corpus, CONTEXT, VOCABULARY, seed=1)


@given(st.integers(1, 5000), st.binary(max_size=8))
@settings(max_examples=30, deadline=None)
def test_permutation_is_one(n, key):
    assert sorted(permute(i, n, key) for i in range(n)) == list(range(n))


def test_permutation_looks_random():
    places = np.array([permute(i, 1000, b"k") for i in range(1000)])
    assert abs(np.corrcoef(places, np.arange(1000))[0, 1]) < 0.1
    assert abs(np.corrcoef(places[1:], places[:-1])[0, 1]) < 0.1
    assert (places == np.arange(1000)).sum() < 8


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=9))
@settings(max_examples=50, deadline=None)
def test_every_prefix_holds_the_weights_within_one_window(asked):
    weights = [weight / sum(asked) for weight in asked]
    counts = counts_in_period(weights)
    group, nth = schedule(counts)
    period = len(group)
    exact = np.array(counts) / period
    np.testing.assert_allclose(exact, weights, atol=1 / 65536)
    held = np.cumsum(group[:, None] == np.arange(len(counts)), axis=0)  # (period, groups), after each place
    assert np.abs(held - np.arange(1, period + 1)[:, None] * exact).max() < 1
    assert held[-1].tolist() == counts
    for g in range(len(counts)):
        assert nth[group == g].tolist() == list(range(counts[g]))


def test_gpt3_weights_are_exact():
    assert counts_in_period([w / 101 for w in (60, 22, 8, 8, 3)]) == [60, 22, 8, 8, 3]


def test_each_window_once_an_epoch_in_another_order_the_next(windows):
    seen: dict[tuple[int, int], list[int]] = {}
    for i in range(500):
        g, epoch, place = windows.where(i)
        seen.setdefault((g, epoch), []).append(place)
    for g, group in enumerate(windows.groups):
        epochs = [places for (of, _), places in sorted(seen.items()) if of == g]
        assert len(epochs) > 2
        for places in epochs[:-1]:
            assert sorted(places) == list(range(group.windows))
        assert epochs[0] != epochs[1]
    assert Counter(windows.where(i)[0] for i in range(101)) == {0: 60, 1: 41}


def test_windows_tile_the_groups_stream(windows, corpus):
    whole = np.concatenate([np.fromfile(path, "<u2") for path in sorted(Path(corpus).glob("tokens/cc-*/*.train.bin"))])
    assert len(whole) == 1000 + 777 + 500 and windows.groups[0].windows == (2277 - 1) // CONTEXT
    for i in range(200):
        g, _, place = windows.where(i)
        if g == 0:
            streams, (group,) = windows.read(i, i + 1)
            (tokens,) = streams["tokens"]
            assert group == 0 and tokens.tolist() == whole[place * CONTEXT : place * CONTEXT + CONTEXT + 1].tolist()


def test_documents_that_count_several_times_come_again_behind_all_others(tmp_path, make):
    """An epoch: every shard whole, then what counts twice or more, then thrice or more, source by source."""

    def source(name, shards):
        entry = make.source(tmp_path / f"tokens/{name}", [(tokens, [7]) for tokens, _ in shards])
        path = tmp_path / f"tokens/{name}/tokens.json"
        about = json.loads(path.read_bytes())
        listed = [shard | {"clusters": parts} for shard, (_, parts) in zip(about["shards"], shards, strict=True)]
        path.write_text(json.dumps(about | {"sizes": [1, 2, 4, 9], "shards": listed}))
        del entry["tokens_json_sha256"]
        return entry | {"times": [1, 2, 3, 1]}

    a = source("a", [(range(10), [4, 3, 2, 1]), ([], [0, 0, 0, 0]), (range(20, 25), [0, 1, 4, 0])])
    b = source("b", [(range(30, 33), [1, 0, 2, 0])])
    plain = make.source(tmp_path / "tokens/plain", [(range(40, 44), [])])
    mixture = make.mixture(tmp_path / "m.json", [("g", 1, [a, plain, b])])
    windows = Windows(mixture, tmp_path, 8, VOCABULARY, 1)
    whole = [*range(10), *range(20, 25), *range(40, 44), *range(30, 33)]
    twice = [4, 5, 6, 7, 8, 20, 21, 22, 23, 24, 31, 32]
    thrice = [7, 8, 21, 22, 23, 24, 31, 32]
    stream = windows.groups[0].stream
    assert stream.read(0, stream.tokens).tolist() == [*whole, *twice, *thrice]
    assert windows.groups[0].windows == (len(whole) + len(twice) + len(thrice) - 1) // 8
    assert windows.validation["a"].stream.tokens == 3
    path = make.mixture(tmp_path / "m2.json", [("g", 1, [a | {"times": [1, 2]}])])
    with pytest.raises(ValueError, match=r"a/tokens\.json and .*m2\.json differ in sizes of clusters"):
        Windows(path, tmp_path, 8, VOCABULARY, 1)


def test_any_division_reads_the_same_sequence(windows, corpus):
    streams, groups = windows.read(0, 120)
    again = Windows(corpus / "mixture.json", corpus, CONTEXT, VOCABULARY, seed=1)
    start = 77  # resume needs this integer only
    pieces = [again.read(i, i + 1) for i in range(start, 83)] + [again.read(83, 120)]
    assert np.array_equal(np.concatenate([piece["tokens"] for piece, _ in pieces]), streams["tokens"][start:])
    assert np.array_equal(np.concatenate([piece for _, piece in pieces]), groups[start:])
    other, same_groups = Windows(corpus / "mixture.json", corpus, CONTEXT, VOCABULARY, seed=2).read(0, 120)
    assert not np.array_equal(other["tokens"], streams["tokens"])
    assert np.array_equal(same_groups, groups)  # the seed moves places, not the mixture


def test_what_each_group_was_served(windows):
    for total in (0, 1, 100, 101, 250):
        counted = Counter(windows.where(i)[0] for i in range(total))
        assert windows.served(total) == [counted[0], counted[1]]


def test_held_out_windows_are_of_one_document_and_predict_each_token_once(windows, corpus):
    """Two shards: 150 tokens, a document of 100 and 50 of another; and 10 of a third."""
    held_out = windows.validation["cc-a"]
    read = list(held_out.read())
    whole = np.concatenate(
        [np.fromfile(path, "<u2") for path in sorted(Path(corpus).glob("tokens/cc-a/*.validation.bin"))]
    )
    assert [len(window) for window in read] == [33, 33, 33, 5, 33, 19, 11]
    assert np.array_equal(np.concatenate([window[1:] for window in read]), whole)
    end = windows.end_of_text
    assert [int(window[0]) for window in read] == [end, whole[31], whole[63], whole[95], end, whole[131], end]
    assert held_out.documents() == ["cc-a:0-0"] * 4 + ["cc-a:0-1"] * 2 + ["cc-a:2-0"]
    assert [window.tolist() for window in held_out.read(2)] == [window.tolist() for window in read[:2]]
    assert list(windows.validation["cc-b"].read()) == [] == windows.validation["cc-b"].documents()


def test_a_sample_that_the_shards_do_not_hold_is_refused(tmp_path, make):
    source = make.source(tmp_path / "tokens/good", [(make.text(200, 1), make.text(50, 2))])
    for at, wrong in (("1", {"shard": "00009"}), ("2", {"start": 20}), ("3", {"start": -1}), ("4", {"tokens": 33})):
        sample = [source["sample"][0] | wrong]
        mixture = make.mixture(tmp_path / f"{at}.json", [("g", 1, [source | {"sample": sample}])])
        with pytest.raises(ValueError, match=r"window 0 of good:0-0 is tokens .* make the mixture again"):
            Windows(mixture, tmp_path, CONTEXT, VOCABULARY, 1)
    mixture = make.mixture(tmp_path / "m.json", [("g", 1, [source])])
    mixture.write_text(json.dumps(json.loads(mixture.read_text()) | {"context": 64}))
    with pytest.raises(ValueError, match=r"m\.json was made for a context of 64, the model's is 32"):
        Windows(mixture, tmp_path, CONTEXT, VOCABULARY, 1)


def test_streams_beside_tokens_lie_at_the_same_places(tmp_path, make):
    """A loss mask that is 1 where the token is even: of every window of two sources, read twice over in part."""
    sources = []
    for name, sizes in (("a", (100, 61)), ("b", (80,))):
        shards = [make.text(size, size) for size in sizes]
        masks = [tokens % 2 == 0 for tokens in shards]
        source = make.source(
            tmp_path / f"tokens/{name}", [(tokens, []) for tokens in shards], beside={"loss_mask": masks}
        )
        path = tmp_path / f"tokens/{name}/tokens.json"
        about = json.loads(path.read_text())
        parts = [shard | {"clusters": [shard["train"] - 7, 7]} for shard in about["shards"]]
        path.write_text(json.dumps(about | {"sizes": [1, 2], "shards": parts}))
        del source["tokens_json_sha256"]
        sources.append(source | {"times": [1, 2]})
    windows = Windows(make.mixture(tmp_path / "m.json", [("g", 1, sources)]), tmp_path, 8, VOCABULARY, 1)
    streams, _ = windows.read(0, 3 * windows.groups[0].windows)
    assert list(streams) == ["tokens", "loss_mask"] and streams["loss_mask"].shape == streams["tokens"].shape
    assert np.array_equal(streams["loss_mask"], streams["tokens"] % 2 == 0) and 0 < streams["loss_mask"].mean() < 1

    plain = make.source(tmp_path / "tokens/plain", [(make.text(50, 1), [])])
    mixture = make.mixture(tmp_path / "m2.json", [("g", 1, [sources[0]]), ("h", 1, [plain])])
    with pytest.raises(
        ValueError, match=r"plain/tokens\.json has the streams tokens \(uint16\), .*loss_mask \(uint8\)"
    ):
        Windows(mixture, tmp_path, 8, VOCABULARY, 1)
    short = tmp_path / "tokens/b/00000.train.loss_mask.bin"
    whole = short.read_bytes()
    short.write_bytes(whole[:-1])
    with pytest.raises(
        ValueError, match=r"loss_mask\.bin holds 79 bytes, but tokens\.json promises 80 tokens of uint8"
    ):
        Windows(tmp_path / "m.json", tmp_path, 8, VOCABULARY, 1)
    short.write_bytes(bytes([1 - whole[0]]) + whole[1:])
    with pytest.raises(ValueError, match=r"loss_mask\.bin is damaged: .*millrace repair"):
        Windows(tmp_path / "m.json", tmp_path, 8, VOCABULARY, 1).read(0, 60)
    short.unlink()
    with pytest.raises(ValueError, match=r"loss_mask\.bin is missing"):
        Windows(tmp_path / "m.json", tmp_path, 8, VOCABULARY, 1)


def test_stream_reads_across_files(tmp_path):
    parts = []
    for n, size in enumerate([3, 0, 1, 5]):
        np.arange(10 * n, 10 * n + size, dtype="<u2").tofile(tmp_path / f"{n}.bin")
        parts.append(Part(f"{n}.bin", size))
    stream = Stream(Folder(tmp_path), parts, np.dtype("<u2"))
    assert stream.read(0, 9).tolist() == [0, 1, 2, 20, 30, 31, 32, 33, 34] and stream.read(2, 3).tolist() == [2, 20, 30]
    (tmp_path / "3.bin").write_bytes(b"abcd")  # cut short while it is being read
    with pytest.raises(ValueError, match=r"3\.bin ends before its 5 tokens: make the tokens again"):
        stream.read(0, 9)


def test_wrong_tokens_are_refused_with_a_sentence(tmp_path, make):
    good = make.source(tmp_path / "tokens/good", [(make.text(100, 1), [])])
    mixture = make.mixture(tmp_path / "m.json", [("g", 1, [good])])
    with pytest.raises(ValueError, match="'g' has 100 training tokens, fewer than one window of 129"):
        Windows(mixture, tmp_path, 128, VOCABULARY, 1)
    with pytest.raises(ValueError, match="vocabulary of 257"):
        Windows(mixture, tmp_path, 32, 256, 1)
    other = make.source(tmp_path / "tokens/other", [(make.text(100, 1), [])], tokenizer="t2")
    with pytest.raises(ValueError, match=r"other/tokens\.json was made by tokenizer t2, but .* has tokenizer t1"):
        Windows(make.mixture(tmp_path / "m2.json", [("g", 1, [good, other])]), tmp_path, 32, VOCABULARY, 1)
    (tmp_path / "tokens/good/00000.train.bin").write_bytes(b"xx")
    with pytest.raises(ValueError, match=r"holds 2 bytes, but tokens\.json promises 100"):
        Windows(mixture, tmp_path, 32, VOCABULARY, 1)


@pytest.mark.parametrize(("tokens", "count"), [(33, 1), (64, 1), (65, 2), (66, 2), (97, 3)])
def test_a_window_is_there_exactly_when_its_last_target_is(tmp_path, make, tokens, count):
    """context + 1 tokens make one; a stream of an exact multiple of the context lacks its last window's last target."""
    text = make.text(tokens, 1)
    source = make.source(tmp_path / "tokens/good", [(text, [])])
    mixture = make.mixture(tmp_path / "m.json", [("g", 1, [source])])
    windows = Windows(mixture, tmp_path, CONTEXT, VOCABULARY, 1)
    assert windows.groups[0].windows == count
    read = sorted((windows.where(i)[2], windows.read(i, i + 1)[0]["tokens"][0].tolist()) for i in range(count))
    assert read == [(n, list(text[n * CONTEXT : n * CONTEXT + CONTEXT + 1])) for n in range(count)]


def test_a_stream_of_exactly_the_context_is_too_short(tmp_path, make):
    source = make.source(tmp_path / "tokens/good", [(make.text(CONTEXT, 1), [])])
    with pytest.raises(ValueError, match="'g' has 32 training tokens, fewer than one window of 33"):
        Windows(make.mixture(tmp_path / "m.json", [("g", 1, [source])]), tmp_path, CONTEXT, VOCABULARY, 1)


def test_a_held_out_window_of_one_token_is_read(tmp_path, make):
    """33 tokens of one document: a window of 32 and one of the token that is left, each with the token before it."""
    held_out = make.text(33, 2)
    source = make.source(tmp_path / "tokens/good", [(make.text(100, 1), held_out)])
    mixture = make.mixture(tmp_path / "m.json", [("g", 1, [source])])
    windows = Windows(mixture, tmp_path, CONTEXT, VOCABULARY, 1)
    first, last = (window.tolist() for window in windows.validation["good"].read())
    assert first == [windows.end_of_text, *held_out[:32]] and last == list(held_out[31:33])


def test_groups_of_one_size_and_epochs_are_read_in_orders_of_their_own(tmp_path, make):
    """The orders of two groups, and of a group's two epochs, agree as two random orders do: once on average."""
    sources = [make.source(tmp_path / f"tokens/{name}", [(make.text(6401, n), [])]) for n, name in enumerate("ab")]
    mixture = make.mixture(tmp_path / "m.json", [("a", 1, [sources[0]]), ("b", 1, [sources[1]])])
    windows = Windows(mixture, tmp_path, CONTEXT, VOCABULARY, 1)
    orders: dict[tuple[int, int], list[int]] = {}
    for i in range(800):
        group, epoch, place = windows.where(i)
        orders.setdefault((group, epoch), []).append(place)
    assert {key: len(order) for key, order in orders.items()} == dict.fromkeys([(0, 0), (0, 1), (1, 0), (1, 1)], 200)
    for one, other in (((0, 0), (1, 0)), ((0, 1), (1, 1)), ((0, 0), (0, 1)), ((1, 0), (1, 1))):
        assert sum(a == b for a, b in zip(orders[one], orders[other], strict=True)) < 8  # Poisson(1): 1e-5 beyond
