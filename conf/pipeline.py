"""All that a pipeline's YAML may say. Unknown keys, wrong types and impossible values are refused with the line.

Defaults stand in these files and nowhere else, except a model's, which stand in model/config.py and model/presets.py.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from conf.benchmarks import Benchmark
from conf.corpus import Decontaminate, Dedup, Quality, Sample, Tokenizer
from conf.crawls import unfolded
from conf.engine import Engine
from conf.evaluation import Asked, Evaluate
from conf.examples import Examples
from conf.expected import Rates
from conf.keep import Conditions, Harm
from conf.keys import Address, Keys, Misplaced, Share
from conf.ladder import Ladder
from conf.mixture import Mixture
from conf.models import HF, NAME, Model
from conf.retracted import Retracted, listed
from conf.sources import Servers, Source
from conf.spelling import did_you_mean
from conf.store import Cache, Store, address
from conf.task import Task, files, load
from conf.title import Title
from model.config import Architecture, Training, training_flops
from model.presets import FORMS


class Pipeline(Keys):
    """One file from crawl to score."""

    title: Title = Field("", description="of the report, in any script; the file's name if absent")
    store: Store = Field(
        "./store",
        validate_default=True,  # it is relative as well
        description="of the artifacts: a folder, or a URL such as s3://bucket/prefix (s3, gs, az, azure, abfs, abfss, "
        "memory, file)",
    )
    cache: Cache = Cache()
    engine: Engine = Field(
        Engine(), description="local if absent; or spark, spark: MASTER, or spark: {master: ..., conf: {...}}"
    )
    workers: Annotated[int, Field(gt=0)] | None = Field(
        None, description="processes of the local engine; all cores if absent"
    )
    seed: Annotated[int, Field(ge=0)] = 1
    validation: Share = Field(0.01, description="share of documents held out, by hash (GPT-2 held out 5 %)")
    sample: Sample | None = Field(None, description="make the demo's input; paths name it {sample}")
    sources: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], Source] = Field(
        default_factory=dict,
        description="in priority order: what an earlier one holds, a later one loses; none where models only come in "
        "and are asked",
    )
    without: Address | None = Field(
        None,
        description="list of documents that were taken back, one id a line (`millrace retract` writes it): they leave "
        "before anything is decided, and nothing learns from them",
    )
    servers: Servers = Servers()
    benchmarks: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")], Benchmark] = Field(default_factory=dict)
    quality: Quality | None = Field(None, description="absent: nothing is scored, everything kept")
    harm: Harm | None = Field(None, description="what `keep.harm` learns from")
    keep: Conditions = Conditions()
    dedup: Dedup = Dedup()
    decontaminate: Decontaminate = Decontaminate()
    tokenizer: Tokenizer = Tokenizer()
    mixture: Mixture = Field(Mixture(), description="a weight per group, or {weights: {...}, epochs: {max: ...}}")
    examples: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], Examples] = Field(
        default_factory=dict, description="labelled text, on which models are fine-tuned; docs/examples.md"
    )
    models: dict[Annotated[str, Field(pattern=rf"^{NAME}$")], Model] = Field(default_factory=dict)
    ladder: Ladder | None = Field(None, description="models of several sizes, for laws of scaling and a prediction")
    evaluate: Evaluate = Evaluate()
    rates: Rates = Field(Rates(), description="prices, for `plan`")
    _months: dict[str, list[str]] = PrivateAttr(default_factory=dict)  # see `conf.months`

    @field_validator("sources")
    @classmethod
    def _unfold(cls, sources: dict[str, Source]) -> dict[str, Source]:
        """A source a crawl; see conf/crawls.py."""
        return unfolded(sources)

    @property
    def months(self) -> dict[str, list[str]]:
        """By each source of the file whose crawl is `latest`: the sources that stand for it, in order of age."""
        return self._months

    def family(self, source: str) -> list[str]:
        """The sources that stand with this one for a source of the file, in order of age; itself alone if none do."""
        return next((months for months in self.months.values() if source in months), [source])

    @property
    def teachers(self) -> list[str]:
        """The sources from which classifier, tokenizer and frequent grams are learned: all, but of a source whose
        crawl is `latest` its first crawl alone: a later month is judged by what was learned, and changes none of it.
        """
        return [source for source in self.sources if self.family(source)[0] == source]

    def teaching(self, names: list[str]) -> list[str]:
        """The teachers among the sources that a list names, in priority order."""
        return [source for source in self.named(names) if source in self.teachers]

    def group(self, source: str) -> str:
        return self.sources[source].group or source

    @property
    def groups(self) -> list[str]:
        """Groups in the order of their first source."""
        return list(dict.fromkeys(self.group(source) for source in self.sources))

    def unread(self) -> list[str]:
        """Groups that `mixture` leaves out: their documents are kept, and no model learns from them. A weight of 0 says
        that it is meant."""
        return [group for group in self.groups if self.mixture.weights and group not in self.mixture.weights]

    def named(self, names: list[str]) -> list[str]:
        """The sources that a list of sources and groups names, in priority order."""
        return [source for source in self.sources if source in names or self.group(source) in names]

    def conditions(self, source: str) -> Conditions:
        """What a source's documents need to stay: its own conditions, then the pipeline's; by score the raw ones' if
        neither says."""
        declared = self.sources[source].keep.over(self.keep)
        if self.quality and "score" not in declared.model_fields_set and source in self.named(self.quality.raw):
            return declared.model_copy(update={"score": self.quality.keep})
        return declared

    def before(self, source: str) -> list[str]:
        """The sources ranked before `source` whose documents leave it, in priority order.

        Earlier months of its own are always among them: to the file they are one source.
        """
        across = self.dedup.filled()["across"]
        earlier = list(self.sources)[: list(self.sources).index(source)]
        own = self.family(source)
        if isinstance(across, bool):
            return earlier if across else [ranked for ranked in earlier if ranked in own]
        named = self.named([*across.get(source, []), *across.get(self.group(source), [])])
        return [ranked for ranked in earlier if ranked in named or ranked in own]

    def rungs(self) -> dict[str, tuple[Model, int]]:
        """The ladder's models by name, and what is added to the pipeline's seed for each."""
        return self.ladder.models(self.tokenizer.vocabulary) if self.ladder else {}

    def trained(self) -> dict[str, tuple[Model, int]]:
        """All models: the ladder's, then those of `models`."""
        return {**self.rungs(), **{name: (model, 0) for name, model in self.models.items()}}

    def going_on(self) -> list[str]:
        """The models that go on from another's weights as language models, each behind the one that it begins with."""
        return self._behind_starts([name for name, model in self.models.items() if model.goes_on])

    def tuned(self) -> list[str]:
        """The models that learn from examples, each behind the one that it begins with."""
        return self._behind_starts([name for name, model in self.models.items() if model.tuned])

    def reinforced(self) -> list[str]:
        """The models that learn from rewards of their answers, each behind the one that it begins with."""
        return self._behind_starts([name for name, model in self.models.items() if model.reinforced])

    def _behind_starts(self, names: list[str]) -> list[str]:
        def behind(name: str) -> int:
            start = self.models[name].start if name in self.models else None
            return 0 if start is None else 1 + behind(start)

        return sorted(names, key=behind)

    def filled(self, name: str, came: Mapping[str, Architecture]) -> tuple[Architecture, Training | None]:
        """A model's architecture, and its training if it has one. `came`: by name the architectures of models that
        begin with a folder's weights.

        A model that goes on reads in another order than its start did, by the seed after that one's: else it would
        begin with the very windows that its start began with. ValueError where its snapshots cannot be.
        """
        model, more = self.trained()[name]
        if model.preset is not None and model.tuned:
            return model.filled(self.tokenizer.vocabulary, self.seed)[0], None
        if model.preset is not None:
            return model.filled(self.tokenizer.vocabulary, self.seed + more)
        start, before = (came[name], None) if model.start is None else self.filled(model.start, came)
        if model.tuned:
            return model.from_start(start), None
        if not model.goes_on:
            return start, None
        return model.going_on(start, before, self.seed if before is None else before.seed + 1)

    def retracted(self) -> Retracted:
        """The documents that were taken back.

        Raises:
            Mistake: the list cannot be read, or a line of it is not what it should be.
        """
        return Retracted() if self.without is None else listed(Path(self.without), self.sources)

    def task_files(self) -> dict[str, Path]:
        """The task files that there are, by the task's name."""
        return files(self.evaluate.folder)

    def tasks(self) -> dict[str, tuple[Asked, Task]]:
        """Each task that is asked, and its file, by name.

        Raises:
            Mistake: the file is not what it should be.
        """
        there = self.task_files()
        return {asked.task: (asked, load(there[asked.task])) for asked in self.evaluate.tasks}

    def benchmark_of(self, task: str) -> str:
        """The benchmark whose items a task asks."""
        asked, of = self.tasks()[task]
        return asked.asks(of)

    def shares(self) -> dict[str, float]:
        """Each teacher's part of the tokenizer's sample: its group's weight, in equal parts within the group."""
        weights = self.mixture.weights or dict.fromkeys(self.groups, 1.0)
        members = {group: [s for s in self.teachers if self.group(s) == group] for group in self.groups}
        total = sum(weights.values())
        return {
            source: weights.get(group, 0.0) / total / len(members[group])
            for group in self.groups
            for source in members[group]
        }

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        self._require_text()
        known = {*self.sources, *self.groups}
        for where, names in self._named_lists().items():
            for place, name in enumerate(names):
                if name not in known:
                    raise Misplaced(
                        (*where, place),
                        f"{'.'.join(where)} names {name}, which is no source or group "
                        f"(there are {', '.join(sorted(known))}){did_you_mean(name, known)}",
                    )
        if self.quality and (contradictory := set(self.named(self.quality.good)) & set(self.named(self.quality.raw))):
            raise Misplaced(("quality",), f"quality: {', '.join(sorted(contradictory))} cannot be good and raw at once")
        for group in self.mixture.weights:
            if group not in self.groups:
                raise Misplaced(
                    ("mixture", "weights", group),
                    f"mixture names {group}, which is no group (there are {', '.join(self.groups)})"
                    f"{did_you_mean(group, self.groups)}",
                )
        self._require_conditions()
        if self.mixture.weights and not sum(self.mixture.weights.values()):
            raise Misplaced(("mixture",), "mixture: all weights are zero")
        self._require_starts()
        self._require_ladder()
        self._require_examples()
        self._require_rewards()
        self._require_tasks()
        self._require_strides()
        self._require_control()
        for name, source in self.sources.items():
            wanted = source.select.links if source.select else False
            if isinstance(wanted, str) and (wanted not in self.sources or self.sources[wanted].kind != "webtext"):
                raise Misplaced(
                    ("sources", name, "select", "links"),
                    f"select.links names {wanted}, no webtext source"
                    f"{did_you_mean(wanted, [name for name, one in self.sources.items() if one.kind == 'webtext'])}",
                )
        with_files: list[tuple[str, Mapping[str, Keys]]] = [
            ("sources", self.sources), ("benchmarks", self.benchmarks), ("examples", self.examples)
        ]  # fmt: skip
        for kind, named in with_files:
            for name, declared in named.items():
                for key in ("files", "pages", "submissions", "words", "validation"):
                    if self.sample is None and any(
                        "{sample}" in files for files in _list(getattr(declared, key, None))
                    ):
                        raise Misplaced((kind, name, key), f"{key} name {{sample}}, but the pipeline has no `sample:`")
        return self

    def _require_text(self) -> None:
        """Without sources there is only what came in to be asked."""
        if self.sources:
            return
        if not self.models:
            raise Misplaced((), "sources: give at least one; or models that come in (`from: hf:FOLDER`), to be asked")
        learn = [name for name, model in self.models.items() if model.from_ is None or model.goes_on]
        if learn or self.ladder is not None:
            where: tuple[str, ...] = ("models", learn[0]) if learn else ("ladder",)
            raise Misplaced(where, f"{'.'.join(where)} is to be trained, and there are no sources to learn from")

    def _require_starts(self) -> None:
        """A model goes on from one that is there, and not from itself by way of others; in the tokens of its start."""
        known = self.trained()
        for name, (model, _) in known.items():
            where, chain = ("models", name, "from"), [name]
            while (start := known[chain[-1]][0].start) is not None:
                if start not in known:
                    raise Misplaced(
                        ("models", chain[-1], "from"),
                        f"models.{chain[-1]}.from names {start}, which is no model of this pipeline (there are "
                        f"{', '.join(known)}); a folder is hf:FOLDER{did_you_mean(start, known)}",
                    )
                chain.append(start)
                if start in chain[:-1]:
                    raise Misplaced(where, f"models.{name}.from leads in a circle: {' from '.join(chain)}")
            first = known[chain[-1]][0]
            if model.goes_on and first.folder and self.tokenizer.kind != "file":
                folder = str(first.from_).removeprefix(HF)
                raise Misplaced(
                    where,
                    f"models.{name} learns on in the tokens of {folder}, and the pipeline makes a tokenizer of its "
                    f"own: set `tokenizer: {{kind: file, file: {folder}, vocabulary: ...}}`",
                )
            if model.goes_on and (tuned := [start for start in chain[1:] if known[start][0].tuned]):
                raise Misplaced(
                    where, f"models.{name} learns on as a language model, and {tuned[0]}, which it goes on from, has "
                    "tokens of its own beside the pipeline's: give models that learn from examples alone such a start"
                )  # fmt: skip
            if (model.goes_on or model.tuned) and not first.folder:
                try:
                    self.filled(name, {})
                except ValueError as error:
                    raise Misplaced(where[:2], f"models.{name}: {error}") from None

    def _require_rewards(self) -> None:
        """What a model that learns from rewards names is there, and of its kind; nothing else learns on from it."""
        for name in self.reinforced():
            model, where = self.models[name], ("models", name)
            kinds = {
                "reward": [other for other, of in self.models.items() if of.objective == "reward"],
                "mix": [
                    other
                    for other, of in self.models.items()
                    if of.objective == "lm" and (of.preset is not None or of.goes_on)
                ],
            }
            for key, known in kinds.items():
                given = getattr(model, key)
                if given is not None and given not in known:
                    raise Misplaced(
                        (*where, key),
                        f"models.{name}.{key} names {given}, and can be {' or '.join(known) or 'none that there is'}"
                        f"{did_you_mean(given, known)}",
                    )
            start = self.models.get(str(model.start))
            if start is None or (start.objective not in ("lm", "sft", "ppo")):
                raise Misplaced((*where, "from"), f"models.{name} begins from {model.start}: give a model that speaks")

    def context_of(self, examples: str) -> int | None:
        """Tokens that a sequence of these examples has at most: as they say, or the smallest context of the models that
        learn from them, or, where none is known to, of all. None where only a folder's own files tell."""
        if self.examples[examples].context is not None:
            return self.examples[examples].context
        models = {name: model for name, (model, _) in self.trained().items()}
        readers = [name for name, model in models.items() if model.data == examples]
        known = [context for name in readers or models if (context := self._context(name)) is not None]
        return min(known, default=None)

    def _context(self, model: str) -> int | None:
        """A model's own context, or that of the one that it begins with; None for a folder's."""
        models = self.trained()
        while (own := models[model][0].model_dump(include={"context"})["context"]) is None:
            of, more = models[model]
            if of.preset is not None:
                return of.filled(self.tokenizer.vocabulary, self.seed + more)[0].context
            if of.start is None:
                return None
            model = of.start
        return int(own)

    def _require_examples(self) -> None:
        """Examples have names of their own, the pipeline's tokenizer and a context; what models learn from is there,
        of a form that their objective reads."""
        for name, model in self.models.items():
            if model.data is None:
                continue
            where: tuple[str, ...] = ("models", name, "data")
            forms = FORMS[model.objective]
            if model.data not in self.examples:
                raise Misplaced(
                    where,
                    f"models.{name}.data names {model.data}, which is none of `examples` (there are "
                    f"{', '.join(self.examples) or 'none'}){did_you_mean(model.data, self.examples)}",
                )
            if (form := self.examples[model.data].form) not in forms:
                raise Misplaced(
                    where, f"examples.{model.data} have the form {form}, and {model.objective} learns from "
                    f"{' or '.join(forms)}"
                )  # fmt: skip
        for name in self.examples:
            where = ("examples", name)
            if name in self.sources:
                raise Misplaced(where, f"examples.{name}: a source is called {name}, too; give the examples another")
            if not self.sources:
                raise Misplaced(
                    where, f"examples.{name} need a tokenizer, and there are no sources that one is of; give some"
                )
            if self.context_of(name) is None:
                raise Misplaced(
                    where, f"examples.{name}: give `context`: no model here says how long a sequence may be"
                )

    def _require_ladder(self) -> None:
        """What a ladder foretells must be a model of its own name, and have enough that is small beside it."""
        if self.ladder is None:
            return
        if twice := sorted(set(self.rungs()) & set(self.models)):
            raise Misplaced(("models", twice[0]), f"{twice[0]} is a size of the ladder: give the model another name")
        target = self.ladder.predict
        if target is None:
            if self.ladder.pass_rates:
                raise Misplaced(
                    ("ladder", "pass_rates"), "ladder.pass_rates are of the model that `ladder.predict` names: name one"
                )
            return
        if target not in self.models or self.models[target].from_ is not None:
            raise Misplaced(
                ("ladder", "predict"),
                f"ladder.predict names {target}, which is none of `models` that are trained from the beginning"
                f"{did_you_mean(target, self.models)}",
            )
        rungs = self.rungs()
        compute = {self.flops(*rungs[name]) for name in self.small()}
        if len(compute) < 4:
            raise Misplaced(
                ("ladder", "share"),
                f"{len(compute)} sizes of the ladder have at most {self.ladder.share:g} of the compute of {target}; a "
                f"law of three parameters needs 4: give smaller sizes, or raise ladder.share",
            )

    def _require_tasks(self) -> None:
        """Each task has a file, and its benchmark what is asked for."""
        there = self.task_files()
        for place, asked in enumerate(self.evaluate.tasks):
            where = ("evaluate", "tasks", place)
            if asked.task not in there:
                raise Misplaced(
                    where,
                    f"there is no task {asked.task}: `millrace tasks` lists those that there are"
                    f"{did_you_mean(asked.task, there)}",
                )
            if asked.task in [earlier.task for earlier in self.evaluate.tasks[:place]]:
                raise Misplaced(where, f"evaluate.tasks names {asked.task} twice")
            of = load(there[asked.task])
            name = asked.asks(of)
            if name not in self.benchmarks:
                raise Misplaced(where, f"{asked.task} asks the benchmark {name}: {of.data or 'declare its files'}")
            for template in asked.templates:
                if template != "default" and template not in of.templates:
                    raise Misplaced(
                        (*where, "templates"),
                        f"{asked.task} has no template {template} (there are {', '.join(['default', *of.templates])})"
                        f"{did_you_mean(template, of.templates)}",
                    )
            if asked.reading == "unconditional" and of.neutral is None:
                raise Misplaced((*where, "reading"), f"{asked.task} has no `neutral` context for this reading")
            if asked.choose and self.benchmarks[name].dev is None:
                raise Misplaced((*where, "choose"), f"benchmark {name} has no `dev` items to choose by")
        for place, task in enumerate(self.ladder.pass_rates if self.ladder else ()):
            where = ("ladder", "pass_rates", place)
            if task not in self.tasks():
                raise Misplaced(
                    where,
                    f"ladder.pass_rates names {task}, which is none of evaluate.tasks"
                    f"{did_you_mean(task, self.tasks())}",
                )
            if self.tasks()[task][1].samples < 2:
                raise Misplaced(where, f"ladder.pass_rates names {task}, whose task file draws one text an item")

    def _require_strides(self) -> None:
        """No window of a text begins behind the end of the one before; of a model that comes in, its own files tell."""
        for text, how in self.evaluate.perplexity.items():
            for name, (model, more) in self.trained().items():
                context = model.filled(self.tokenizer.vocabulary, self.seed + more)[0].context if model.preset else None
                if how.stride is not None and context is not None and how.stride > context:
                    raise Misplaced(
                        ("evaluate", "perplexity", text, "stride"),
                        f"a stride of {how.stride} tokens is longer than the context of {name}, {context}",
                    )

    def _require_control(self) -> None:
        """The control of news is a model that is there."""
        news, known = self.evaluate.news, self.trained()
        if news is not None and news.control is not None and news.control not in known:
            raise Misplaced(
                ("evaluate", "news", "control"),
                f"evaluate.news.control names {news.control}, which is no model of this pipeline (there are "
                f"{', '.join(known) or 'none'}){did_you_mean(news.control, known)}",
            )

    def small(self) -> list[str]:
        """The rungs from which the ladder foretells: those of at most its share of the target's compute."""
        assert self.ladder is not None and self.ladder.predict is not None
        limit = self.ladder.share * self.flops(self.models[self.ladder.predict], 0)
        return [name for name, (model, seed) in self.rungs().items() if self.flops(model, seed) <= limit]

    def flops(self, model: Model, more: int) -> float:
        """What training a model takes, 6ND without embeddings; `more` is added to the pipeline's seed."""
        return training_flops(*model.filled(self.tokenizer.vocabulary, self.seed + more))

    def _require_conditions(self) -> None:
        """What `keep` names must be there, and be said once."""
        places: list[tuple[tuple[str, ...], Conditions]] = [(("keep",), self.keep)]
        places += [(("sources", name, "keep"), source.keep) for name, source in self.sources.items()]
        for where, conditions in places:
            if conditions.score is not None and self.quality is None:
                raise Misplaced((*where, "score"), "keep.score needs a classifier: see `quality`")
            if conditions.harm is not None and self.harm is None:
                raise Misplaced((*where, "harm"), "keep.harm needs texts to learn from: see `harm`")
        if self.keep.score is not None and self.quality and "keep" in self.quality.model_fields_set:
            raise Misplaced(
                ("keep", "score"), "keep.score is for every source, quality.keep for the raw ones: give one of the two"
            )

    def _named_lists(self) -> dict[tuple[str, ...], list[str]]:
        lists: dict[tuple[str, ...], list[str]] = {}
        if self.quality:
            lists |= {("quality", "good"): self.quality.good, ("quality", "raw"): self.quality.raw}
        if isinstance(self.dedup.across, dict):
            lists[("dedup", "across")] = list(self.dedup.across)
            lists |= {("dedup", "across", later): earlier for later, earlier in self.dedup.across.items()}
        return lists

    def store_url(self) -> str:
        """The store as the runtime opens it: a folder's absolute path, or an object store's URL."""
        return address(self.store)


def _list(files: str | list[str] | int | None) -> list[str]:
    if files is None or isinstance(files, int):
        return []
    return [files] if isinstance(files, str) else files
