"""The schema: what it refuses, with the line; what it fills in; and the page made from it."""

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from plain import PLAIN, ROOT, read

from conf.corpus import Dedup
from conf.load import find, load
from conf.models import Model
from conf.pipeline import Pipeline
from conf.reference import PAGE, page
from model.config import Architecture
from model.presets import PRESETS, preset
from tasks.runtime.errors import Mistake

CRAWL = "    kind: warc\n    crawl: CC-MAIN-2019-35"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("seed: 1", "sead: 1", 2, "sead is no key here; docs/configuration.md lists the keys"),
        ("    kind: text", "    kind: text\n    colour: red", 7, "sources.books.colour is no key here"),
        ("tokens: 300B", "layer: 3", 15, "models.small.layer is no key here"),
        ("seed: 1", "seed: one", 2, "seed: .*integer.*'one'"),
        ("seed: 1", "seed: 1.5", 2, "seed: .*1.5"),
        ("seed: 1", "seed: -1", 2, "seed: .*greater than or equal to 0.*-1"),
        ("seed: 1", "workers: 0", 2, "workers: .*greater than 0"),
        ("seed: 1", "validation: 1.5", 2, "validation: .*less than or equal to 1"),
        ("    kind: text", "    kind: pdf", 6, "sources.books.kind: .*'warc', 'jsonl', 'parquet', .*'text'.*'pdf'"),
        ("    kind: text\n", "", 5, "sources.books.kind: Field required"),
        ("  books:", "  Books!:", 5, r"sources.Books!.*match pattern"),
        ("    kind: text", "    kind: webtext", 5, "webtext has `submissions` and `pages`, and no `files`"),
        ("    files: [a.txt, b.txt]\n", "", 5, "files is missing"),
        ("    kind: text", "    kind: text\n    karma: 4", 5, "karma: only a source of kind webtext has it"),
        ("    kind: text", "    kind: text\n    select: {domains: [a.org]}", 5, "select: only WARC files are read"),
        (
            "    kind: text",
            "    kind: warc\n    select: {domains: [a.org]}",
            5,
            "select stands instead of files and pages",
        ),
        (
            "    kind: text\n    files: [a.txt, b.txt]",
            "    kind: warc\n    select: {domains: [a.org]}",
            5,
            "name the crawl",
        ),
        ("    kind: text\n    files: [a.txt, b.txt]", f"{CRAWL}\n    select: {{}}", 5, "select: say which records"),
        (
            "    kind: text\n    files: [a.txt, b.txt]",
            f"{CRAWL}\n    select: {{links: web}}",
            8,
            "names web, no webtext",
        ),
        ("    kind: text\n    files: [a.txt, b.txt]", f"{CRAWL}\n    select: {{host: a}}", 8, "select.host is no key"),
        ("    kind: text", "    kind: webtext\n    karma: low", 7, "sources.books.karma: .*integer.*'low'"),
        ("[a.txt, b.txt]", "3", 5, "files is a number exactly where `crawl` names a crawl"),
        ("[a.txt, b.txt]", "2\n    crawl: CC-MAIN-19", 8, "sources.books.crawl: CC-MAIN-19 is no crawl"),
        ("crawl: 3", "crawl: -3", 13, "mixture.weights.crawl: .*greater than or equal to 0.*-3"),
        ("crawl: 3", "crawl: .inf", 13, "mixture.weights.crawl: .*finite"),
        ("crawl: 3", "crawl: .nan", 13, "mixture.weights.crawl"),
        ("{crawl: 3, books: 1}", "{crawl: 0, books: 0}", 13, "mixture: all weights are zero"),
        ("{crawl: 3, books: 1}", "{weights: {crawl: -3}}", 13, "mixture.weights.crawl: .*greater than or equal to 0"),
        ("{crawl: 3, books: 1}", "{epochs: {max: 0}}", 13, "mixture.epochs.max: .*greater than 0"),
        ("{crawl: 3, books: 1}", "{crawl: 3, epochs: {max: 4}}", 13, "mixture.crawl is no key here"),
        (
            "{crawl: 3, books: 1}",
            "\n  books: 1\n  web: 3",
            15,
            r"mixture names web, .*\(there are crawl, books\)",
        ),
        ("raw: [crawl]", "raw: [webb]", 12, "quality.raw names webb, which is no source or group"),
        ("good: [books]", "good:\n    - books\n    - magazines", 13, "quality.good names magazines"),
        ("raw: [crawl]", "raw: [books]", 10, "quality: books cannot be good and raw at once"),
        ("raw: [crawl]", "raw: []", 12, "quality.raw: .*at least 1"),
        ("  good: [books]\n", "", 10, "good is missing: the sources that the classifier takes for good ones"),
        ("good: [books]", "preset: gpt4", 11, "quality.preset"),
        ("good: [books]", "classifier: a.npz\n  preset: gpt3", 10, "preset is for a fit; `classifier` names a file"),
        ("raw: [crawl]", "raw: [crawl]\n  labels: {text: page}", 13, "quality.labels.files"),
        ("seed: 1", "seed: 2\nseed: 3", 3, "seed stands twice"),
        ("  books:", "  web:", 5, "sources.web stands twice"),
        (
            "raw: [crawl]",
            "raw: [crawl]\n  keep: {pareto: 9, threshold: 0.5}",
            13,
            "give pareto or threshold, not both",
        ),
        ("raw: [crawl]", "raw: [crawl]\n  keep: {pareto: 0}", 13, "quality.keep.pareto: .*greater than 0"),
        ("quiz.jsonl", '"{sample}/quiz.jsonl"', 9, "files name {sample}, but the pipeline has no `sample:`"),
        ("[a.txt, b.txt]", '["a.txt", "{sample}/b.txt"]', 7, "files name {sample}, but the pipeline has no `sample:`"),
        ("seed: 1", "seed: [1", 3, "not YAML"),
        ("seed: 1", "seed: 1\n\tx: 2", 3, "not YAML"),
        ("seed: 1", "seed: !secret 1", 2, "not YAML: could not determine a constructor for the tag '!secret'"),
        ("seed: 1", "? [a, b]\n: 1", 2, "a key is one word"),
        ("preset: gpt3-small", "preset: gpt5", 15, "models.small: no preset is called 'gpt5'; there are demo, gpt1"),
        (
            "preset: gpt3-small, ",
            "",
            15,
            "models.small: give one of preset, for a model that is trained here, and from",
        ),
        ("tokens: 300B", "tokens: 300X", 15, "models.small.tokens: .*integer.*'300X'"),
        ("tokens: 300B", "tokens: 3B, updates: 5", 15, "give one of tokens and updates"),
        ("tokens: 300B", "heads: 7", 15, "width 768 is not a multiple of heads 7"),
        ("tokens: 300B", "learning_rate: .nan", 15, "models.small"),
        ("seed: 1", "dedup: {bands: 40, rows: 4}", 2, "dedup: 40 bands of 4 rows need more than 128 permutations"),
        ("seed: 1", "dedup: {permutations: 100}", 2, "dedup: 14 bands of 8 rows need more than 100 permutations"),
        ("seed: 1", "dedup: {threshold: 2}", 2, "dedup.threshold"),
        ("seed: 1", "dedup: {rehydrate: {1: 2}}", 2, "dedup.rehydrate.*greater than or equal to 2"),
        ("seed: 1", "dedup: {rehydrate: {2: 0}}", 2, "dedup.rehydrate.2: .*greater than or equal to 1"),
        ("seed: 1", "dedup:\n  rehydrate:\n    2: 2\n    4: 11", 5, "dedup.rehydrate.4: .*less than or equal to 10"),
        ("seed: 1", "dedup: {rehydrate: {4: 3, 2: 2}}", 2, "dedup.rehydrate: sizes of clusters must ascend"),
        ("seed: 1", "dedup: {rehydrate: [2, 3]}", 2, "dedup.rehydrate: .*dictionary"),
        ("seed: 1", "decontaminate: {n: 1}", 2, "decontaminate.n: .*greater than 1"),
        ("seed: 1", "decontaminate: {share: .5}", 2, "decontaminate: .*share belongs to rule gap"),
        ("seed: 1", "decontaminate: {beside: [gpt3]}", 2, "decontaminate: .*beside names other rules"),
        ("seed: 1", "tokenizer: {vocabulary: 256}", 2, "tokenizer.vocabulary: .*257"),
        ("seed: 1", "tokenizer: {kind: bpe}", 2, "tokenizer.kind: .*'byte-bpe', 'gpt1', 'wordpiece' or 'file'"),
        ("seed: 1", "tokenizer: {file: a.json}", 2, "tokenizer: .*file: kind byte-bpe has no such key, only kind file"),
        ("seed: 1", "tokenizer: {kind: gpt1, end_of_text: x}", 2, "end_of_text: kind gpt1 has no such key"),
        (
            "seed: 1",
            "tokenizer: {kind: file, file: a.json, vocabulary: 50257, sample: 1M}",
            2,
            "sample: kind file has no such key, only one that is fitted",
        ),
        ("seed: 1", "tokenizer: {kind: file, vocabulary: 50257}", 2, "tokenizer: .*file is missing: the path"),
        ("seed: 1", "tokenizer: {kind: file, file: a.json}", 2, "vocabulary is missing: how many ids the file has"),
        (
            "seed: 1",
            "evaluate:\n  tasks:\n    - quiz",
            4,
            "there is no task quiz: `millrace tasks` lists those that there are",
        ),
        ("seed: 1", "evaluate:\n  tasks:\n    - cloze", 4, "cloze asks the benchmark cloze: declare its files"),
        ("seed: 1", "evaluate: {tasks: [{task: cloze, shots: [1, 1]}]}", 2, "shots names one twice"),
        ("seed: 1", "evaluate: {tasks: [{task: cloze, colour: 1}]}", 2, "evaluate.tasks.0.colour is no key here"),
        ("seed: 1", "engine: flink", 2, "engine: an engine is local, spark, spark: <master>.*'flink'"),
        ("seed: 1", "engine: {spark: null}", 2, "engine: an engine is local, spark"),
        ("seed: 1", "engine: {flink: x}", 2, "engine.flink is no key here"),
        ("seed: 1", "engine:\n  spark: {colour: red}", 3, "engine.spark.colour is no key here"),
        ("seed: 1", "engine: {spark: {conf: {executor.memory: 8g}}}", 2, "executor.memory is no setting of Spark"),
        ("seed: 1", "engine: {spark: {conf: {spark.master: yarn}}}", 2, "spark.master is given as `master`"),
        ("seed: 1", "engine: {spark: {conf: {spark.jars: [a, b]}}}", 2, "engine.spark.conf.spark.jars: .*string"),
        ("./store", "s3x://bucket", 1, "store: .*s3x: is none of them"),
        ("./store", "s3:/bucket", 1, "store: a URL begins with s3://, with two slashes"),
        ("./store", "s3://", 1, "store: name the bucket, as in s3://bucket/prefix"),
        ("./store", "file://host/folder", 1, "store: file:// is followed by an absolute path"),
        ("./store", '""', 1, "store: .*at least 1 character"),
        ("seed: 1", "cache: {bytes: 0}", 2, "cache.bytes: .*greater than 0"),
        ("seed: 1", "cache: {size: 1}", 2, "cache.size is no key here"),
        ("tokens: 300B", "on: a/b", 15, "models.small.on: .*'a/b'"),
        ("tokens: 300B", "torchrun: [evil.py]", 15, "models.small.torchrun.0: .*pattern.*'evil.py'"),
        ("files: web/*.txt", "files: web/*.txt, limits: {speed: 1}", 4, "sources.web.limits.speed is no key here"),
        ("seed: 1", "evaluate: {on: ''}", 2, "evaluate.on: .*at least 1 character"),
    ],
)
def test_what_is_refused(tmp_path, old, new, line, said):
    assert old in PLAIN
    with pytest.raises(Mistake, match=said) as told:
        read(tmp_path, PLAIN.replace(old, new, 1))
    lines = [sentence.split(":", 2)[1] for sentence in str(told.value).splitlines() if "mine.yaml:" in sentence]
    assert str(line) in lines
    assert all(sentence.startswith(f"{tmp_path}/mine.yaml:") for sentence in str(told.value).splitlines()[:1])


