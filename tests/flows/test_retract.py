"""`millrace retract` and `without`: held against a corpus that is built from scratch without the records."""

import hashlib
import io
import json
import random
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console

from conf.load import load
from conf.pipeline import Pipeline
from flows import dag, page
from flows.retract import retract
from tasks.quality.drawn import chosen, draw_both
from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import decided
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Silent, build
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.tokens.pieces import pieces

LEAKED = "the quick otter carried seven silver spoons across the frozen lake before breakfast on a monday morning"
OFTEN = "a patient heron counted all of the grey pebbles below the old stone bridge until late in the evening"
TINY = "{preset: demo, layers: 1, width: 16, heads: 2, context: 24, warm_up: 1, band: null, updates: 30, batch: 240}"
VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in ("r", "st", "nd", "l", "ven")]
CHAIN = ("first", "middle", "last")  # texts of which only neighbours are similar, in the order of their ids


def prose(number: int, count: int = 60) -> list[str]:
    draw = random.Random(number)
    return [draw.choice(VOCABULARY) for _ in range(count)]


def chained() -> dict[str, str]:
    """Record ids by role, so that the documents' ids ascend."""
    ids = sorted(CHAIN, key=lambda id: hashlib.sha256(f"raw.jsonl\0{id}".encode()).digest())
    return dict(zip(CHAIN, ids, strict=True))


def records() -> dict[str, list[dict[str, str]]]:
    """Texts of two sources: alone, copied within and across, cut, with a frequent gram, and a chain."""
    good = {f"g{n}": prose(n) for n in range(30)}
    raw = {f"r{n}": prose(100 + n) for n in range(60)}
    raw["copy-of-g3"] = [*good["g3"]]
    raw["near-g4"] = [*good["g4"][:-1], "other"]
    raw["copy-of-r5"] = [*raw["r5"]]
    raw["copy-of-near-g4"] = [*raw["near-g4"]]
    raw["cut"] = [*prose(300), *LEAKED.split(), *prose(301)]
    for n in range(4):  # of 4 documents, where a gram of more than 3 is frequent
        raw[f"often{n}"] = [*prose(310 + n), *OFTEN.split(), *prose(320 + n)]
    middle, roles = prose(400, 130), chained()
    raw[roles["first"]] = [*prose(401, 11), *middle[11:]]
    raw[roles["middle"]] = middle
    raw[roles["last"]] = [*middle[:-11], *prose(402, 11)]
    return {
        name: [{"id": id, "text": " ".join(words), "url": f"http://{name}.example/{id}"} for id, words in texts.items()]
        for name, texts in (("good", good), ("raw", raw))
    }


def write(folder: Path, without: set[str] = frozenset()) -> Path:  # type: ignore[assignment]
    """The pipeline's files, without the records of these ids; the path of its YAML."""
    folder.mkdir(exist_ok=True)
    for name, rows in records().items():
        lines = [json.dumps(row) for row in rows if row["id"] not in without]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    items = [{"text": LEAKED}, {"text": OFTEN}]
    (folder / "quiz.jsonl").write_text("\n".join(map(json.dumps, items)))
    how = "kind: jsonl, id: id, url: url, shard: 9000"
    (folder / "conf.yaml").write_text(
        f"store: {folder}/store\nvalidation: 0.1\nsources:\n"
        f"  good: {{{how}, files: {folder}/good.jsonl}}\n  raw: {{{how}, files: {folder}/raw.jsonl}}\n"
        "quality: {good: [good], raw: [raw], keep: {threshold: 0.05}, sample: 20, features: 4096}\n"
        f"benchmarks:\n  quiz: {{files: {folder}/quiz.jsonl, text: [text]}}\n"
        "decontaminate: {margin: 20, shortest: 20, frequent: 3}\ndedup: {threshold: 0.77}\n"
        f"tokenizer: {{vocabulary: 300}}\nmodels:\n  tiny: {TINY}\n"
    )
    return folder / "conf.yaml"


def follow(conf: Path) -> tuple[dag.Built, list[str]]:
    """Everything of the pipeline but its models, and the labels that were built."""
    pipeline, engine, made = load(conf), LocalEngine(1), []

    class Told(Silent):
        def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
            made.extend([] if cached else [artifact.label])

    def make(artifact: Artifact, what: Any, arguments: dict[str, Any], *beside: Any) -> Artifact:
        if what.name != "pretrain":
            build(artifact, what, arguments, engine, Told(), None, beside)
        return artifact

    return dag.pretrain(Run(pipeline.store_url(), engine, make=make), pipeline), made


