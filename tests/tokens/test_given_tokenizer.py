"""`kind: file`: a tokenizer that the user has, in any form that says one, and what is refused of it."""

import base64
import json
from pathlib import Path

import pytest
from corpora import contents, counts, workers
from tokenizers_made import KINDS, encode, library, made, texts, unicode_strings

from model.tokenizer import END_OF_TEXT
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.tokens.given import given_tokenizer
from tasks.tokens.kinds import given
from tasks.tokens.tokenizer import end_of_text_of, tokenizer_file, vocabulary_of

MERGES = ["vocab.json", "merges.txt"]
FORMS = [
    *((kind, ["tokenizer.json"]) for kind in KINDS),
    ("byte-bpe", ["tokenizer.tiktoken"]),
    *((kind, names) for kind in ("byte-bpe", "gpt1") for names in (MERGES, MERGES[::-1])),
]
ENDS = {"wordpiece": "[SEP]"}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> dict[str, Artifact]:
    run = Run(tmp_path_factory.mktemp("fitted"), workers(1))
    return {kind: made(run, kind, texts(60, 1), 400) for kind in KINDS}


def bring(run: Run, paths: list[Path], vocabulary: int, end_of_text: str | None = None) -> Artifact:
    files = [{"path": str(path)} for path in paths]
    return run(given_tokenizer, "file", files=files, inside=None, vocabulary=vocabulary, end_of_text=end_of_text)


@pytest.mark.parametrize(("kind", "names"), FORMS)
def test_every_form_gives_the_same_ids(run, fitted, kind, names):
    size = vocabulary_of(fitted[kind])
    artifact = bring(run, [fitted[kind].local(name) for name in names], size, ENDS.get(kind))
    assert end_of_text_of(artifact) == end_of_text_of(fitted[kind])
    assert counts(artifact) == {**counts(artifact), "kind": "file", "vocabulary": size, "asked": size, "documents": 0}
    ours, theirs = encode(fitted[kind]), encode(artifact)
    for text in (*texts(5, 3), *unicode_strings(300, 3)):
        assert theirs(text) == ours(text), repr(text)
    # Ranks hold no special token; vocab.json does, among the model's own tokens, and so does what is made of it.
    again = {name: content for name, content in contents(artifact).items() if name != "tokenizer.json"}
    assert again == {name: content for name, content in contents(fitted[kind]).items() if name != "tokenizer.json"}


def test_a_folder_is_known_by_what_it_holds(tmp_path):
    assert given.patterns(str(tmp_path / "none.json")) == [str(tmp_path / "none.json")]
    assert given.patterns(["a", "b"]) == ["a", "b"]
    for name in ("mine.tiktoken", "encoder.json", "vocab.bpe", "merges.txt", "vocab.json", "tokenizer.json"):
        (tmp_path / name).touch()
        expected = {
            "mine.tiktoken": ["*.tiktoken"], "encoder.json": ["*.tiktoken"], "vocab.bpe": ["encoder.json", "vocab.bpe"],
            "merges.txt": ["encoder.json", "vocab.bpe"], "vocab.json": ["vocab.json", "merges.txt"],
            "tokenizer.json": ["tokenizer.json"],
        }[name]  # fmt: skip
        assert given.patterns(str(tmp_path)) == [str(tmp_path / one) for one in expected]


