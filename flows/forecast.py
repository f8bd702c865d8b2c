"""Sizes flow through the DAG before anything is built: from what is listed or expected of sources to text and tokens.

What is built is counted. Of what is not, every figure says what it rests on (`Held.by`): a listing, the source's
`expect`, what this store counted of the same stage and name, or a typical ratio (ratios.py).
"""

from collections.abc import Iterable
from typing import Any

from conf.expected import Expect
from conf.pipeline import Pipeline
from flows.held import NOTHING, Held, counted, kind_of, of_statistics
from flows.paces import COMPARABLE, listed_bytes, training_of, work
from flows.ratios import (
    CRAWL_FILE,
    CUT,
    KEPT_BY_PARETO,
    OF_CRAWL_FILE,
    OF_CUT,
    OF_PARETO,
    OF_SURVIVORS,
    OF_TOKENS,
    SURVIVE,
    TEXT_ON_DISK,
    UNJUDGED,
    token_bytes,
    typical,
)
from flows.shipped import SHIPPED
from flows.state import Past
from model.config import parameters as count_parameters
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run
from tasks.runtime.store import Store

DECISIONS = ("retracted", "keep", "survivors", "cuts")


class Forecast:
    """What each artifact of a run holds, or will. `asked`: bytes of crawls' files, by source, as their servers say."""

    def __init__(self, run: Run, pipeline: Pipeline, past: Past, asked: dict[str, float] | None = None):
        self.store: Store = run.store
        self.pipeline, self.past, self.asked = pipeline, past, asked or {}
        self._recipes = {artifact.label: artifact.recipe for artifact in run.artifacts}
        self._held: dict[str, Held] = {}
        self._counted: dict[str, Held] = {}
        self._shares = self._planned_shares(run.artifacts)
        for artifact in run.artifacts:
            self._held[artifact.label] = self._of(artifact)

    def of(self, label: str) -> Held:
        """Of the run's artifacts as built or foretold; of others of the store as counted.

        Raises:
            Failure: it is neither.
        """
        if label in self._held:
            return self._held[label]
        if label not in self._counted:
            self._counted[label] = counted(artifact_at(label, self.store))
        return self._counted[label]

    def recipe(self, label: str) -> dict[str, Any]:
        """What an artifact of the run, or of the store, is made of.

        Raises:
            Failure: it is neither.
        """
        return self._recipes[label] if label in self._recipes else artifact_at(label, self.store).manifest

    def _of(self, artifact: Artifact) -> Held:
        if artifact.built:
            return counted(artifact)
        recipe = artifact.recipe
        if artifact.stage == "ingest":
            held = self._ingested(artifact.name, recipe)
        elif artifact.stage == "labelled":  # of which nearly all is text
            size = listed_bytes(recipe["parameters"])
            held = Held(size, text=size)
        elif artifact.stage in DECISIONS:
            held = self._decided(artifact)
        elif artifact.stage == "tokens":
            held = self._tokens(artifact.name, recipe)
        elif artifact.stage == "buckets":
            met = self.of(recipe["inputs"]["before"])
            held = Held(documents=met.documents, by=met.by)
        elif artifact.stage == "mixture":
            held = Held(tokens=recipe["parameters"]["budget"])
        else:
            held = NOTHING
        return held.but(disk=self._disk(artifact, held))

    # Sources

    def _ingested(self, name: str, recipe: dict[str, Any]) -> Held:
        parameters = recipe["parameters"]
        source = self.pipeline.sources.get(name)
        expect = (source.expect if source else None) or Expect.model_construct()
        files = [file for file in parameters.get("files") or [] if isinstance(file, dict)]
        wet = (source is not None and source.form == "wet") or any(".wet" in str(file.get("path")) for file in files)
        kind = kind_of(parameters, wet)
        size, by = self._input(name, recipe, expect)
        usual = typical(kind, [str(file.get("path", file.get("missing"))) for file in files])
        kept = expect.kept or (expect.tokens and expect.tokens * self._token_bytes())
        share = self._whole_share(name)
        text, documents = _float(expect.text), _float(expect.documents)
        if text is not None or documents is not None or (size is None and kept):
            by = [*by, "expected"]
        known = self._counted_before(name, kind, size, text or (kept and share and kept / share[0]))
        if known is not None:  # this source's own, of another list of files or other settings
            ratio, document, named = known[0], known[1], f"{name} as built here"
        elif usual is not None:
            ratio, document, named = usual.text, usual.document, usual.source
        else:
            return Held(size, documents, text, kind=kind, by=tuple(by))
        if text is None and size is not None:
            text, by = size * ratio, [*by, named]
        elif text is None and documents is not None:
            text, by = documents * document, [*by, named]
        elif text is None and kept and share:
            text, by = kept / share[0], [*by, *share[1]]
        if documents is None and text is not None:
            documents, by = text / document, [*by, named]
        if size is None and text is not None:
            size, by = text / ratio, [*by, named]
        return Held(size, documents, text, kind=kind, by=tuple(dict.fromkeys(by)))

    def _input(self, name: str, recipe: dict[str, Any], expect: Expect) -> tuple[float | None, list[str]]:
        """Bytes of a source's files, and what that rests on: nothing where all are listed with their sizes."""
        if isinstance(label := recipe.get("inputs", {}).get("selected"), str) and (asked := self.of(label).input):
            return asked, []
        if (listed := listed_bytes(recipe["parameters"])) is not None:
            return listed, []
        if name in self.asked:
            return self.asked[name], ["asked of the server"]
        if expect.input is not None:
            return float(expect.input), ["expected"]
        source = self.pipeline.sources.get(name)
        if source is not None and source.one_crawl and isinstance(source.files, int):
            return source.files * CRAWL_FILE[source.form], [OF_CRAWL_FILE]
        return None, []

    def _counted_before(
        self, name: str, kind: str, size: float | None, text: float | None
    ) -> tuple[float, float] | None:
        """Bytes of text a byte of input and a document, of an artifact of this source of the same kind that is
        comparable in size."""
        for manifest in self.past.named(Artifact("ingest", name, "", self.store)):
            held = of_statistics("ingest", manifest["statistics"], manifest["parameters"])
            if held.kind == kind and held.input and held.documents and held.text:
                met, now = (held.input, size) if size is not None else (held.text, text)
                if now is not None and met >= COMPARABLE * now:
                    return held.text / held.input, held.text / held.documents
        return None

    # Decisions

    def _planned_shares(self, artifacts: Iterable[Artifact]) -> dict[tuple[str, str], tuple[float, str]]:
        """By source and decision the share of text that stays, and what that rests on; "" where nothing leaves."""
        shares: dict[tuple[str, str], tuple[float, str]] = {}
        for artifact in artifacts:
            if artifact.stage in DECISIONS:
                shares[artifact.name, artifact.stage] = _share(artifact.stage, artifact.recipe["parameters"])
        return shares

    def _kept_before(self, artifact: Artifact, text: float | None) -> tuple[float, str] | None:
        """The share that this decision kept of this source by the same rules, of comparably much text."""
        for manifest in self.past.named(artifact):
            told = manifest["statistics"]
            comparable = text is not None and told.get("bytes", 0) >= max(1.0, COMPARABLE * text)
            if comparable and _same(manifest["parameters"], artifact.recipe["parameters"]):
                return told["kept_bytes"] / told["bytes"], f"{artifact.stage} of {artifact.name} as built here"
        return None

    def _whole_share(self, name: str) -> tuple[float, list[str]]:
        """Of all decisions of a source together."""
        share = 1.0
        by: list[str] = []
        for stage in DECISIONS:
            part, named = self._shares.get((name, stage), (1.0, ""))
            share, by = share * part, [*by, named] if named else by
        return share, by

    def _decided(self, artifact: Artifact) -> Held:
        name, stage, inputs = artifact.name, artifact.stage, artifact.recipe["inputs"]
        documents = inputs.get("documents")
        label = inputs.get("before") or (documents if isinstance(documents, str) else documents[-1])
        met = self.of(label)
        share, named = self._kept_before(artifact, met.text) or self._shares[name, stage]
        source = self.pipeline.sources.get(name)
        kept = source.expect.kept if source and source.expect else None
        text = self.of(documents if isinstance(documents, str) else documents[-1]).text
        if kept and text and stage == "keep":  # the user knows what stays in the end: quality is what it depends on
            others = self._whole_share(name)[0] / share
            share, named = min(1.0, kept / text / others), "expected"
        by = (*met.by, named) if named else met.by
        return Held(
            documents=None if met.documents is None else met.documents * share,
            text=None if met.text is None else met.text * share,
            by=tuple(dict.fromkeys(by)),
        )

    # Tokens, and what else is written

    def _tokens(self, name: str, recipe: dict[str, Any]) -> Held:
        met = self.of(recipe["inputs"]["decision"])
        source = self.pipeline.sources.get(name)
        expect = (source.expect if source else None) or Expect.model_construct()
        if expect.tokens is not None:
            return met.but(tokens=float(expect.tokens), by=(*met.by, "expected"))
        if met.text is None:
            return met
        each = self._token_bytes()
        named = f"{each:.2f} bytes a token, {OF_TOKENS}"
        for manifest in self.past.named(Artifact("tokens", name, "", self.store)):
            told = manifest["statistics"]
            tokens = told.get("train", 0) + told.get("validation", 0)
            same = self._vocabulary(manifest["inputs"].get("tokenizer")) == self.pipeline.tokenizer.vocabulary
            if tokens and same and told.get("bytes", 0) >= COMPARABLE * met.text:
                each, named = told["bytes"] / tokens, f"tokens of {name} as built here"
                break
        return met.but(tokens=met.text / each, by=tuple(dict.fromkeys((*met.by, named))))

    def _vocabulary(self, label: Any) -> int | None:
        try:
            return (
                artifact_at(label, self.store).manifest["statistics"].get("asked") if isinstance(label, str) else None
            )
        except Failure:
            return None

    def _token_bytes(self) -> float:
        return token_bytes(self.pipeline.tokenizer.vocabulary)

    def _disk(self, artifact: Artifact, held: Held) -> float | None:
        """Bytes that an artifact will have, by what its rows are, or as typical of its stage."""
        recipe = artifact.recipe
        if artifact.stage == "ingest":
            return None if held.text is None else held.text * TEXT_ON_DISK
        if artifact.stage == "tokens":
            return (
                None if held.tokens is None else held.tokens * (2 if self.pipeline.tokenizer.vocabulary <= 65536 else 4)
            )
        if artifact.stage == "pretrain":
            found = training_of(recipe)
            return None if found is None else float(4 * count_parameters(found[0]))
        if artifact.stage == "signatures":
            documents = self.of(recipe["inputs"]["documents"]).documents
            return None if documents is None else documents * (4 * recipe["parameters"]["permutations"] + 20)
        done = work(recipe, held, self)
        shipped = SHIPPED.get((artifact.stage, done.way)) or SHIPPED.get((artifact.stage, ""))
        if shipped is None or shipped.disk is None or done.amount is None:
            return None
        return shipped.disk * done.amount


def _share(stage: str, parameters: dict[str, Any]) -> tuple[float, str]:
    """Of text that stays, as typical, and what that rests on; "" where nothing leaves."""
    if stage == "keep":
        if parameters.get("pareto") is not None:
            return KEPT_BY_PARETO, OF_PARETO
        judged = any(parameters.get(key) for key in ("threshold", "languages", "rules"))
        return 1.0, UNJUDGED if judged else ""
    if stage == "survivors":
        return SURVIVE, OF_SURVIVORS
    return (CUT, OF_CUT) if stage == "cuts" else (1.0, "")


def _float(number: int | None) -> float | None:
    return None if number is None else float(number)


def _same(then: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a decision was by the same rules."""
    return {key: value for key, value in then.items() if key != "ids"} == {
        key: value for key, value in now.items() if key != "ids"
    }
