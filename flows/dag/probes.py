"""Models to what they say of people, and how toxic their texts are; where the pipeline asks for it."""

from typing import Any

from conf.pipeline import Pipeline
from flows.dag.built import Built
from tasks.evaluation.probes.bias import bias
from tasks.evaluation.probes.probes import probes
from tasks.evaluation.probes.prompts import TOP_P
from tasks.evaluation.probes.samples import samples
from tasks.evaluation.probes.toxicity import toxicity_classifier
from tasks.runtime.run import Run
from tasks.sources.input.listing import listed


def probe(run: Run, p: Pipeline, built: Built, models: list[str]) -> None:
    """Each model's answers to the probes, and what they say."""
    how = p.evaluate.probes
    if how is None:
        return
    given = {
        key: _files(run, key, getattr(how, key)) for key in ("occupations", "winogender", "crows_pairs", "lexicon")
    }
    classifier, begun = None, {}
    if how.toxicity is not None:
        rated = _files(run, "toxicity", how.toxicity.rated)
        classifier = run(toxicity_classifier, "toxicity", files=rated, seed=p.seed)
        own = how.toxicity.prompts is None
        begun = {"files": rated if own else _files(run, "prompts", how.toxicity.prompts), "rated": own}
    for name in models:
        with run.group("evaluation", name):
            model = built.models[name]
            asked = run(
                probes,
                name,
                model=model,
                occupations=given["occupations"],
                winogender=given["winogender"],
                crows_pairs=given["crows_pairs"],
            )
            people = endings = None
            if how.samples:
                about = {"samples": how.samples, "tokens": how.tokens, "top_p": TOP_P}
                people = run(
                    samples, f"{name}-people", model=model, files=[], rated=False, limit=None, seed=p.seed, **about
                )
                built.samples[name] = people
            if how.toxicity is not None:
                # One text a prompt, at temperature 1 from the whole law (InstructGPT, section 3.5).
                ends: dict[str, Any] = {"samples": 1, "tokens": how.toxicity.tokens, "top_p": 1.0}
                limit = how.toxicity.limit
                endings = run(samples, f"{name}-endings", model=model, **begun, limit=limit, seed=p.seed, **ends)
            run(
                bias,
                name,
                probes=asked,
                people=people,
                endings=endings,
                classifier=classifier,
                lexicon=given["lexicon"],
                seed=p.seed,
            )


def _files(run: Run, key: str, files: str | None) -> list[dict[str, Any]]:
    """A user's file, listed and checksummed at every run; none where none is given."""
    found: list[dict[str, Any]] = [] if files is None else listed(run, f"probes-{key}", files, frozen=False)["files"]
    return found
