"""What a pipeline's DAG has given so far: handles of artifacts, by source, benchmark or model."""

from dataclasses import dataclass, field

from tasks.runtime.artifact import Artifact

By = dict[str, Artifact]  # artifacts by the name of their source, benchmark or model


@dataclass
class Columns:
    """A source: its documents, what was measured of them (by stage), and its decisions, each taking the one before."""

    documents: Artifact
    measures: By = field(default_factory=dict)
    decisions: list[Artifact] = field(default_factory=list)

    @property
    def last(self) -> Artifact:
        """The decision that readers take."""
        return self.decisions[-1]

    @property
    def before(self) -> Artifact | None:
        """The decision that the next one takes; None for the first."""
        return self.decisions[-1] if self.decisions else None


@dataclass
class Built:
    """The handles of a pipeline's artifacts, as far as its DAG was followed."""

    sample: Artifact | None = None
    links: By = field(default_factory=dict)
    selected: By = field(default_factory=dict)
    sources: dict[str, Columns] = field(default_factory=dict)
    classifier: Artifact | None = None
    labels: Artifact | None = None
    harm: Artifact | None = None
    buckets: By = field(default_factory=dict)
    benchmarks: By = field(default_factory=dict)
    train: By = field(default_factory=dict)  # of benchmarks, to draw solved examples from
    dev: By = field(default_factory=dict)
    grams: Artifact | None = None
    frequent: Artifact | None = None
    tokenizer: Artifact | None = None
    tokens: By = field(default_factory=dict)
    records: By = field(default_factory=dict)  # labelled text as it was read, by the name of its examples
    examples: By = field(default_factory=dict)  # labelled text in its form, by name
    mixtures: By = field(default_factory=dict)
    models: By = field(default_factory=dict)
    chosen: By = field(default_factory=dict)  # at which step a model is taken, by the model
    overlap: Artifact | None = None
    perplexities: By = field(default_factory=dict)
    samples: By = field(default_factory=dict)  # texts about people, by model
    pass_rates: By = field(default_factory=dict)  # foretold, by task
    scores: dict[str, By] = field(default_factory=dict)  # by model and task
    report: Artifact | None = None

    @property
    def documents(self) -> By:
        return {name: source.documents for name, source in self.sources.items()}

    @property
    def decided(self) -> By:
        """Each source's last decision."""
        return {name: source.last for name, source in self.sources.items()}

    def measured(self, stage: str) -> By:
        """A measure, of the sources that have it."""
        return {name: source.measures[stage] for name, source in self.sources.items() if stage in source.measures}