def test_the_plain_one_is_fine(tmp_path):
    p = read(tmp_path, PLAIN)
    assert p.title == "mine" and p.groups == ["crawl", "books"]
    assert p.named(["crawl"]) == ["web"] and p.named(["books", "web"]) == ["web", "books"]
    assert p.shares() == {"web": 0.75, "books": 0.25}


def test_every_fault_is_told_at_once(tmp_path):
    with pytest.raises(Mistake) as told:
        read(tmp_path, PLAIN.replace("seed: 1", "sead: 1").replace("kind: text, files", "kind: pdf, files"))
    path = tmp_path / "mine.yaml"
    assert [line.partition(": ")[0] for line in str(told.value).splitlines()] == [f"{path}:2", f"{path}:4"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "mine.yaml:1: a pipeline such as conf/demo.yaml is a mapping"),
        (b"- a\n- b\n", "mine.yaml:1: a pipeline such as conf/demo.yaml is a mapping"),
        (b"title: \xff\xfe\n", r"mine.yaml is not UTF-8 text \(byte 7\)"),
        (b"seed: 1\x00", "mine.yaml: not YAML"),
        (b"seed: 2020-13-45\n", "mine.yaml: not YAML: month must be in 1..12"),
        (b"a: &x {b: *x}\n", "mine.yaml: not YAML that can be read"),
        (b"a: " + b"[" * 5000, "mine.yaml"),
    ],
)
def test_what_is_no_pipeline(tmp_path, content, said):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(Mistake, match=said):
        load(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(Mistake, match=r"nowhere.yaml cannot be read: No such file"):
        load(tmp_path / "nowhere.yaml")
    with pytest.raises(Mistake, match=r"cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["demo", "demo.yaml", "conf/demo.yaml"])
def test_a_pipeline_by_path_and_else_by_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    assert find(name) == ROOT / "conf/demo.yaml"
    (tmp_path / "conf").mkdir()
    for mine in ("demo.yaml", "conf/demo.yaml"):
        (tmp_path / mine).write_text(PLAIN)
    assert find(name) == (Path(name) if "yaml" in name else ROOT / "conf/demo.yaml")


@pytest.mark.parametrize("name", ["nowhere", "other/demo.yaml", "demo.yml", "/conf/demo.yaml", "conf/nowhere.yaml"])
def test_a_pipeline_that_is_neither_there_nor_packaged(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        Mistake, match=r"No such file, and no pipeline .*there are common-crawl, demo, gpt1, gpt3, .*ladder, real"
    ):
        load(name)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("300B", 300 * 10**9),
        ("2.5M", 2_500_000),
        ("32k", 32_000),
        ("32K", 32_000),
        ("1T", 10**12),
        ("300_000", 300_000),
        ("12 M", 12_000_000),
        ("1G", 10**9),
    ],
)
def test_counts(tmp_path, written, meant):
    p = read(tmp_path, PLAIN.replace("tokens: 300B", f"tokens: {written}"))
    assert p.models["small"].filled(50257, 1)[1].tokens == meant
    p = read(tmp_path, PLAIN.replace("seed: 1", f"tokenizer: {{sample: {written}}}"))
    assert p.tokenizer.sample == meant


