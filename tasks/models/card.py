"""A model's card: what it is, what it was made from, what it scored; only what artifacts say, and what is not known.

SHAPES_NO_BYTES: no stage writes it; `millrace export-model` puts it beside a model that goes out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model.config import Architecture, flops_per_token
from tasks.evaluation.perplexity import Perplexities
from tasks.evaluation.scores import Scored, Value
from tasks.models.energy import BESIDE, energy_of
from tasks.models.pretrain import Trained
from tasks.models.train import Tuned
from tasks.runtime.artifact import Artifact
from tasks.tokens.mixture import mixture_file

SHAPES_NO_BYTES = True
ROWS = (
    ("layers", "layers"), ("width", "width"), ("heads", "heads"), ("context", "context, tokens"),
    ("vocabulary", "vocabulary"), ("norm", "LayerNorm"), ("band", "band of every second layer, tokens"),
)  # fmt: skip


def card(
    name: str,
    about: Mapping[str, Any],
    held: str,
    model: Artifact | None = None,
    mixture: Artifact | None = None,
    perplexity: Artifact | None = None,
    scores: Sequence[Artifact] = (),
) -> str:
    """In Markdown, with the head that Hugging Face reads. `about`: its model.json; `held`: how the files hold it; the
    rest as far as the pipeline has it."""
    architecture = Architecture(**about["architecture"])
    return "\n".join(
        [
            "---",
            "library_name: transformers",
            "pipeline_tag: text-generation",
            "---",
            f"# {name}",
            "",
            f"A GPT of {about['parameters']:,} parameters, made by Millrace. {held}",
            "",
            "| | |",
            "|---|---|",
            *(f"| {said} | {_plain(about['architecture'][key])} |" for key, said in ROWS),
            f"| weights, sha256 | `{about.get('model_sha256', 'not recorded')}` |",
            f"| tokenizer, sha256 | `{about['tokenizer_sha256']}` |",
            "",
            *_training(architecture, model, mixture),
            *_scores(name, perplexity, scores),
        ]
    )


def _plain(value: Any) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _training(architecture: Architecture, model: Artifact | None, mixture: Artifact | None) -> Iterator[str]:
    yield from ("## Training", "")
    if model is None:
        yield from ("Not known: the model was given as a folder, apart from its pipeline.", "")
        return
    if model.stage == "train":
        yield from _tuning(model)
        return
    if model.stage != "pretrain":
        yield from (f"Not known: the model came in from a folder ([`{model.label}`]).", "")
        return
    learned = model.counts(Trained)
    flops = flops_per_token(architecture) * learned.tokens
    settings, spent = model.manifest["parameters"]["training"], energy_of(model)
    if start := model.manifest["inputs"].get("start"):
        yield from (f"It begins with the weights of `{start}`; what follows is of its own training alone.", "")
    yield from (
        f"{learned.updates:,} updates over {learned.tokens:,} tokens; loss {learned.first_loss:.4f} at the first "
        f"update, {learned.loss:.4f} at the last, in nats a token. {flops:.3g} FLOPs: 6 a weight of every matrix "
        "product and token, and attention's (recomputation not counted).",
        "",
        f"Energy: {spent.told}; {BESIDE}." if spent is not None else "Energy was not measured.",
        "",
        f"Artifact `{model.label}`; seed {settings['seed']}, peak learning rate {settings['learning_rate']:g}.",
        "",
    )
    if mixture is not None and mixture.built:
        yield from _mixture(mixture, learned)


def _tuning(model: Artifact) -> Iterator[str]:
    """What a model learned from examples, and from which."""
    learned, inputs, parameters = model.counts(Tuned), model.manifest["inputs"], model.manifest["parameters"]
    start = inputs.get("start")
    yield from (
        f"It begins with the weights of `{start}`." if start else "It begins with no other model's weights.",
        "",
        f"Objective {parameters['objective']}: {learned.updates:,} updates over {learned.examples:,} examples "
        f"({learned.epochs:g} epochs) of `{inputs['examples']}`; loss {learned.first_loss:.4f} at the first update, "
        f"{learned.loss:.4f} at the last.",
        "",
        f"Artifact `{model.label}`; seed {parameters['training']['seed']}, peak learning rate "
        f"{parameters['training']['learning_rate']:g}.",
        "",
    )


def _mixture(mixture: Artifact, learned: Trained) -> Iterator[str]:
    """What it read of each group, and which tokens those were."""
    plan = json.loads(mixture_file(mixture).read_bytes())
    yield from ("### Mixture", "", "| group | weight asked | tokens read | epochs | sources |", "|---|---|---|---|---|")
    for group in plan["groups"]:
        read = learned.realised[group["group"]]
        sources = ", ".join(source["source"] for source in group["sources"])
        yield f"| {group['group']} | {group['asked']:g} | {read.tokens:,} | {read.epochs:.3g} | {sources} |"
    yield from ("", f"Corpus: `{mixture.label}` (sha256 {mixture.content}), over these tokens:", "")
    for group in plan["groups"]:
        yield from (f"- `{source['folder']}`" for source in group["sources"])
    yield ""


def _scores(name: str, perplexity: Artifact | None, scores: Sequence[Artifact]) -> Iterator[str]:
    """What it scores; of `scores`, those that are its own."""
    yield from ("## Scores", "")
    if perplexity is None or not perplexity.built:
        yield from ("No evaluation of it is built.", "")
        return
    yield from (
        "| held-out text of | perplexity a token | nats a token | standard error | bits a byte | tokens |",
        "|---|---|---|---|---|---|",
    )
    for source, of in perplexity.counts(Perplexities).sources.items():
        error, bits = (f"{value:.4f}" if value is not None else "-" for value in (of.stderr, of.bits_per_byte))
        yield f"| {source} | {of.perplexity:.2f} | {of.loss:.4f} | {error} | {bits} | {of.tokens:,} |"
    yield ""
    own = [scored for artifact in scores if (scored := artifact.counts(Scored)).model == name]
    if own:
        yield from (
            "| task | metric | shots | score | 95 % interval | by chance | clean items |",
            "|---|---|---|---|---|---|---|",
        )
    for scored in own:
        for way in scored.ways.values():
            if way.step is None:
                clean = way.rules.get("gpt3", {}).get("clean", Value())
                yield (
                    f"| {scored.task} | {scored.metric} | {way.shots} | {_share(way.all.value)} of "
                    f"{way.all.items:,} | {_share(way.all.low)} to {_share(way.all.high)} | {_share(way.chance)} | "
                    f"{_share(clean.value)} of {clean.items:,} |"
                )
    if own:
        yield from ("", "Clean: no long word n-gram of the item stands in the training text.", "")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
