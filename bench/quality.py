"""How well classifiers agree with people: AUC on 285 web documents with a human label, beside length and other peers.

    python bench/quality.py [--data ../shared/data] [--store FOLDER]

Fitted through the public door (ingest, classifier, labels, from a pipeline's YAML) on good sources against raw crawl,
with each preset, for two ways to say what is good: reference works and books alone, or with the pages that people took
to test article extractors with, as WebText is pages that people linked to. Nothing is chosen by the labels. Peers on
the same documents: the classifier as Millrace had it before (counts at unit length, C = 1, 10 or 100 by log loss on a
tenth), fastText (supervised, two-grams, as DCLM has it), length, Gopher's rules kept. `transfer` is the AUC on sources
held out in turn, whose log loss chooses the strength. Prints a table and writes bench/results/quality.json. fastText is
fetched by pip into a temporary folder if it is not installed, and skipped by name if that fails. Needs ../shared/data.
"""

import argparse
import gzip
import json
import random
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.columns import fetch  # noqa: E402
from conf.keep import HEURISTICS  # noqa: E402
from conf.load import load  # noqa: E402
from flows.dag.built import Built  # noqa: E402
from flows.dag.corpus import build_corpus  # noqa: E402
from tasks.quality import labelled  # noqa: E402
from tasks.quality.classifier import Fitted  # noqa: E402
from tasks.quality.drawn import Drawn, draw_both  # noqa: E402
from tasks.quality.heuristics import MEANINGS  # noqa: E402
from tasks.quality.labels import Judged, auc_error  # noqa: E402
from tasks.quality.rules import HEURISTICS as RULES  # noqa: E402
from tasks.quality.rules import stays, value_of  # noqa: E402
from tasks.runtime.artifact import Artifact  # noqa: E402
from tasks.runtime.engine import LocalEngine  # noqa: E402
from tasks.runtime.job import Silent, build  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402
from tasks.runtime.shards import read  # noqa: E402
from tasks.runtime.stage import Stage  # noqa: E402

WANTED = ("ingest", "classifier", "given-classifier", "labels")
FEATURES = 1 << 18
SAMPLE = 20_000
SIDES = {
    "books and reference": (["wikipedia", "news", "speeches", "books"], ["pages", "crawl", "wet"]),
    "and chosen pages": (["wikipedia", "news", "speeches", "books", "pages"], ["crawl", "wet"]),
}