class Corpus(NamedTuple):
    folder: Path
    built: dag.Built
    ids: dict[str, str]  # documents' ids by their records'


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("retract") / "all"
    built, _ = follow(write(folder))
    ids = {
        row["url"].rpartition("/")[2]: row["id"]
        for source in built.sources.values()
        for shard in source.documents.shards()
        for row in read(shard, ["id", "url"]).to_pylist()
    }
    return Corpus(folder, built, ids)


@pytest.fixture
def own(corpus: Corpus, tmp_path: Path) -> Path:
    """The same corpus in a folder of its own, where a test may leave decisions and lists; its YAML."""
    shutil.copytree(corpus.folder, tmp_path / "all")
    conf = tmp_path / "all" / "conf.yaml"
    # The files stay where they were: their paths are in the fingerprint.
    conf.write_text(conf.read_text().replace(f"store: {corpus.folder}", f"store: {tmp_path}/all"))
    return conf


def kept(built: dag.Built) -> dict[str, str]:
    """Pieces that are left, with their texts."""
    return {
        piece.id: piece.text
        for source in built.sources.values()
        for shard in source.documents.shards()
        for piece in pieces(shard, source.last, 0.1, 1)
    }


def taken_back(conf: Path, lines: list[str], **options: Any) -> tuple[dict[str, Any], str, list[str]]:
    """The evidence, what was printed, and what was told of lines that name nothing."""
    asked, out, said = conf.parent / "asked.txt", io.StringIO(), []
    asked.write_text("\n".join(lines))
    how = {"out": None, "copies": False, "workers": 1, **options}
    retract(
        Console(file=out, width=300), conf, load(conf), asked, how["out"], how["copies"], how["workers"], said.append
    )
    evidence = Path(re.search(r"the evidence: (.*)\. The next run", out.getvalue())[1])  # type: ignore[index]
    return json.loads(evidence.read_text()), out.getvalue(), said


def name_list(conf: Path) -> None:
    conf.write_text(conf.read_text() + "without: retracted.txt\n")


def in_sample(built: dag.Built) -> set[str]:
    """Ids of the classifier's sample, by the fit's own code."""
    engine = LocalEngine(1)
    how = {"validation": 0.1, "seed": 1, "mixed": False}
    documents = [[built.sources[name].documents] for name in ("good", "raw")]

    class Job:
        pass

    Job.engine = engine  # type: ignore[attr-defined]
    sides, _ = draw_both(Job(), *documents, sample=20, features=4096, **how)  # type: ignore[arg-type]
    found = set()
    for side in sides:
        for shard in side.shards:
            here, _, _ = chosen(shard, side.limits, **how)  # type: ignore[arg-type]
            found |= {id for id, there in zip(read(shard, ["id"])["id"].to_pylist(), here, strict=True) if there}
    return found


MEASURES = ("ingest", "classifier", "score", "hits", "signatures", "grams", "benchmark", "remaining")