@pytest.mark.parametrize("path", sorted(ROOT.glob("conf/*.yaml")), ids=lambda path: path.name)
def test_the_files_of_the_house(path):
    p = load(path)
    assert p.sources
    for name in p.models:
        architecture, training = p.filled(name, {})
        assert architecture.vocabulary == p.tokenizer.vocabulary
        model = p.models[name]
        assert model.tuned or model.reinforced if training is None else training.seed == p.seed


def test_gpt3_is_as_its_paper_has_it():
    """shared/RECIPES.md: "Classifier", "Contamination", "Mixture", "Models"."""
    p = load(ROOT / "conf/gpt3.yaml")
    assert p.mixture.weights == {"common-crawl": 60, "webtext2": 22, "books1": 8, "books2": 8, "wikipedia": 3}
    assert p.quality is not None and p.quality.keep.pareto == 9 and p.quality.features == 2**18
    assert p.quality.preset == "gpt3"
    crawls = p.named(p.quality.raw)
    assert len(crawls) == 41 and (crawls[0], crawls[-1]) == ("cc-2016-07", "cc-2019-35")
    how = p.decontaminate
    assert (how.filled()["n"], how.filled()["least"]) == (13, 13)
    assert (how.rule, how.frequent, how.margin, how.shortest, how.pieces) == ("gpt3", 10, 200, 200, 10)
    assert p.tokenizer.vocabulary == 50257
    how = p.dedup.filled()
    assert (how["bands"], how["rows"], how["shingle"]) == (10, 1, 1)
    architecture, training = p.models["175b"].filled(50257, 1)
    assert (architecture.layers, architecture.width, architecture.heads) == (96, 12288, 96)
    assert (training.tokens, training.batch, training.learning_rate) == (300 * 10**9, 3_200_000, 0.6e-4)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_presets_defaults_come_through(name):
    expected = preset(name, vocabulary=1000, seed=5)
    assert Model(preset=name).filled(1000, 5) == expected
    assert Model.model_validate({"preset": name, "layers": 3}).filled(1000, 5) == preset(
        name, layers=3, vocabulary=1000, seed=5
    )


