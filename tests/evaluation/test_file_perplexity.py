"""`file-perplexity`: closed forms on a model that knows nothing, what is counted of a file, the same bytes always."""

import gzip
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from corpora import REAL, Counted, contents, counts, workers

from conf.perplexity import FilePerplexity as Conf
from model import checkpoint
from model.config import Architecture
from model.gpt import GPT
from model.score import load
from model.tokenizer import Tokenizer
from tasks.evaluation.detokenise import RULES
from tasks.evaluation.file_perplexity import file_perplexity, pieces
from tasks.models.files import MODEL_FILES, model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage

CONTEXT, VOCABULARY, END = 16, 257, 256  # the bytes and <|endoftext|>


def byte_tokenizer() -> bytes:
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers

    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    library = Library(models.BPE({**{s: n for n, s in enumerate(symbols)}, "<|endoftext|>": END}, []))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens(["<|endoftext|>"])
    return library.to_str().encode()


@stage("pretrain", kind="fit", version="untrained")
def untrained(job: Job, *, scale: float) -> Counted:
    """A model as it is initialised, times `scale`: at 0 each token is as likely as another."""
    model = GPT(Architecture(layers=1, width=16, heads=2, context=CONTEXT, vocabulary=VOCABULARY)).initialise(3)
    with torch.no_grad():
        model.tokens.weight.mul_(scale)
    checkpoint.publish(job.workspace, model, byte_tokenizer(), None, END, training={})
    for name in MODEL_FILES:
        job.put(name, job.workspace / name)
    return Counted()


def measured(run: Run, path: Path, scale: float = 8.0, **more: Any) -> Artifact:
    how = {"detokenise": None, "unit": "word", "stride": None, **more}
    model = run(untrained, "tiny", scale=scale)
    return run(file_perplexity, "tiny.file", model=model, files=[{"path": str(path)}], inside=None, **how)


TEXT = "The mill races ,\nthe river rests .\n\nÄpfel für alle\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("unit", ["word", "byte", "character"])
@pytest.mark.parametrize("stride", [None, 5])
def test_a_model_that_knows_nothing(run: Run, file: Path, unit: str, stride: int | None) -> None:
    """Each byte costs ln 257, however windows lie: 257^(bytes / units) a unit."""
    found = counts(measured(run, file, 0.0, unit=unit, stride=stride))
    size, characters, words = len(TEXT.encode()), len(TEXT), len(TEXT.split()) + 4
    assert (found["bytes"], found["characters"], found["words"], found["lines"]) == (size, characters, words, 4)
    assert found["tokens"] == size and found["context"] == CONTEXT and found["unit"] == unit
    units = {"word": words, "byte": size, "character": characters}[unit]
    for one in [found["apart"], *([found["overlapping"]] if stride else [])]:
        assert one["loss"] == pytest.approx(math.log(257), abs=1e-5)
        assert math.log(one["perplexity"]) == pytest.approx(size / units * math.log(257), abs=1e-4)
        assert one["bits_per_byte"] == pytest.approx(math.log2(257), abs=1e-5)
        assert one["bits_per_character"] == pytest.approx(math.log2(257) * size / characters, abs=1e-5)
    assert found["apart"]["stride"] == CONTEXT
    assert (found["overlapping"] or {}).get("stride") == stride