def test_a_run_without_them_is_a_corpus_that_never_had_them(corpus: Corpus, own: Path, tmp_path: Path) -> None:
    """The records of all kinds that the classifier did not learn from: the rest as from scratch, and nothing measured
    anew."""
    sample = in_sample(corpus.built)
    wanted = ["g3", "near-g4", "r5", "cut", "often1", chained()["first"]]
    wanted += [name for name in corpus.ids if re.fullmatch(r"[gr]\d+", name) and name != "g4"]
    gone = set([name for name in wanted if corpus.ids[name] not in sample][:16])
    told, printed, said = taken_back(own, [corpus.ids[name] for name in sorted(gone)])
    assert said == [] and told["unknown"] == [] and told["classifier"] == {}
    assert "learned" not in printed
    name_list(own)
    after, made = follow(own)
    scratch, _ = follow(write(tmp_path / "scratch", gone))
    assert not [label for label in made if label.startswith(MEASURES)]
    assert not [label for label in made if label.startswith(("retracted", "keep", "survivors", "cuts", "frequent"))], (
        "the decisions of the list were made when it was written"
    )
    assert scratch.classifier is not None and after.classifier is not None
    before, now, never = kept(corpus.built), kept(after), kept(scratch)
    assert now == never and now != before
    for name in after.sources:
        assert after.tokens[name].files().keys() >= {"tokens.json"}
    # The evidence says just what the two corpora differ in.
    documents = [{id.partition("#")[0] for id in each} for each in (before, now)]
    assert len(gone) > 9 and all(told[kind] for kind in ("come_back", "documents"))
    assert {each["id"] for each in told["come_back"]} == documents[1] - documents[0]
    left = documents[0] - documents[1]
    asked = {corpus.ids[name] for name in gone}
    assert {each["id"] for each in told["leave_besides"]} == left - asked
    assert {each["id"] for each in told["documents"]} == asked
    assert sum(of["leave"] for of in told["sources"].values()) == len(left & asked)
    recut = {
        id
        for id in documents[0] & documents[1]
        if [text for piece, text in sorted(before.items()) if piece.startswith(id)]
        != [text for piece, text in sorted(now.items()) if piece.startswith(id)]
    }
    assert {each["id"] for each in told["cut_otherwise"]} == recut
    gone_pieces = [text for id, text in before.items() if id.partition("#")[0] in asked]
    assert sum(of["pieces"] for of in told["sources"].values()) == len(gone_pieces)
    assert sum(of["bytes"] for of in told["sources"].values()) == sum(len(text.encode()) for text in gone_pieces)
    for name, source in after.sources.items():
        counts = decided(source.decisions[0])
        assert source.decisions[0].stage == "retracted"
        assert counts.reasons["retracted"] == sum(id.startswith(f"{name}:") for id in asked)


def test_each_kind_of_change_is_told_with_its_reason(corpus: Corpus, own: Path) -> None:
    roles = chained()
    names = ["g3", "cut", "often1", roles["first"], "copy-of-r5"]
    told, printed, said = taken_back(
        own,
        [
            "# asked by mail on Monday",
            f"{corpus.ids['g3']}   # with a remark",
            f"{corpus.ids['cut']}#1",
            "http://raw.example/often1",
            corpus.ids[roles["first"]],
            corpus.ids["copy-of-r5"],
            "http://raw.example/nowhere",
            "raw:00000000000000000000000000000000",
        ],
    )
    assert [each["id"] for each in told["documents"]] == sorted(
        (corpus.ids[name] for name in names), key=[row["id"] for row in told["documents"]].index
    )
    by_id = {each["id"]: each for each in told["documents"]}
    assert by_id.keys() == {corpus.ids[name] for name in names}
    assert by_id[corpus.ids["often1"]]["asked"] == "http://raw.example/often1"
    back = {each["id"]: each["before"] for each in told["come_back"]}
    assert back[corpus.ids["copy-of-g3"]] == f"dropped by survivors: exact, copy of {corpus.ids['g3']}"
    assert back[corpus.ids[roles["middle"]]] == f"dropped by survivors: near, copy of {corpus.ids[roles['first']]}"
    besides = {each["id"]: each["after"] for each in told["leave_besides"]}
    middle = corpus.ids[roles["middle"]]
    assert besides == {corpus.ids[roles["last"]]: f"dropped by survivors: near, copy of {middle}"}
    # 3 documents are left of the 4 that held a gram: it is frequent no more.
    assert {each["id"] for each in told["cut_otherwise"]} == {corpus.ids[f"often{n}"] for n in (0, 2, 3)}
    assert all(each["bytes"] < 0 for each in told["cut_otherwise"])
    stood = by_id[corpus.ids["copy-of-r5"]]
    witness = {corpus.ids["r5"], corpus.ids["copy-of-r5"]} - {corpus.ids["copy-of-r5"]}
    if stood["copy_of"] is not None:
        assert stood["copy_of"] in witness and stood["tokens"] == [] and stood["models"] == {}
        assert "whose text is much the same: --copies" in printed
    assert [each["asked"] for each in told["unknown"]] == [
        "http://raw.example/nowhere",
        "raw:00000000000000000000000000000000",
    ]
    assert [line.split(": ", 1)[0].rpartition(":")[2] for line in said] == ["7", "8"]
    cut = by_id[corpus.ids["cut"]]
    assert [piece["id"] for piece in cut["tokens"]] == [f"{cut['id']}#0", f"{cut['id']}#1"]
    assert cut["stood"] == "kept in 2 pieces"
    with (corpus.folder / cut["file"]).open("rb") as file:
        file.seek(cut["offset"])
        assert json.loads(file.read(cut["length"]))["id"] == cut["record"] == "cut"
    (model,) = told["models"]
    assert model["name"] == "tiny" and not model["trained"] and model["of"] == 30
    read_by = [each for each in told["documents"] if each["models"]]
    assert model["documents"] == len(read_by) > 0
    for each in read_by:
        assert {piece["split"] for piece in each["tokens"]} == {"train"}
        reading = each["models"][model["label"]]
        assert 1 <= reading["first"] <= reading["last"] <= 30 and reading["steps"] <= reading["windows"]
    assert "Come back: " in printed and "not trained yet" in printed and corpus.ids["g3"] in printed