def test_a_null_replaces_a_presets_value():
    """Absent and null are two things: null makes the banded layers of a preset dense."""
    assert Model(preset="gpt3-small").filled(50257, 1)[0].band == 256
    assert Model.model_validate({"preset": "gpt3-small", "band": None}).filled(50257, 1)[0].band is None


def test_dedup_presets():
    assert Dedup().filled() == {
        "shingle": 5,
        "permutations": 128,
        "bands": 14,
        "rows": 8,
        "threshold": 0.75,
        "across": True,
        "bucket": 512,
        "sample": 500,
        "memory": 2_000_000_000,
    }
    changed = Dedup(preset="gpt3", threshold=0.9, across=False).filled()
    assert changed == {**Dedup(preset="gpt3").filled(), "threshold": 0.9, "across": False}


def test_a_table_of_times_by_size_is_no_part_of_how_copies_are_found(tmp_path):
    dedup = read(tmp_path, PLAIN + "dedup: {rehydrate: {2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}}\n").dedup
    assert dedup.rehydrate == {2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}
    assert dedup.filled() == Dedup().filled() and Dedup().rehydrate == {}


def test_defaults_of_a_model_stand_in_one_place():
    """conf knows all keys of model/config.py but two, and a default of none."""
    keys = set(Model.model_fields)
    assert keys >= {*asdict(Architecture())} - {"vocabulary"} and not keys & {"vocabulary", "seed"}
    ours = ("preset", "on", "torchrun", "objective")
    assert {field.default for name, field in Model.model_fields.items() if name not in ours} == {None}