def test_another_end_of_text(run, fitted, tmp_path):
    """A token that is there is made special; ranks get it as the next id. <|endoftext|> need not be there."""
    about = json.loads(tokenizer_file(fitted["byte-bpe"]).read_bytes())
    size = vocabulary_of(fitted["byte-bpe"])
    about["added_tokens"][0] |= {"content": "<s>", "special": False}
    about |= {"truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}}
    artifact = bring(run, [written(tmp_path / "t.json", about)], size, "<s>")
    assert end_of_text_of(artifact) == size - 1
    kept = json.loads(tokenizer_file(artifact).read_bytes())
    assert [(token["content"], token["special"]) for token in kept["added_tokens"]] == [("<s>", True)]
    assert json.loads(artifact.read("tokenizer_config.json"))["eos_token"] == "<s>"
    text = "the mill <s> races on and on"  # truncated no more
    assert library(tokenizer_file(artifact)).decode(encode(artifact)(text), skip_special_tokens=False) == text
    ranks = bring(run, [fitted["byte-bpe"].local("tokenizer.tiktoken")], size, "<s>")
    assert library(tokenizer_file(ranks)).token_to_id("<s>") == end_of_text_of(ranks) == size - 1


def written(path: Path, about: object) -> Path:
    path.write_text(about if isinstance(about, str) else json.dumps(about))
    return path


@pytest.fixture
def whole(fitted) -> dict[str, object]:
    """What byte-bpe's files hold, for a test to damage."""
    files = fitted["byte-bpe"]
    return {
        "about": json.loads(files.read("tokenizer.json")),
        "ids": json.loads(files.read("vocab.json")),
        "merges": files.read("merges.txt").decode(),
        "ranks": files.read("tokenizer.tiktoken").decode(),
    }


def refused(paths: list[Path], says: str, end_of_text: str | None = None) -> None:
    with pytest.raises(Mistake, match=says) as told:
        given.read(paths, end_of_text)
    assert str(paths[0].parent) in str(told.value) or "files" in str(told.value)


def test_a_damaged_tokenizer_json(tmp_path, whole):
    def with_model(**changes):
        return written(tmp_path / "t.json", {**whole["about"], "model": {**whole["about"]["model"], **changes}})

    ids = whole["about"]["model"]["vocab"]
    refused([written(tmp_path / "t.json", "{")], "not JSON")
    refused([written(tmp_path / "t.json", '{"a": 0, "a": 1}')], "'a' is there twice")
    refused([written(tmp_path / "t.json", whole["ids"])], "no `model`.*merges.txt")
    refused([with_model(type="BP")], "that `tokenizers` reads")
    refused([with_model(vocab={**ids, "Ġ": len(ids) + 7})], f"ids must be 0 to {len(ids)}, each once")
    refused([with_model(vocab={**ids, "Ġ": ids["!"]})], "ids must be|that `tokenizers` reads")
    refused([with_model(merges=[*whole["about"]["model"]["merges"], ["mill", "zzz"]])], "'zzz', which is no token")
    refused([with_model(merges=[["t", "h", "e"]])], "merge 0 is 't h e', which is no pair")
    fewer = {token: n for n, token in enumerate(token for token in ids if token != "Ā")}
    end = {**whole["about"]["added_tokens"][0], "id": len(fewer)}
    bare = {**whole["about"], "added_tokens": [end], "model": {**whole["about"]["model"], "vocab": fewer, "merges": []}}
    refused([written(tmp_path / "t.json", bare)], "1 of the 256 bytes have no id, such as 'Ā'")
    nothing = {**whole["about"], "added_tokens": []}
    refused([written(tmp_path / "t.json", nothing)], r"no token '<\|endoftext\|>'; name the one .* `end_of_text`")
    refused([written(tmp_path / "t.json", whole["about"])], "no token '<s>'", "<s>")
    refused([written(tmp_path / "t.json", whole["about"])], "text that spells 'mill' gets its id", "mill")
    refused([written(tmp_path / "t.json", {**whole["about"], "decoder": None})], "neither all bytes nor a token")


def test_damaged_merges(tmp_path, whole):
    def pair(ids=None, merges=None):
        one = written(tmp_path / "vocab.json", whole["ids"] if ids is None else ids)
        return [one, written(tmp_path / "merges.txt", whole["merges"] if merges is None else merges)]

    ids = dict(whole["ids"])
    refused(pair(merges="#version: 0.2\na b c\n"), "merge 0 is 'a b c', which is no pair")
    refused(pair(merges="#version: 0.2\nq Ġzzz\n"), "merge 0 .*'Ġzzz', which is no token")
    refused(pair({**ids, "more": len(ids) + 1}), f"ids must be 0 to {len(ids)}, each once, but 'more' has")
    refused(pair({**ids, "more": "7"}), "maps tokens to ids, whole numbers")
    refused(pair({"a": 0, "b": 1, END_OF_TEXT: 2}, ""), "254 of the 256 bytes have no id|bytes have no id")
    refused(pair({token: n for token, n in ids.items() if token != END_OF_TEXT}), "no token '<.endoftext.>'")


def test_damaged_ranks(tmp_path, whole):
    def ranks(lines):
        return [written(tmp_path / "x.tiktoken", "\n".join(lines) + "\n")]

    lines = whole["ranks"].splitlines()
    refused(ranks(["hello", *lines]), "line 1: not a token in base64 and its rank")
    refused(ranks([*lines[:5], lines[3], *lines[5:]]), "line 6: ranks must ascend from 0")
    refused(ranks(lines[:100]), "156 of the 256 bytes have no rank")
    strange = base64.b64encode(b"qqqqq").decode()
    refused(ranks([*lines, f"{strange} {len(lines)}"]), "is no two tokens of lower rank")


def test_three_files_are_refused(tmp_path):
    paths = [written(tmp_path / name, "{}") for name in ("a", "b", "c")]
    with pytest.raises(Mistake, match="matches 3 files: name one, or a vocabulary and its merges"):
        given.read(paths, None)


def test_another_size_than_conf_says(run, fitted):
    with pytest.raises(Mistake, match=f"has {vocabulary_of(fitted['gpt1'])} ids, and conf says 50257: write"):
        bring(run, [tokenizer_file(fitted["gpt1"])], 50257)


def test_a_file_elsewhere(run):
    with pytest.raises(Mistake, match="is elsewhere; bring it here"):
        bring(run, ["https://example.org/tokenizer.json"], 50257)


def test_ranks_only_where_they_say_the_same(run, fitted, tmp_path, whole):
    """Of a tokenizer whose ids are not in the order of its merges tiktoken could not give the ids."""
    about = whole["about"]
    ids = about["model"]["vocab"]
    first, last = (token for token, number in ids.items() if number in (256, len(ids) - 1))
    ids[first], ids[last] = ids[last], ids[first]
    artifact = bring(run, [written(tmp_path / "t.json", about)], vocabulary_of(fitted["byte-bpe"]))
    assert "merges.txt" in artifact.files() and "tokenizer.tiktoken" not in artifact.files()