def test_what_the_classifier_learned_from_is_marked_and_it_is_fitted_without(
    corpus: Corpus, own: Path, tmp_path: Path
) -> None:
    sample = in_sample(corpus.built)
    names = {id: name for name, id in corpus.ids.items()}
    learned = sorted(names[id] for id in sample if re.fullmatch(r"[gr]\d+", names[id]))[:3]
    others = [name for name in corpus.ids if re.fullmatch(r"[gr]\d+", name) and corpus.ids[name] not in sample]
    gone = {*learned, *others[::4]}
    told, printed, _ = taken_back(
        own, [f"http://{'good' if name[0] == 'g' else 'raw'}.example/{name}" for name in gone]
    )
    marked = {id for ids in told["classifier"].values() for id in ids}
    assert {corpus.ids[name] for name in learned} < marked < {corpus.ids[name] for name in gone}, "the next are drawn"
    assert {each["id"] for each in told["documents"] if each["classifier"]} == marked
    assert f"The quality classifier learned from {len(marked)} of them" in printed
    assert (own.parent / "retracted.txt").read_text().count(" classifier  # http") == len(marked)
    name_list(own)
    after, made = follow(own)
    scratch, _ = follow(write(tmp_path / "scratch", gone))
    assert {label.partition("/")[0] for label in made} >= {"remaining", "classifier", "score"}
    assert not [label for label in made if label.startswith(("ingest", "hits", "signatures", "grams", "benchmark"))]
    assert after.classifier is not None and scratch.classifier is not None
    assert after.classifier.read("weights.npz") == scratch.classifier.read("weights.npz")
    assert after.classifier.manifest["statistics"] == scratch.classifier.manifest["statistics"]
    assert kept(after) == kept(scratch)
    # Nobody of the list would be drawn now; a longer list says only what is new.
    more = next(name for name in others if (name not in gone and corpus.ids[name] in in_sample(corpus.built)) or name)
    again, _, _ = taken_back(own, [corpus.ids[more], corpus.ids[learned[0]]])
    assert {each["id"] for each in again["documents"]} == {corpus.ids[more]} - {corpus.ids[name] for name in gone}
    assert again["listed"] == len({*gone, more})
    first = json.loads((own.parent / "retracted.json").read_text())
    assert first == told and (own.parent / "retracted-2.json").exists(), "what was shown for an earlier request stays"
    # Of a list that a person wrote, too, it is told who was learned from.
    (own.parent / "retracted.txt").write_text("".join(f"{corpus.ids[name]}\n" for name in gone))
    mended, _, _ = taken_back(own, [corpus.ids[more]])
    of_list = {id for ids in mended["classifier"].values() for id in ids}
    assert of_list - {corpus.ids[more]} == marked
    assert (own.parent / "retracted.txt").read_text().count(" classifier  # http") == len(of_list)


def test_copies_take_the_whole_cluster(corpus: Corpus, own: Path) -> None:
    told, _, _ = taken_back(own, [corpus.ids["copy-of-near-g4"]], copies=True)
    wanted = {corpus.ids[name] for name in ("g4", "near-g4", "copy-of-near-g4")}
    assert {each["id"] for each in told["documents"]} == wanted
    assert not {each["id"] for each in told["come_back"]} & wanted
    assert {each["asked"] for each in told["documents"]} == {corpus.ids["copy-of-near-g4"], "a copy"}


