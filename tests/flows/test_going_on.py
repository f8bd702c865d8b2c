"""Models that go on from another's weights, a folder's or one of the pipeline, from the configuration to the report."""

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from corpora import counts, harm
from typer.testing import CliRunner

from conf.load import load
from flows import cli, dag
from model import hf
from model.config import Architecture
from model.files import sha256_of
from model.gpt import GPT
from model.score import load as load_model
from model.tokenizer import END_OF_TEXT
from tasks.evaluation.perplexity import Perplexities
from tasks.models.files import model_folder
from tasks.models.pretrain import metrics_of
from tasks.report.report import figures_in
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Silent
from tasks.runtime.run import Run

pytestmark = pytest.mark.slow
SHAPE = Architecture(layers=1, width=16, heads=2, context=24, vocabulary=264)
BRIEF = "batch: 96, micro_batch: 4, learning_rate: 1.0e-2, threads: 1, device: cpu, validate_every: 10"
MODELS = f"""\
  theirs: {{from: "hf:mine"}}
  tuned: {{from: theirs, updates: 30, {BRIEF}}}
  more: {{from: small, updates: 6, snapshots: [2], context: 32}}
  small: {{preset: demo, layers: 1, width: 16, heads: 2, context: 24, band: null, updates: 20, warm_up: 2, {BRIEF}}}
"""


