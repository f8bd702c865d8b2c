"""Token shards: what they hold decodes to the pieces, and their index and counts say where."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from corpora import contents, counts, decided, document_id, source, workers

from model.tokenizer import END_OF_TEXT
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.runtime.stage import stage
from tasks.tokens.mixture import mixture
from tasks.tokens.pieces import pieces
from tasks.tokens.tokenizer import Learned, tokenizer, tokenizer_file
from tasks.tokens.tokens import Encoded, Tokenised, TokenShards, tokens

TEXTS = [f"the {n} mill races of wörld {n * n} 漢字 \U0001f600\n" * (n % 7 + 1) for n in range(600)]
VALIDATION, SEED = 0.2, 1


def trained(run: Run, documents: Artifact, decision: Artifact) -> Artifact:
    how = {"vocabulary": 300, "sample": 20_000, "validation": VALIDATION, "seed": SEED}
    return run(tokenizer, "bpe", documents={"web": documents}, decisions={"web": decision}, shares={"web": 1.0}, **how)


def encoded(run: Run, documents: Artifact, decision: Artifact, by: Artifact) -> Artifact:
    return run(tokens, "web", documents=documents, decision=decision, tokenizer=by, validation=VALIDATION, seed=SEED)


def check(documents: Artifact, decision: Artifact, by: Artifact, made: Artifact) -> int:
    """Every shard against its pieces; the number of pieces."""
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(tokenizer_file(by)))
    about = TokenShards.of(made).about
    end = library.get_vocab_size() - 1
    assert about["end_of_text"] == end == library.token_to_id(END_OF_TEXT)
    assert about["vocabulary"] == library.get_vocab_size() and about["tokenizer"] == by.fingerprint
    assert [shard["key"] for shard in about["shards"]] == [shard.key for shard in documents.shards()]
    count = 0
    for shard, shard_counts in zip(documents.shards(), about["shards"], strict=True):
        streams = {
            split: np.fromfile(made.folder / f"{shard.key}.{split}.bin", np.dtype(about["dtype"]).newbyteorder("<"))
            for split in ("train", "validation")
        }
        rows = pq.read_table(made.folder / f"{shard.key}.parquet").to_pylist()
        expected = list(pieces(shard, decision, VALIDATION, SEED))
        assert [(row["id"], row["split"] == "validation") for row in rows] == [(p.id, p.validation) for p in expected]
        at = {"train": 0, "validation": 0}
        for row, piece in zip(rows, expected, strict=True):
            assert row["start"] == at[row["split"]]
            ids = streams[row["split"]][row["start"] : row["start"] + row["tokens"]].tolist()
            assert ids[-1] == end and end not in ids[:-1]
            assert library.decode(ids[:-1], skip_special_tokens=False) == piece.text
            at[row["split"]] += row["tokens"]
        assert at == {split: len(stream) for split, stream in streams.items()}
        files = made.files()
        checksums = {f"{split}_sha256": files[f"{shard.key}.{split}.bin"].sha256 for split in at}
        assert shard_counts == {"key": shard.key, **at, **checksums}
        count += len(expected)
    assert about["streams"] == {"tokens": about["dtype"]}
    train = np.concatenate([TokenShards.of(made).read(file) for file in TokenShards.of(made).files("train")])
    assert np.array_equal(TokenShards.of(made).id_counts(), np.bincount(train, minlength=about["vocabulary"]))
    sums = {split: sum(shard[split] for shard in about["shards"]) for split in ("train", "validation")}
    assert sums == {split: counts(made)[split] for split in sums} and min(sums.values()) > 0
    return count


def test_streams_decode_to_the_pieces(run):
    documents = source(run, "web", TEXTS, shards=3)
    ids = [document_id("web", n) for n in range(600)]
    decision = decided(run, documents, ids[10:20], {ids[n]: [(4, 8)] for n in range(0, 600, 3) if not 10 <= n < 20})
    by = trained(run, documents, decision)
    made = encoded(run, documents, decision, by)
    cut = len([n for n in range(0, 600, 3) if not 10 <= n < 20])
    assert check(documents, decision, by, made) == counts(made)["documents"] == 590 + cut
    assert TokenShards.of(made).about["dtype"] == "uint16"


def test_a_text_that_says_endoftext_makes_no_document(run):
    """Else a page could end a document at its will; the audit, too, sets documents apart by that token."""
    texts = [f"{n} said <|endoftext|> twice <|endoftext|>" for n in range(40)]
    documents = source(run, "web", texts)
    decision = decided(run, documents)
    by = trained(run, documents, decision)
    assert check(documents, decision, by, encoded(run, documents, decision, by)) == 40


def test_bytes_do_not_depend_on_workers(run, tmp_path):
    found = []
    for name, engine in (("one", run.engine), ("two", workers(2))):
        other = Run(tmp_path / name, engine)
        documents = source(other, "web", TEXTS[:100], shards=3)
        decision = decided(other, documents)
        found.append(contents(encoded(other, documents, decision, trained(other, documents, decision))))
    assert found[0] == found[1]


@stage("tokenizer", kind="fit", version="wide")
def wide(job: Job, *, size: int) -> Learned:
    """A tokenizer without merges whose last ids lie past 65,535: bytes above 0x7F are its last ones but one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {f"unused {n}": n for n in range(size - 257)}
    vocabulary |= {symbol: size - 257 + n for n, symbol in enumerate(symbols)}
    made = Tokenizer(models.BPE(vocabulary, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([END_OF_TEXT])
    with job.publish("tokenizer.json") as file:
        file.write(made.to_str().encode())
    return Learned(made.get_vocab_size(), end_of_text=made.token_to_id(END_OF_TEXT))


@pytest.mark.parametrize(("size", "dtype"), [(65_536, "uint16"), (65_537, "uint32"), (70_000, "uint32")])
def test_a_vocabulary_past_16_bits(run, size, dtype):
    documents = source(run, "web", TEXTS[:30])
    decision = decided(run, documents)
    by = run(wide, "wide", size=size)
    made = encoded(run, documents, decision, by)
    about = TokenShards.of(made).about
    assert (about["dtype"], about["end_of_text"]) == (dtype, size - 1)
    assert check(documents, decision, by, made) == 30
    bytes_ = (made.folder / "00000.train.bin").stat().st_size
    assert bytes_ == about["shards"][0]["train"] * np.dtype(dtype).itemsize


@pytest.mark.parametrize("kind", ["gpt1", "wordpiece"])
def test_kinds_that_know_words(run, kind):
    """Encoded as the library alone does it, each document followed by what ends one in that kind."""
    from tokenizers import Tokenizer

    documents = source(run, "web", TEXTS[:200], shards=2)
    decision = decided(run, documents)
    how = {"kind": kind, "vocabulary": 200, "sample": 20_000, "validation": VALIDATION, "seed": SEED}
    given = {"documents": {"web": documents}, "decisions": {"web": decision}, "shares": {"web": 1.0}}
    by = run(tokenizer, kind, **given, **how)
    made = encoded(run, documents, decision, by)
    about = TokenShards.of(made).about
    end = "[SEP]" if kind == "wordpiece" else END_OF_TEXT
    library = Tokenizer.from_file(str(tokenizer_file(by)))
    assert about["end_of_text"] == library.token_to_id(end)
    for shard in documents.shards():
        for split in ("train", "validation"):
            expected = [
                number
                for piece in pieces(shard, decision, VALIDATION, SEED)
                if piece.validation == (split == "validation")
                for number in [*library.encode(piece.text, add_special_tokens=False).ids, about["end_of_text"]]
            ]
            assert TokenShards.of(made).read(f"{shard.key}.{split}.bin").tolist() == expected and expected


def test_bytes_and_tokens_by_language(run):
    languages = [("en", "de", None)[n % 3] for n in range(90)]
    documents = source(run, "web", TEXTS[:90], shards=2, languages=languages)
    decision = decided(run, documents, cuts={document_id("web", 1): [(4, 8)]})
    made = encoded(run, documents, decision, trained(run, documents, decision))
    of = {document_id("web", n): language or "unknown" for n, language in enumerate(languages)}
    rows = [row for shard in made.shards() for row in read(shard, ["id", "tokens"]).to_pylist()]
    sizes = {
        piece.id: len(piece.text.encode())
        for shard in documents.shards()
        for piece in pieces(shard, decision, VALIDATION, SEED)
    }
    expected: dict[str, Encoded] = {}
    for row in rows:
        before = expected.get(language := of[row["id"].partition("#")[0]], Encoded())
        size, count = sizes[row["id"]], row["tokens"]
        expected[language] = Encoded(before.documents + 1, before.bytes + size, before.tokens + count)
    assert made.counts(Tokenised).languages == expected and set(expected) == {"en", "de", "unknown"}


def test_tokens_refuse_another_tokenizer(run):
    documents = source(run, "web", TEXTS[:40])
    decision = decided(run, documents)
    by, other = trained(run, documents, decision), run(wide, "wide", size=70_000)
    shards = TokenShards.of(encoded(run, documents, decision, by))
    shards.require(by)
    with pytest.raises(Failure, match=f"made by tokenizer {by.fingerprint}, not by .*{other.fingerprint}.*again"):
        shards.require(other)


def test_weights_tokenise_nothing(run):
    """`tokens` knows no weights: with others, its artifact is the same one, and only the mixture another."""
    documents = source(run, "web", TEXTS[:60])
    decision = decided(run, documents)
    made, plans = [], []
    for weight in (1.0, 2.0):
        made.append(encoded(run, documents, decision, trained(run, documents, decision)))
        arguments = {"tokens": {"web": made[-1]}, "groups": {"web": "web"}, "budget": 1000, "seed": 1}
        arguments |= {"context": 32, "validation": 0.0, "validation_windows": 0}
        plans.append(run(mixture, "small", weights={"web": weight}, **arguments))
    assert made[0].fingerprint == made[1].fingerprint and plans[0].fingerprint != plans[1].fingerprint
    assert "weight" not in json.dumps(made[0].recipe["parameters"])


def test_nothing_left(run):
    documents = source(run, "web", TEXTS[:30])
    by = trained(run, documents, decided(run, documents))
    dropped = decided(run, documents, dropped=[document_id("web", n) for n in range(30)])
    made = encoded(run, documents, dropped, by)
    nothing = {"documents": 0, "bytes": 0, "train": 0, "validation": 0}
    assert counts(made) == {**nothing, "clusters": {}, "languages": {}}
    assert not TokenShards.of(made).id_counts().any()
    assert (made.folder / "00000.train.bin").stat().st_size == 0
