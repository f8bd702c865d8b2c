"""Tokens to models."""

from conf.ladder import Ladder
from conf.pipeline import Pipeline
from flows.dag.asking import ask, require_metrics
from flows.dag.built import Built, By
from flows.dag.fine_tune import fine_tune
from flows.dag.incoming import incoming
from flows.dag.tokens import train_tokenizer
from model.config import Architecture, Training, stated, total_windows
from tasks.models.imported import architecture as architecture_of
from tasks.models.imported import imported
from tasks.models.ngrams import ngrams
from tasks.models.pass_rates import pass_rates
from tasks.models.prediction import prediction
from tasks.models.pretrain import pretrain as train
from tasks.models.scaling import scaling
from tasks.models.verdict import verdict
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.tokens.mixture import mixture


def pretrain(run: Run, p: Pipeline) -> Built:
    """Token shards to models, each with its own mixture, since each has its own budget. What is to be foretold is
    trained last, after the prediction."""
    built = train_tokenizer(run, p)
    for name, (model, more) in p.trained().items():
        if model.tuned:
            continue
        if model.preset is None:
            if not model.goes_on and not model.reinforced:
                built.models[name] = incoming(run, p, name, built)
        elif p.ladder is None or name != p.ladder.predict:
            train_model(run, p, built, name, *model.filled(p.tokenizer.vocabulary, p.seed + more))
    if p.ladder is not None:
        climb(run, p, p.ladder, built)
    go_on(run, p, built)
    fine_tune(run, p, built)
    return built


def train_model(
    run: Run,
    p: Pipeline,
    built: Built,
    name: str,
    architecture: Architecture,
    training: Training,
    **before: Artifact | By,
) -> None:
    """A mixture for the model's budget, and the model. `before`: what must be there before it, its `start` or what is
    foretold of it."""
    with run.group("training", name):
        built.mixtures[name] = run(
            mixture,
            name,
            tokens=built.tokens,
            groups={source: p.group(source) for source in p.sources},
            weights=p.mixture.weights,
            budget=total_windows(training, architecture.context) * architecture.context,
            context=architecture.context,
            validation=p.validation,
            validation_windows=training.validation_windows,
            seed=p.seed,
            max_epochs=p.mixture.epochs.max,
            times=list(p.dedup.rehydrate.values()),
        )
        built.models[name] = run(
            train,
            name,
            mixture=built.mixtures[name],
            tokenizer=built.tokenizer,
            architecture=stated(architecture),
            training=stated(training),
            torchrun=p.trained()[name][0].torchrun,
            **before,
        )
        if name in p.models:
            run(
                ngrams,
                name,
                mixture=built.mixtures[name],
                context=architecture.context,
                vocabulary=architecture.vocabulary,
                windows=total_windows(training, architecture.context),
                validation_windows=training.validation_windows,
                order=5,
                seed=training.seed,
            )


def climb(run: Run, p: Pipeline, ladder: Ladder, built: Built) -> None:
    """The laws that the ladder shows; and the model that they foretell, trained after the prediction was made."""
    if ladder.predict is not None:
        target, small = p.models[ladder.predict], p.small()
        architecture, training = target.filled(vocabulary=p.tokenizer.vocabulary, seed=p.seed)
        with run.group("ladder"):
            foretold = run(
                prediction,
                ladder.predict,
                models={name: built.models[name] for name in small},
                mixtures={name: built.mixtures[name] for name in small},
                architecture=stated(architecture),
                training=stated(training),
                share=ladder.share,
                seed=p.seed,
            )
        foretell_pass_rates(run, p, ladder, built)
        more = {"pass_rates": built.pass_rates} if built.pass_rates else {}
        train_model(run, p, built, ladder.predict, architecture, training, prediction=foretold, **more)
        model, mixed = built.models[ladder.predict], built.mixtures[ladder.predict]
        with run.group("ladder"):
            run(verdict, ladder.predict, prediction=foretold, model=model, mixture=mixed)
    trained = {name: built.models[name] for name in built.mixtures if p.trained()[name][0].speaks}
    with run.group("ladder"):
        run(scaling, "ladder", models=trained, mixtures={name: built.mixtures[name] for name in trained})


def go_on(run: Run, p: Pipeline, built: Built) -> None:
    """Models that begin with the weights of others; behind all others, so that no law of the ladder counts them."""
    came: dict[str, Architecture] = {}
    for name in p.going_on():
        model = p.models[name]
        start = incoming(run, p, name, built) if model.start is None else built.models[model.start]
        if start.stage == imported.name:
            came[start.name] = architecture_of(start, str(p.models[start.name].from_))
        try:
            architecture, training = p.filled(name, came)
        except ValueError as error:
            raise Mistake(f"models.{name}: {error}") from error
        assert training is not None
        train_model(run, p, built, name, architecture, training, start=start)


def foretell_pass_rates(run: Run, p: Pipeline, ladder: Ladder, built: Built) -> None:
    """What the small models solve of each task that is named, and what the model that they foretell will."""
    if not ladder.pass_rates or ladder.predict is None:
        return
    require_metrics(p)
    small = p.small()
    architecture, training = p.models[ladder.predict].filled(vocabulary=p.tokenizer.vocabulary, seed=p.seed)
    for task in ladder.pass_rates:
        scored = {name: ask(run, p, built, name, task) for name in small}
        with run.group("ladder"):
            built.pass_rates[task] = run(
                pass_rates,
                f"{ladder.predict}.{task}",
                task=task,
                scores=scored,
                models={name: built.models[name] for name in small},
                architecture=stated(architecture),
                training=stated(training),
                share=ladder.share,
                seed=p.seed,
            )
