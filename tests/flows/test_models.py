"""What is asked of finished models: sample, next, look, export-model, through the command line."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from flows import cli, models
from flows.models import chosen
from model import checkpoint, generate
from model.config import Architecture
from model.gpt import GPT
from model.sampling import LIKELIEST
from model.tokenizer import Tokenizer
from tasks.runtime.errors import Mistake

END = 256


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def write_tokenizer(path: Path) -> Path:
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, pre_tokenizers
    from tokenizers import models as kinds

    library = Library(kinds.BPE({s: n for n, s in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens(["<|endoftext|>"])
    library.save(str(path))
    return path


def publish(folder: Path, seed: int, **shape: Any) -> Path:
    """A finished model's folder; its predictions are far from uniform."""
    folder.mkdir()
    model = GPT(Architecture(**{"layers": 2, "width": 16, "heads": 2, "context": 32, "vocabulary": 257, **shape}))
    model.initialise(seed)
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 2:
                p.mul_(10)
    tokenizer = write_tokenizer(folder / "t.json")
    checkpoint.publish(folder, model, tokenizer, "t1", END, {})
    return folder


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pipeline and two models: large and small."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(
        "store: ./store\nsources:\n  web: {kind: text, files: 'web/*.txt'}\nmodels:\n  mine: {preset: demo}\n"
    )
    (tmp_path / "web").mkdir()
    (tmp_path / "web/a.txt").write_text("a mill races\n")
    publish(tmp_path / "large", 1)
    publish(tmp_path / "small", 2, layers=1)
    return tmp_path


def millrace(*arguments: object) -> Any:
    answer = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def test_the_same_seed_gives_the_same_texts(at: Path) -> None:
    a, b, c = (millrace("sample", "p.yaml", "large", "ab", "--tokens", 20, "--seed", seed) for seed in (3, 3, 4))
    assert a.exit_code == 0 and a.stdout == b.stdout != c.stdout and a.stdout.startswith("ab")
    many = millrace("sample", "p.yaml", "large", "ab", "--tokens", 20, "--seed", 3, "--count", 3)
    texts = many.stdout.split("--- ")
    assert [text[:6] for text in texts[1:]] == ["1 of 3", "2 of 3", "3 of 3"]
    assert texts[1].partition("\n")[2] == a.stdout and len({text.partition("\n")[2] for text in texts[1:]}) == 3


def test_what_is_drawn_goes_by_the_options(at: Path) -> None:
    model, tokenizer = checkpoint.read(at / "large")[0], Tokenizer(at / "large/tokenizer.json")
    prompt = tokenizer.encode("ab")
    greedy = list(generate.tokens(model, prompt, limit=20, sampling=LIKELIEST, end=END))
    text = tokenizer.decode(greedy)
    for options in (["--temperature", 0], ["--top-k", 1], ["--top-p", 1e-9], ["--temperature", 0, "--draft", "small"]):
        answer = millrace("sample", "p.yaml", "large", "ab", "--tokens", 20, *options)
        assert answer.stdout == f"ab{text}\n", options
    assert re.search(r"accepted \(\d+ of \d+\): [\d.]+ tokens a pass .* times as fast", answer.stderr)
    stop = text[4:6]
    cut = millrace("sample", "p.yaml", "large", "ab", "--tokens", 20, "--temperature", 0, "--stop", stop)
    assert cut.stdout == f"ab{text[: text.find(stop)]}\n"
    ((best, _), *_) = generate.beam(model, prompt, limit=5, width=3)
    beams = millrace("sample", "p.yaml", "large", "ab", "--tokens", 5, "--beams", 3)
    assert beams.stdout == f"ab{tokenizer.decode(best)}\n"