def written(data: Path, into: Path) -> None:
    """What is no file of documents yet: news in pieces of a page's length, speeches, Common Crawl's snippets."""
    draw = random.Random(1)
    good = data / "text-good" / "nltk"
    news = []
    with zipfile.ZipFile(good / "abc.zip") as archive:
        for name in ("rural", "science"):
            lines = [line.strip() for line in archive.read(f"abc/{name}.txt").decode("latin-1").split("\n")]
            lines, at = [line for line in lines if line], 0
            while at < len(lines):
                size = draw.randrange(4, 25)
                news.append({"id": f"{name}{at}", "text": "\n".join(lines[at : at + size])})
                at += size
    with zipfile.ZipFile(good / "inaugural.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")]
        speeches = [{"id": name, "text": archive.read(name).decode("latin-1")} for name in names]
    with gzip.open(data / "text-labels" / "cs336-cc2025-gopher_out.json.gz") as file:
        wet = [{"id": each["url"], "url": each["url"], "text": each["snippet"]} for each in json.load(file)["samples"]]
    for name, rows in (("news", news), ("speeches", speeches), ("wet", wet)):
        (into / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def pipeline(data: Path, into: Path, preset: str, sides: str) -> str:
    good, raw = SIDES[sides]
    return f"""
store: {into / "store"}
seed: 1
validation: 0.0
sources:
  wikipedia: {{kind: mediawiki, files: "{data}/text-good/*.bz2", reject_share: 0.9}}
  news: {{kind: jsonl, files: "{into}/news.jsonl", id: id}}
  speeches: {{kind: jsonl, files: "{into}/speeches.jsonl", id: id}}
  books: {{kind: jsonl, files: "{data}/books/bulk/gutenberg-00.jsonl.zst"}}
  pages: {{kind: warc, files: "{data}/crawl-pages/*.warc.gz", reject_share: 0.9}}
  crawl: {{kind: warc, files: ["{data}/crawl/*.warc.gz", "{data}/crawl/*.wet.gz"], reject_share: 0.9}}
  wet: {{kind: jsonl, files: "{into}/wet.jsonl", id: id, url: url}}
quality:
  preset: {preset}
  good: [{", ".join(good)}]
  raw: [{", ".join(raw)}]
  labels: {{files: "{data}/text-labels/dclm-labels-public.jsonl.gz"}}
"""


def built(data: Path, into: Path, preset: str, sides: str) -> Built:
    """The pipeline's artifacts, as far as the labels need them."""
    conf = into / f"{preset}.yaml"
    conf.write_text(pipeline(data, into, preset, sides))
    engine = LocalEngine(1)

    def make(artifact: Artifact, what: Stage, arguments: dict[str, Any]) -> Artifact:
        if what.name in WANTED:
            build(artifact, what, arguments, engine, Silent())
        return artifact

    loaded = load(conf)
    return build_corpus(Run(into / "store", engine, make=make), loaded)


def before(sides: list[Drawn], x: Any, judged: Any) -> np.ndarray:
    """The classifier as it was: term frequencies at unit length, C by log loss on a tenth of the same documents."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.preprocessing import normalize

    y = np.repeat([1, 0], [len(side) for side in sides])
    out = np.random.default_rng(1).random(len(y)) < 0.1
    x, best = normalize(x), (np.inf, np.zeros(0))
    for strength in (1.0, 10.0, 100.0):
        how = {"solver": "saga", "class_weight": "balanced", "max_iter": 200, "tol": 1e-3, "random_state": 1}
        model = LogisticRegression(C=strength, **how).fit(x[~out], y[~out])
        loss = float(log_loss(y[out], model.predict_proba(x[out])))
        best = min(best, (loss, model.decision_function(normalize(judged))), key=lambda pair: pair[0])
    return best[1]


def matrix(indptr: np.ndarray, indices: np.ndarray, counts: np.ndarray) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((counts.astype(np.float64), indices, indptr), shape=(len(indptr) - 1, FEATURES))


def fasttext_of(sides: list[list[str]], judged: list[str], into: Path) -> np.ndarray:
    """fastText's probability of `good`: words and pairs of words, 5 epochs, one thread."""
    import fasttext

    lines = [f"__label__{label} {' '.join(text.split())}\n" for label, side in enumerate(sides) for text in side]
    random.Random(1).shuffle(lines)
    (into / "fasttext.txt").write_text("".join(lines))
    model = fasttext.train_supervised(str(into / "fasttext.txt"), wordNgrams=2, thread=1, epoch=5, verbose=0)
    chances = []
    for text in judged:  # .f, since predict() of version 0.9.3 fails with numpy 2
        told = {label: chance for chance, label in model.f.predict(" ".join(text.split()) + "\n", 2, 0.0, "strict")}
        chances.append(told.get("__label__0", 0.0))
    return np.array(chances)


def rules_kept(texts: pa.Array) -> np.ndarray:
    """How many of Gopher's rules a text keeps."""
    from tasks.kernels.heuristics import counts_of

    counts = counts_of(texts)
    columns = pa.table({name: counts[:, place] for place, name in enumerate(MEANINGS)})
    limits = HEURISTICS["gopher"]
    return np.sum([stays(value_of(RULES[rule], columns), limits[rule]) for rule in limits], axis=0)


def texts_of(artifacts: list[Artifact]) -> list[str]:
    """All of their documents' texts."""
    return [
        text or ""
        for artifact in artifacts
        for shard in artifact.shards()
        for text in read(shard, ["text"]).column("text").to_pylist()
    ]


class Table:
    """Rows as they are known; AUCs with their standard errors."""

    def __init__(self, good: np.ndarray):
        self.good = good
        self.rows: list[dict[str, Any]] = []

    def tell(self, sides: str, way: str, score: np.ndarray | None, **more: Any) -> None:
        from sklearn.metrics import roc_auc_score

        row = {"sides": sides, "way": way, **more}
        if score is not None:
            row["auc"] = float(roc_auc_score(self.good, score))
        error = auc_error(row["auc"], int(self.good.sum()), int((~self.good).sum()))
        self.rows.append(row | {"error": error})
        figures = "  ".join(f"{name} {value:.4g}" for name, value in more.items() if isinstance(value, float))
        print(f"{sides:<20} {way:<34} AUC {row['auc']:.3f} ± {error:.3f}  {figures}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--store", type=Path, help="keep the artifacts there; a temporary folder if absent")
    options = parser.parse_args()
    if not options.data.exists():
        sys.exit(f"{options.data} is absent; --data names the folder of the house's real files")
    with tempfile.TemporaryDirectory() as folder:
        measure(options.data.resolve(), (options.store or Path(folder)).resolve(), Path(folder))


def measure(data: Path, into: Path, scratch: Path) -> None:
    from tasks.kernels.features import term_frequencies

    into.mkdir(parents=True, exist_ok=True)
    written(data, into)
    file = {"path": str(data / "text-labels" / "dclm-labels-public.jsonl.gz")}
    people = labelled.read([file], labelled.Fields(text="text", label="label"))
    column = pa.array(people.texts, pa.large_string())
    table = Table(people.labels)
    table.tell("", "length in characters", np.array([len(text) for text in people.texts]))
    table.tell("", "words", np.array([len(text.split()) for text in people.texts]))
    table.tell("", "Gopher's rules kept", rules_kept(column))
    failed = None if find_spec("fasttext") else fetch("fasttext", str(scratch / "fetched"))
    judged = matrix(*term_frequencies(column, FEATURES))
    for sides in SIDES:
        for preset in ("modern", "gpt3"):
            artifacts = built(data, into, preset, sides)
            assert artifacts.labels and artifacts.classifier
            fitted, agreed = artifacts.classifier.counts(Fitted), artifacts.labels.counts(Judged)
            tried = {each.strength: each.auc for each in fitted.chosen.tried}
            more = {
                "strength": fitted.chosen.strength,
                "slope": fitted.slope,
                "transfer": tried[fitted.chosen.strength],
                "held_out": fitted.auc,
            }
            words = {"for": [w.word for w in fitted.positive], "against": [w.word for w in fitted.negative]}
            counts = {"good": fitted.good, "raw": fitted.raw, "words": words}
            table.tell(sides, f"preset {preset}", None, auc=agreed.auc, **more, **counts)
        peers(table, sides, artifacts, people.texts, judged, failed, scratch)
    out = ROOT / "bench" / "results" / "quality.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"documents": len(people.texts), "rows": table.rows}, indent=1) + "\n")
    print(out)


def peers(
    table: Table, sides: str, artifacts: Built, texts: list[str], judged: Any, failed: str | None, scratch: Path
) -> None:
    """The classifier before, and fastText, on all documents of the two sides."""
    from scipy.sparse import vstack

    good, raw = ([artifacts.sources[name].documents for name in names] for names in SIDES[sides])

    class Here:
        """Draws are made in this process."""

        engine = LocalEngine(1)

    how: dict[str, Any] = {"sample": SAMPLE, "features": FEATURES, "validation": 0.0, "seed": 1, "mixed": True}
    drawn = [side.drawn for side in draw_both(Here, good, raw, **how)[0]]  # type: ignore[arg-type]
    x = vstack([matrix(side.indptr, side.indices, side.counts) for side in drawn], format="csr")
    table.tell(sides, "before: counts at unit length", before(drawn, x, judged))
    if failed:
        print(f"{sides:<20} {'fastText':<34} skipped: {failed}")
        return
    table.tell(sides, "fastText", fasttext_of([texts_of(good), texts_of(raw)], texts, scratch))


if __name__ == "__main__":
    main()