def test_without_a_list_nothing_is_another_and_its_order_and_path_are_nothing(corpus: Corpus, own: Path) -> None:
    taken_back(own, [corpus.ids["g3"], corpus.ids["r7"], corpus.ids["r8"]])
    plain = load(own)
    listed = own.parent / "retracted.txt"
    name_list(own)

    def labels(pipeline: Pipeline) -> list[str]:
        run = Run(pipeline.store_url(), None)
        dag.crawl_to_model(run, pipeline)
        return [artifact.label for artifact in run.artifacts]

    with_list = labels(load(own))
    assert labels(plain) != with_list
    assert not [label for label in labels(plain) if label.startswith("retracted")]
    (own.parent / "other").mkdir()
    moved = own.parent / "other" / "list.txt"
    moved.write_text("\n".join(reversed(listed.read_text().splitlines())) + "\n# more words\n")
    assert labels(load(own).model_copy(update={"without": str(moved)})) == with_list
    listed.write_text("# nothing\n")
    assert labels(load(own)) == labels(plain)


def test_what_is_wrong_is_refused(corpus: Corpus, own: Path) -> None:
    with pytest.raises(Mistake, match=r"asked\.txt: none of its 1 lines names a document of good, raw"):
        taken_back(own, ["http://raw.example/nowhere"])
    assert not (own.parent / "retracted.txt").exists()
    (own.parent / "notes.txt").write_text("mine")
    with pytest.raises(Mistake, match=r"notes\.txt is there, and is not the list that .* names"):
        taken_back(own, [corpus.ids["g3"]], out=own.parent / "notes.txt")
    listed = own.parent / "retracted.txt"
    listed.write_text(f"{corpus.ids['g3']} tokenizer\nhttp://raw.example/1\ncrwl:{'0' * 32}\n{corpus.ids['g3']}#0\n")
    name_list(own)
    with pytest.raises(Mistake) as error:
        load(own)
    faults = str(error.value).splitlines()
    assert [re.search(r"retracted\.txt:(\d)", fault)[1] for fault in faults] == ["1", "2", "3"]  # type: ignore[index]
    assert "only `classifier` may stand" in faults[0] and "is no document's id; `millrace retract`" in faults[1]
    assert "is of no source of this pipeline (there are good, raw)" in faults[2]
    listed.unlink()
    with pytest.raises(Mistake, match=r"retracted\.txt cannot be read: No such file"):
        load(own)


def test_the_report_counts_them_and_shows_nothing_of_them(corpus: Corpus, own: Path) -> None:
    """Most of a source taken back: a loss that is meant, of which the page gives no examples."""
    gone = [name for name in corpus.ids if re.fullmatch(r"r\d+", name)]
    (own.parent / "retracted.txt").write_text("".join(f"{corpus.ids[name]}\n" for name in gone))
    name_list(own)
    own.write_text(re.sub(r"models:\n.*\n", "", own.read_text()))
    pipeline = load(own)
    built, where = page.crawl_to_model(Run(pipeline.store_url(), LocalEngine(1)), pipeline)
    assert built.report is not None
    sections = json.loads(built.report.read("report.json"))["sections"]
    good, raw = sections["funnel"]["sources"]
    assert [step["step"] for step in raw["steps"]] == ["ingest", "retracted", "keep", "survivors", "cuts", "tokens"]
    assert [step["step"] for step in good["steps"]] == ["ingest", "keep", "survivors", "cuts", "tokens"]
    assert raw["steps"][1]["reasons"] == {"retracted": len(gone)} and 2 * len(gone) > raw["steps"][0]["documents"]
    assert "it was taken back" in Path(where).read_text()
    assert "retracted" not in {loss["stage"] for loss in sections.get("losses", {"losses": []})["losses"]}
    report = Path(where).read_text()
    texts = {row["id"]: row["text"] for row in records()["raw"]}
    assert not [name for name in gone if corpus.ids[name] in report or texts[name][:60] in report]


def test_an_id_of_no_document_is_counted(corpus: Corpus, own: Path) -> None:
    nobody = f"raw:{'0' * 32}"
    (own.parent / "retracted.txt").write_text(f"{nobody}\n{corpus.ids['r9']}\n")
    name_list(own)
    after, _ = follow(own)
    counts = after.sources["raw"].decisions[0].manifest["statistics"]
    assert (counts["listed"], counts["unknown"], counts["reasons"]) == (2, 1, {"retracted": 1})
    assert [decision.stage for decision in after.sources["good"].decisions] == ["keep", "survivors", "cuts"]


def test_a_corpus_that_is_not_built_is_refused(tmp_path: Path) -> None:
    conf = write(tmp_path / "new")
    with pytest.raises(Mistake, match=r"ingest/good-\w+ is not built: `millrace run"):
        taken_back(conf, ["http://raw.example/r1"])