def test_against_the_model_itself(run: Run, file: Path) -> None:
    """Of a model that knows something: exp of its loss over the words; the stride gives another, by other windows."""
    artifact = measured(run, file, stride=1)
    model = run(untrained, "tiny", scale=8.0)
    gpt, tokenizer, _ = load(model_folder(model))
    tokens = [END, *tokenizer.encode(TEXT)]

    def nats(first: int, place: int) -> float:
        with torch.no_grad():
            return -float(gpt(torch.tensor([tokens[first:place]]))[0, -1].double().log_softmax(-1)[tokens[place]])

    places = range(1, len(tokens))
    apart = sum(nats((place - 1) // CONTEXT * CONTEXT, place) for place in places)
    sliding = sum(nats(max(0, place - CONTEXT), place) for place in places)
    found, words = counts(artifact), len(TEXT.split()) + 4
    assert math.log(found["apart"]["perplexity"]) == pytest.approx(apart / words, abs=1e-4)
    assert math.log(found["overlapping"]["perplexity"]) == pytest.approx(sliding / words, abs=1e-4)
    assert abs(apart - sliding) > 0.05


def test_de_tokenised_but_counted_as_it_was(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "wiki.txt"
    lines = [" \n", " = Mill = \n", " The river @-@ side mill , 5 @.@ 5 m tall . \n", "unlike the rest , it stays\n"]
    path.write_text("".join(lines))
    found = counts(measured(run, path, 0.0, detokenise="wikitext"))
    written = ["", "= Mill =", "The river-side mill, 5.5 m tall.", "unlike the rest , it stays"]
    assert found["tokens"] == len("".join(f"{line}\n" for line in written))
    assert found["words"] == len("".join(lines).split()) + 4 and found["bytes"] == len("".join(lines))
    assert (found["lines"], found["irreversible"]) == (4, 1)


def test_the_same_bytes_for_any_number_of_workers_and_compressed(tmp_path: Path) -> None:
    plain, compressed = tmp_path / "a.txt", tmp_path / "a.txt.gz"
    plain.write_text(TEXT * 130)
    compressed.write_bytes(gzip.compress(plain.read_bytes()))
    made = []
    for count, path in ((1, plain), (2, plain), (1, compressed)):
        run = Run(tmp_path / f"store{len(made)}", workers(count))
        made.append(measured(run, path, stride=8))
    assert contents(made[0]) == contents(made[1]) and counts(made[0]) == counts(made[1]) == counts(made[2])
    assert len(contents(made[0])) > 3  # several blocks


def test_ends_of_lines_and_of_the_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "ends.txt"
    path.write_bytes(b"one two\r\nthree")
    found = counts(measured(run, path, 0.0))
    assert (found["bytes"], found["tokens"], found["words"], found["lines"]) == (14, 14, 4, 2)


@pytest.mark.parametrize(
    ("content", "more", "sentence"),
    [
        (b"", {}, "the files hold nothing"),
        (b"good\nb\xffd\n", {}, "text.txt:2: not UTF-8"),
        (b"text", {"stride": 17}, "a stride of 17 tokens is longer than the context of tiny, 16"),
    ],
)
def test_what_cannot_be_measured_is_told(
    run: Run, tmp_path: Path, content: bytes, more: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(Mistake, match=sentence):
        measured(run, path, **more)


def test_pieces_are_the_whole_and_are_cut_where_no_token_stands(tmp_path: Path) -> None:
    text = "word\n\n  more\nwords\n" * 50 + "no end"
    found = list(pieces(text, 40))
    assert "".join(found) == text and len(found) > 10
    assert all(first.endswith("\n") and not second[0].isspace() for first, second in pairwise(found))
    (tmp_path / "tokenizer.json").write_bytes(byte_tokenizer())
    tokenizer = Tokenizer(tmp_path / "tokenizer.json")
    assert [token for piece in found for token in tokenizer.encode(piece)] == tokenizer.encode(text)


def test_conf_names_the_rules() -> None:
    of = Conf.model_json_schema()["properties"]["detokenise"]["anyOf"][0]["enum"]
    assert sorted(of) == sorted(RULES)
    with pytest.raises(ValueError, match="greater than 0"):
        Conf(files="x", stride=0)


@pytest.mark.real
def test_wikitext_2_has_the_words_that_its_authors_count(run: Run) -> None:
    """Merity et al. 2016, table 1: 217,646 tokens of validation text, ends of lines among them."""
    from tasks.evaluation.file_perplexity import _read

    path = REAL / "text-good/wikitext-2-valid.txt.gz"
    found = _read([{"path": str(path)}], None, "wikitext", "wikitext2")
    assert (found.words, found.lines, found.irreversible) == (217_646, 3760, 0)


def test_the_pipeline_measures_each_text_of_each_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of models alone, that came in; nothing is built: which artifacts there would be, and where they are placed."""
    from conf.load import load as read
    from flows import dag
    from flows.dag.evaluation import placed

    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(
        "models: {one: {from: 'hf:a'}, two.5: {from: 'hf:b'}}\n"
        "evaluate:\n  perplexity:\n"
        "    wiki: {files: w.txt, detokenise: wikitext, stride: 8}\n    enwik8: {files: e, unit: byte}\n"
    )
    pipeline = read(tmp_path / "p.yaml")
    run = Run(tmp_path / "store", None)
    dag.crawl_to_model(run, pipeline)
    named = [artifact.name for artifact in run.artifacts if artifact.stage == "file-perplexity"]
    assert named == ["one.wiki", "one.enwik8", "two.5.wiki", "two.5.enwik8"]
    assert [name for stage, name in placed(pipeline) if stage == "file-perplexity"] == named
    recipe = next(artifact.recipe for artifact in run.artifacts if artifact.name == "one.wiki")
    assert recipe["parameters"] | {"detokenise": "wikitext", "unit": "word", "stride": 8} == recipe["parameters"]