def test_without_a_mixture_all_groups_share_alike(tmp_path):
    p = read(tmp_path, PLAIN.replace("mixture: {crawl: 3, books: 1}\n", ""))
    assert p.shares() == {"web": 0.5, "books": 0.5}


def test_a_mixture_is_weights_alone_or_weights_under_a_key(tmp_path):
    for given, weights, most in (
        ("{crawl: 3, books: 1}", {"crawl": 3, "books": 1}, None),
        ("{weights: {crawl: 3, books: 1}, epochs: {max: 4}}", {"crawl": 3, "books": 1}, 4),
        ("{epochs: {max: 2.5}}", {}, 2.5),
        ("{}", {}, None),
    ):
        p = read(tmp_path, PLAIN.replace("{crawl: 3, books: 1}", given))
        assert (p.mixture.weights, p.mixture.epochs.max) == (weights, most)
    called = PLAIN.replace("books:\n", "weights:\n").replace("good: [books]", "good: [weights]")
    p = read(tmp_path, called.replace("{crawl: 3, books: 1}", "{crawl: 3, weights: 1}"))
    assert p.mixture.weights == {"crawl": 3, "weights": 1}, "a group may be called so"


def test_a_groups_sources_share_its_weight():
    sources = {
        name: {"kind": "text", "files": "x", "group": group} for name, group in (("a", "g"), ("b", "g"), ("c", "h"))
    }
    p = Pipeline.model_validate({"sources": sources, "mixture": {"g": 3, "h": 1}})
    assert p.shares() == {"a": 0.375, "b": 0.375, "c": 0.25}


