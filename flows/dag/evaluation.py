"""Models to answers and scores, on all items and on those that the training text is clean of."""

from conf.perplexity import FilePerplexity
from conf.pipeline import Pipeline
from flows.dag.asking import ask, askings, developed, overlap_of, require_metrics
from flows.dag.built import Built
from flows.dag.examples import needed
from flows.dag.exams import examine
from flows.dag.judges import align
from flows.dag.judges import placed as placed_judges
from flows.dag.models import pretrain
from flows.dag.news import control_of, write_news
from flows.dag.probes import probe
from tasks.evaluation.file_perplexity import file_perplexity
from tasks.evaluation.perplexity import perplexity
from tasks.models.pass_verdict import pass_verdict
from tasks.models.trends import trend
from tasks.runtime.run import Run
from tasks.sources.input.listing import listed


def evaluate(run: Run, p: Pipeline) -> Built:
    """Models to scores.

    Raises:
        Mistake: a task's metric is not there, or not for it.
    """
    require_metrics(p)
    built = pretrain(run, p)
    overlap_of(run, p, built)
    for name in evaluated(p):
        with run.group("evaluation", name):
            measure_texts(run, p, built, name)
        for task in p.tasks():
            ask(run, p, built, name, task)
    with run.group("ladder"):
        order_by_compute(run, p, built)
    with run.group("evaluation"):  # what is no single model's
        probe(run, p, built, evaluated(p))
        write_news(run, p, built, evaluated(p))
        for name in p.examples:  # those that no model learned from, too
            needed(run, p, built, name)
        align(run, p, built, evaluated(p))
        examine(run, p, built, evaluated(p))
    return built


def measure_texts(run: Run, p: Pipeline, built: Built, name: str) -> None:
    """A model's perplexity on what was held out, and on the texts that the pipeline names."""
    own = name in built.mixtures
    text = {"mixture": built.mixtures[name]} if own else {"tokens": built.tokens, "tokenizer": built.tokenizer}
    if built.tokens:
        built.perplexities[name] = run(perplexity, name, model=built.models[name], **text, seed=p.seed)
    for text_name, how in p.evaluate.perplexity.items():
        measure_text(run, built, name, text_name, how)


def measure_text(run: Run, built: Built, model: str, name: str, how: FilePerplexity) -> None:
    """A model's perplexity on files of text."""
    run(
        file_perplexity,
        f"{model}.{name}",
        model=built.models[model],
        **listed(run, f"text-{name}", how.files, built.sample, frozen=False),
        detokenise=how.detokenise,
        unit=how.unit,
        stride=how.stride,
    )


def order_by_compute(run: Run, p: Pipeline, built: Built) -> None:
    """What was foretold of pass rates beside what came; and each task's trend, where three computes or more were
    trained here."""
    ladder = p.ladder
    if ladder is not None and ladder.predict is not None:
        for task in ladder.pass_rates:
            told, of = built.pass_rates[task], built.scores[ladder.predict][task]
            run(
                pass_verdict, f"{ladder.predict}.{task}", pass_rates=told, scores=of, model=built.models[ladder.predict]
            )
    trained = p.trained()
    names = [name for name in evaluated(p) if trained[name][0].preset is not None]
    if len({p.flops(*trained[name]) for name in names}) < 3:
        return
    for task in p.tasks():
        scored = {name: built.scores[name][task] for name in names}
        run(trend, task, task=task, scores=scored, models={name: built.models[name] for name in names}, seed=p.seed)


def evaluated(p: Pipeline) -> list[str]:
    """The models that are asked as language models."""
    return [*(p.rungs() if p.evaluate.ladder else ()), *(name for name, model in p.models.items() if model.speaks)]


def placed(p: Pipeline) -> list[tuple[str, str]]:
    """Stages and names of all that asks a model: what `evaluate.on` places."""
    named: list[tuple[str, str]] = placed_judges(p, evaluated(p))
    everything, asked_early = evaluated(p), p.ladder.pass_rates if p.ladder else []
    if p.evaluate.news is not None and p.evaluate.news.control is not None:
        named.append(("news", control_of(p.evaluate.news.control)))
    for model in dict.fromkeys([*(p.small() if asked_early else ()), *everything]):
        if p.sources and model in everything:
            named.append(("perplexity", model))
        if model in everything:
            named += [("file-perplexity", f"{model}.{name}") for name in p.evaluate.perplexity]
            if p.evaluate.probes is not None:
                named += [("probes", model), ("samples", f"{model}-people"), ("samples", f"{model}-endings")]
            if p.evaluate.news is not None:
                named.append(("news", model))
        for task in p.tasks() if model in everything else asked_early:
            asked, of = p.tasks()[task]
            ways = list(askings(p, model, asked, of))
            named += [("answers", f"{model}.{task}.{one.label}") for one in ways]
            named += [("answers", f"{model}.{task}.dev.{one.label}") for one in ways if developed(asked, of, one)]
    return named