def test_mistakes_are_sentences(at: Path) -> None:
    publish(at / "other", 1, vocabulary=300)
    (at / "other/tokenizer.json").write_text((at / "other/tokenizer.json").read_text() + "\n")
    about = json.loads((at / "other/model.json").read_text())
    import hashlib

    sha256 = hashlib.sha256((at / "other/tokenizer.json").read_bytes()).hexdigest()
    (at / "other/model.json").write_text(json.dumps({**about, "tokenizer_sha256": sha256}))
    for arguments, said in (
        (["sample", "p.yaml", "mine", "a"], "the model mine is not built yet"),
        (["sample", "p.yaml", "none", "a"], r"none is neither a model of this pipeline \(there are mine\) nor"),
        (["sample", "p.yaml", "large", "a", "--temperature", "-1"], "temperature is -1.0"),
        (["sample", "p.yaml", "large", "a", "--top-k", "0"], "top-k is 0"),
        (["sample", "p.yaml", "large", "a", "--beams", "2", "--top-p", ".5"], "--beams draws nothing"),
        (["sample", "p.yaml", "large", "a", "--beams", "2", "--count", "3"], "as many texts as it is wide"),
        (["sample", "p.yaml", "large", "a", "--draft", "other"], "the draft other has another tokenizer than large"),
        (["look", "p.yaml", "large", "a", "no/such.html"], "its folder is not there"),
        (["export-model", "p.yaml", "large", "small", "--to", "hf"], "small exists already"),
    ):
        answer = millrace(*arguments)
        assert answer.exit_code == 2 and re.search(said, answer.stderr), (arguments, answer.stderr)


def test_next_is_a_table(at: Path) -> None:
    answer = millrace("next", "p.yaml", "large", "ab", "-k", 2, "--more", 3)
    rows = [line.split() for line in answer.stdout.splitlines()]
    assert answer.exit_code == 0 and len(rows) == 1 + 2 + 3
    assert rows[1][:2] == ["0", "'a'"] and rows[2][:2] == ["1", "'b'"] and rows[2][3].replace(",", "").isdigit()
    model, tokenizer = checkpoint.read(at / "large")[0], Tokenizer(at / "large/tokenizer.json")
    with torch.inference_mode():
        p, ids = model(torch.tensor([tokenizer.encode("ab")]))[0, -1].softmax(-1).topk(2)
    likeliest = [models.spelt(tokenizer, int(token)) for token in ids]
    assert all(f"{name} {share:.3f}" in answer.stdout for name, share in zip(likeliest, p.tolist(), strict=True))
    long = millrace("next", "p.yaml", "large", "a" * 40, "--more", 0)
    assert "the first 8 tokens are left out: the model reads 32" in long.stdout


def test_look_writes_a_page(at: Path) -> None:
    answer = millrace("look", "p.yaml", "large", "a mill", "page.html")
    assert answer.exit_code == 0 and "Page: page.html" in answer.stdout
    page = (at / "page.html").read_text()
    assert "What large looks at" in page and '"tokens":["\'a\'","\' \'","\'m\'"' in page


def test_a_model_goes_out_whole_or_not_at_all(at: Path) -> None:
    answer = millrace("export-model", "p.yaml", "large", "out", "--to", "hf")
    assert answer.exit_code == 0 and "Model: out" in answer.stdout
    assert sorted(path.name for path in (at / "out").iterdir()) == [
        "README.md", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip
    card = (at / "out/README.md").read_text()
    assert (
        "# large" in card
        and "The files hold it as GPT-2." in card
        and "Not known: the model was given as a folder" in card
    )
    publish(at / "postnorm", 1, norm="post", final_norm=False)
    refused = millrace("export-model", "p.yaml", "postnorm", "m.gguf", "--to", "gguf")
    assert refused.exit_code == 2 and "it is post-norm" in refused.stderr
    assert not list(at.glob("*m.gguf*")) and not list(at.glob(".*partial*"))


def test_a_gguf_file_goes_out(at: Path) -> None:
    gguf = pytest.importorskip("gguf", reason="pip install gguf to read its files")
    assert millrace("export-model", "p.yaml", "large", "m.gguf", "--to", "gguf").exit_code == 0
    assert len(gguf.GGUFReader(at / "m.gguf").tensors) == 2 + 2 + 2 * 12


def test_a_name_goes_before_a_folder_of_that_name(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = SimpleNamespace(stage="imported", name="large", built=True)
    monkeypatch.setattr(models, "model_folder", lambda one: Path("elsewhere"))
    found = chosen(SimpleNamespace(artifacts=[artifact]), "large")  # type: ignore[arg-type]
    assert (found.place, found.artifact) == (Path("elsewhere"), artifact)
    assert chosen(SimpleNamespace(artifacts=[artifact]), str(at / "small")).name == "small"  # type: ignore[arg-type]
    with pytest.raises(Mistake):
        chosen(SimpleNamespace(artifacts=[]), "web")  # type: ignore[arg-type]
