"""A corpus as `diff` and `whatif` see it: sources with their decisions, token shards, mixtures, and models' results.

Made of handles, built or not: what is not built is None in what is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.evaluation.perplexity import Perplexities
from tasks.evaluation.scores import Scored
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.decisions import decided
from tasks.sources.ingest import Ingested
from tasks.tokens.mixture import Mixed
from tasks.tokens.tokens import Tokenised

SHAPES_NO_BYTES = True
By = Mapping[str, Artifact]
Mixtures = dict[str, dict[str, dict[str, float]] | None]  # by model, by group


@dataclass(frozen=True)
class Corpus:
    """Artifacts by source (`decisions`: in order), by model (`mixtures`, `models`, `perplexities`), and `scores`."""

    documents: By
    decisions: Mapping[str, list[Artifact]]
    groups: Mapping[str, str]
    tokens: By = field(default_factory=dict)
    mixtures: By = field(default_factory=dict)
    models: By = field(default_factory=dict)
    perplexities: By = field(default_factory=dict)
    scores: list[Artifact] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Artifact]:
        """Each source's last decision; none of a source without."""
        return {name: made[-1] for name, made in self.decisions.items() if made}


def of_report(report: Artifact) -> Corpus:
    """The corpus that a report is of, by its manifest.

    Raises:
        Failure: the report is not built.
    """
    inputs, store = report.manifest["inputs"], report.store
    others = inputs.get("others") or {}

    def by(stage: str) -> dict[str, Artifact]:
        return {name: artifact_at(label, store) for name, label in others.get(stage, {}).items()}

    return Corpus(
        documents={name: artifact_at(label, store) for name, label in inputs["documents"].items()},
        decisions={name: [artifact_at(label, store) for label in made] for name, made in inputs["decisions"].items()},
        groups=report.manifest["parameters"]["groups"],
        tokens=by("tokens"),
        mixtures=by("mixture"),
        models=by("pretrain"),
        perplexities=by("perplexity"),
        scores=list(by("scores").values()),
    )


def funnel(corpus: Corpus) -> dict[str, list[dict[str, Any]]]:
    """By source its steps: `step`, documents and bytes that it leaves (None where it is not built), and `reasons`."""
    told: dict[str, list[dict[str, Any]]] = {}
    for name, documents in corpus.documents.items():
        counts = documents.counts(Ingested) if documents.built else None
        first = {"documents": counts and counts.documents, "bytes": counts and counts.text_bytes}
        steps: list[dict[str, Any]] = [{"step": "ingest", **first, "reasons": {}}]
        for decision in corpus.decisions.get(name, []):
            made = decided(decision) if decision.built else None
            left = {"documents": made and made.kept, "bytes": made and made.kept_bytes}
            steps.append({"step": decision.stage, **left, "reasons": dict(made.reasons) if made else {}})
        told[name] = steps
    return told


def tokens_held(corpus: Corpus) -> dict[str, dict[str, int] | None]:
    """By source the tokens of either split; None where they are not built."""
    told: dict[str, dict[str, int] | None] = {}
    for name in corpus.documents:
        made = corpus.tokens.get(name)
        counts = made.counts(Tokenised) if made is not None and made.built else None
        told[name] = None if counts is None else {"train": counts.train, "validation": counts.validation}
    return told


def mixtures(corpus: Corpus) -> Mixtures:
    """By model, by group: weight, epochs, tokens to be drawn and held; None where the mixture is not built."""
    told: dict[str, dict[str, dict[str, float]] | None] = {}
    for name, made in corpus.mixtures.items():
        if not made.built:
            told[name] = None
            continue
        told[name] = {
            group: {"weight": share.weight, "epochs": share.epochs, "tokens": share.tokens, "held": share.held}
            for group, share in made.counts(Mixed).groups.items()
        }
    return told


def losses(corpus: Corpus) -> dict[str, dict[str, dict[str, float | None]]]:
    """By model, by source: validation loss in nats a token, and its standard error."""
    return {
        name: {
            source: {"loss": held.loss, "stderr": held.stderr, "bits_per_byte": held.bits_per_byte}
            for source, held in made.counts(Perplexities).sources.items()
        }
        for name, made in corpus.perplexities.items()
        if made.built
    }


def scored_models(corpus: Corpus) -> dict[str, list[Artifact]]:
    """`scores` artifacts that are built, by model."""
    found: dict[str, list[Artifact]] = {}
    for made in corpus.scores:
        if made.built:
            found.setdefault(made.counts(Scored).model, []).append(made)
    return found
