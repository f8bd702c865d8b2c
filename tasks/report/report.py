"""The stage `report`: every figure of a run, from manifests and columns. No time of day, no duration: the same bytes
for the same artifacts. `page.render` makes the page of it, together with the run's timings.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

from tasks.report import corpus, planted, training
from tasks.report.columns import Place, facts
from tasks.report.figures import draw
from tasks.report.summary import summary
from tasks.runtime.stage import Artifact, Job, stage


@stage("report", libraries=("matplotlib", "numpy"))
def report(
    job: Job,
    *,
    documents: dict[str, Artifact],
    scores: dict[str, Artifact],
    keeps: dict[str, Artifact],
    survivors: dict[str, Artifact],
    hits: dict[str, Artifact],
    cuts: dict[str, Artifact],
    classifier: list[Artifact],
    grams: list[Artifact],
    benchmarks: dict[str, Artifact],
    tokenizer: Artifact | None,
    tokens: dict[str, Artifact],
    mixtures: dict[str, Artifact],
    models: dict[str, Artifact],
    overlap: list[Artifact],
    evaluations: dict[str, Artifact],
    sample: list[Artifact],
    pareto: float | None,
    groups: dict[str, str],
    title: str,
) -> dict[str, Any]:
    """report.json, figures/*.svg, summary.txt. Dictionaries are by source, benchmark or model, in priority order."""
    cuts = {name: artifact for name, artifact in cuts.items() if artifact.stage == "cuts"}
    places = [
        Place(
            source,
            shard,
            artifact,
            scores.get(source),
            keeps.get(source),
            survivors.get(source),
            hits.get(source),
            cuts.get(source),
            _signatures(job, survivors.get(source)),
            _frequent(job, cuts.get(source)),
        )
        for source, artifact in documents.items()
        for shard in artifact.shards()
    ]
    plants = planted.read(sample[0]) if sample else None
    wanted = planted.wanted(plants, _words(hits), benchmarks) if plants else None
    found = job.engine.map(partial(facts, alpha=pareto, wanted=wanted), places)
    audit = overlap[0] if overlap else None
    made: dict[str, Any] = {
        "title": title,
        "funnel": corpus.funnel(places, tokens, groups),
        "rejects": corpus.rejects(found),
        "quality": corpus.quality(found, places, classifier[0] if classifier else None, pareto),
        "duplicates": corpus.duplicates(job, found, places),
        "contamination": corpus.contamination(found, places, grams[0] if grams else None),
        "overlap": training.overlap(audit),
        "tokenizer": training.tokenizer(tokenizer, tokens),
        "mixtures": [training.mixture(name, one, models.get(name), groups) for name, one in mixtures.items()],
        "models": [training.losses(name, one) for name, one in models.items()],
        "scores": training.scores(evaluations),
        "planted": planted.found(plants, found, _dedup(places), benchmarks, audit) if plants else None,
        "dedup": _dedup(places),
    }
    figures = draw(made)
    for name, svg in figures.items():
        with job.publish(f"figures/{name}.svg") as file:
            file.write(svg)
    made["figures"] = list(figures)
    with job.publish("report.json") as file:
        file.write(json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False).encode())
    lines = summary(made)
    with job.publish("summary.txt") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    return {"sources": len(documents), "shards": len(places), "figures": len(figures), "lines": len(lines)}


def _signatures(job: Job, survivors: Artifact | None) -> Artifact | None:
    """The source's signatures, which its survivors name as the last of their inputs."""
    labels = survivors.manifest["inputs"].get("signatures", []) if survivors else []
    return _handle(job, labels[-1]) if labels else None


def _frequent(job: Job, cuts: Artifact | None) -> Path | None:
    label = cuts.manifest["inputs"].get("frequent") if cuts else None
    return job.root / label / "frequent.parquet" if label else None


def _handle(job: Job, label: str) -> Artifact:
    """The handle of an artifact by its label `<stage>/<name>-<fingerprint>`."""
    stage, _, rest = label.partition("/")
    name, _, fingerprint = rest.rpartition("-")
    return Artifact(stage, name, fingerprint, job.root / label)


def _words(hits: dict[str, Artifact]) -> int:
    """Words a gram, as decontamination had it."""
    return next((int(one.manifest["parameters"]["n"]) for one in hits.values()), 13)


def _dedup(places: list[Place]) -> dict[str, Any] | None:
    """Bands, rows and threshold of survivors, permutations and shingle of signatures."""
    for place in places:
        if place.survivors is not None and place.signatures is not None:
            how, made = place.survivors.manifest["parameters"], place.signatures.manifest["parameters"]
            return {key: how[key] for key in ("bands", "rows", "threshold")} | {
                key: made[key] for key in ("permutations", "shingle")
            }
    return None