@pytest.mark.parametrize(
    ("written", "vocabulary"),
    [
        ("{}", 50257),
        ("{kind: gpt1}", 40478),
        ("{kind: wordpiece}", 30522),
        ("{kind: wordpiece, vocabulary: 8k}", 8000),
        ("{kind: file, file: gpt2, vocabulary: 50257}", 50257),
    ],
)
def test_a_kind_of_tokenizer_has_its_own_vocabulary(tmp_path, written, vocabulary):
    p = read(tmp_path, PLAIN.replace("seed: 1", f"tokenizer: {written}"))
    assert p.tokenizer.vocabulary == vocabulary


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m conf.reference`"


def test_the_page_has_every_key_and_says_what_it_is():
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    keys = {row.split("`")[1] for row in rows}
    assert keys >= {
        *Pipeline.model_fields,
        *Dedup.model_fields,
        *(field.alias or name for name, field in Model.model_fields.items()),
    }
    assert any("| `norm` | `pre` or `post` | `pre` | LayerNorm before each" in row for row in rows)
    assert any("| `tokens` | whole number |" in row and "the budget in tokens" in row for row in rows)
    for example in ("demo", "gpt3"):
        assert set(yaml.safe_load((ROOT / f"conf/{example}.yaml").read_text())) <= keys


def test_which_earlier_sources_a_source_is_compared_with(tmp_path: Path) -> None:
    sources = "".join(f"  {name}: {{kind: text, files: x}}\n" for name in ("a", "b"))
    head = f"sources:\n{sources}  c: {{kind: text, files: x, group: crawl}}\ndedup: "
    path = tmp_path / "p.yaml"
    found = {}
    for dedup in ("{}", "{preset: gpt3}", "{preset: gpt3, across: {crawl: [a]}}"):
        path.write_text(head + dedup)
        found[dedup] = [load(path).before(name) for name in ("a", "b", "c")]
    assert found["{}"] == [[], ["a"], ["a", "b"]]
    assert found["{preset: gpt3}"] == [[], [], []]  # within each dataset (GPT-3, appendix A)
    assert found["{preset: gpt3, across: {crawl: [a]}}"] == [[], [], ["a"]]
    path.write_text(head + "{across: {crawl: [nobody]}}")
    with pytest.raises(Mistake, match=r"p\.yaml:5: .*nobody"):
        load(path)