def tokenizer_json(pair: str = "th") -> bytes:
    """Bytes, a merge, <|endoftext|>, another special token: 259 ids."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    names = [*sorted(pre_tokenizers.ByteLevel.alphabet()), pair]
    library = Tokenizer(models.BPE({name: n for n, name in enumerate(names)}, [(pair[0], pair[1])]))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens([END_OF_TEXT, "<s>"])
    return library.to_str().encode()


def write(folder: Path, models: str = MODELS, tokenizer: str = "mine") -> Path:
    (folder / "mine").mkdir(exist_ok=True)
    hf.write(GPT(SHAPE).initialise(5), folder / "mine", tokenizer_json(), 257, "# a card\n")
    (folder / "other").mkdir(exist_ok=True)
    (folder / "other/tokenizer.json").write_bytes(tokenizer_json("he"))
    for name, first in (("web", 0), ("books", 200)):
        texts = [f"the mill number {n} races, the river number {n * 7} rests." for n in range(first, first + 100)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    (folder / "p.yaml").write_text(
        "store: store\nvalidation: .2\nsources:\n  web: {kind: jsonl, files: web.jsonl}\n"
        "  books: {kind: jsonl, files: books.jsonl}\ndedup: {bands: 1, rows: 50, threshold: 1}\n"
        f"tokenizer: {{kind: file, file: {tokenizer}, vocabulary: 259}}\nmodels:\n{models}"
    )
    return folder / "p.yaml"


class Told(Silent):
    def __init__(self) -> None:
        self.fresh: list[str] = []

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        if not cached:
            self.fresh.append(artifact.stage)


class Made(NamedTuple):
    run: Run
    built: dag.Built


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("going-on")


@pytest.fixture
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def made(folder: Path) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = Run("store", LocalEngine(1))
        return Made(run, dag.crawl_to_model(run, load(write(folder))))


def test_it_begins_with_the_weights_of_its_start(made: Made, there: Path) -> None:
    for name, start, context in (("tuned", "theirs", 24), ("more", "small", 32)):
        model, before = made.built.models[name], made.built.models[start]
        assert model.stage == "pretrain" and harm(model) == []
        assert model.manifest["inputs"]["start"] == before.label
        about = json.loads(model.read("model.json"))
        assert about["start_sha256"] == sha256_of(before.local("model.safetensors"))
        assert about["architecture"] == json.loads(before.read("model.json"))["architecture"] | {"context": context}
        assert about["tokenizer"] == made.built.tokenizer.fingerprint
    first, last = metrics_of(made.built.models["small"])[-1], metrics_of(made.built.models["more"])
    assert abs(last[0]["loss"] - first["loss"]) < 0.5 < 5.57 - last[0]["loss"]  # 5.57 is ln 264
    kept, _, _ = load_model(model_folder(made.built.models["more"]), step=2)
    end, _, _ = load_model(model_folder(made.built.models["more"]))
    assert not torch.equal(kept.tokens.weight, end.tokens.weight)


def test_it_has_learned_of_this_corpus(made: Made, there: Path) -> None:
    before, after = (made.built.perplexities[name].counts(Perplexities).sources for name in ("theirs", "tuned"))
    for source in ("web", "books"):
        bits = before[source].bits_per_byte, after[source].bits_per_byte
        assert bits[0] is not None and bits[1] is not None and bits[1] < bits[0] - 1
    assert counts(made.built.models["tuned"])["updates"] == 30
    content, _ = figures_in(made.built.report)  # type: ignore[arg-type]
    rows = {row["model"]: row for row in content["sections"]["training"]["models"]}
    assert len(rows["tuned"]["curve"]) == 30 and rows["tuned"]["start"] == "theirs" and rows["small"]["start"] is None


def test_the_second_run_only_looks_even_where_the_folder_is_gone(made: Made, there: Path) -> None:
    (there / "mine/config.json").rename(there / "mine/gone")
    try:
        told = Told()
        run = Run("store", LocalEngine(1), told)
        dag.crawl_to_model(run, load(there / "p.yaml"))
        assert told.fresh == [] and len(run.artifacts) == len(made.run.artifacts)
    finally:
        (there / "mine/gone").rename(there / "mine/config.json")


def test_another_start_is_another_model(made: Made, there: Path) -> None:
    (there / "q.yaml").write_text((there / "p.yaml").read_text().replace("updates: 20", "updates: 21"))
    run = Run("store", None)
    built = dag.pretrain(run, load(there / "q.yaml"))
    assert built.models["tuned"].fingerprint == made.built.models["tuned"].fingerprint
    for name in ("small", "more"):
        assert built.models[name].fingerprint != made.built.models[name].fingerprint


def millrace(*arguments: object) -> Any:
    answer = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    assert answer.exit_code == 0, answer.stderr
    return answer.stdout


def test_the_commands_know_it(made: Made, there: Path) -> None:
    plan = [line.split() for line in millrace("plan", "p.yaml").splitlines()]
    assert ["pretrain", "tuned", "cached"] in [line[:3] for line in plan] and all(
        "to" not in line[2:3] for line in plan
    )
    status = [line.split() for line in millrace("status", "p.yaml").splitlines()]
    assert ["pretrain", "more", "done"] in [line[:3] for line in status]
    step = millrace("explain", "p.yaml", "--step", 3, "--model", "tuned")
    assert "tuned, step 3 of 30" in step and f"begins with the weights of {made.built.models['theirs'].label}" in step
    shutil.rmtree(there / "out", ignore_errors=True)
    millrace("export-model", "p.yaml", "tuned", "out", "--to", "hf")
    ours, _, _ = load_model(model_folder(made.built.models["tuned"]))
    batch = torch.arange(24)[None]
    assert torch.equal(hf.read(there / "out")(batch), ours(batch))
    card = (there / "out/README.md").read_text()
    assert f"weights of `{made.built.models['theirs'].label}`" in card and "30 updates over" in card


def test_an_id_is_told_with_what_the_start_read(made: Made, there: Path) -> None:
    ids = [line for line in millrace("explain", "p.yaml", "--step", 1, "--model", "more").split() if ":" in line]
    document = next(each for each in ids if each.startswith(("web:", "books:"))).partition("#")[0]
    told = millrace("explain", "p.yaml", document)
    assert f"more: begins with the weights of {made.built.models['small'].label}" in " ".join(told.split())


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [
        (
            "other",
            r"the tokenizer of imported/theirs-.* is not the pipeline's \(the token 'he' is none and id 256\).*: 259",
        ),
        ('mine, end_of_text: "<s>"', "a text ends with id 257 and with 258: see `end_of_text`"),
    ],
)
def test_another_tokenizer_is_refused(tokenizer: str, said: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    pipeline = load(write(tmp_path, MODELS[: MODELS.index("  more")], tokenizer))
    with pytest.raises(Mistake, match=said):
        dag.pretrain(Run("store", LocalEngine(1)), pipeline)


def test_what_stands_in_the_way_is_a_sentence(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, f'  tuned: {{from: "hf:mine", updates: 30, snapshots: [31], {BRIEF}}}\n')
    with pytest.raises(Mistake, match=r"models.tuned: snapshots has 31, and the training has 30 updates"):
        dag.pretrain(Run("store", None), load(path))
    (tmp_path / "mine/config.json").unlink()
    with pytest.raises(Mistake, match=r"from hf:.*/mine: there is no .*/mine/config.json: give a folder"):
        dag.pretrain(Run("store", None), load(path))
