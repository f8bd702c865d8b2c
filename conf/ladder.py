"""`ladder`: one recipe at several sizes, to see how loss falls with compute, and to foretell a larger model's loss."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from conf.keys import Count, Keys, Pool, Positive, Share
from conf.models import Model, ModelKeys
from model.config import parameters


class Ladder(Keys):
    """One recipe at several sizes. They are trained as those of `models` are; `evaluate.ladder` has them asked."""

    preset: str = Field("demo", description="what a size leaves unsaid: a preset as in `models`")
    sizes: list[str | ModelKeys] = Field(  # type: ignore[valid-type]
        min_length=1, description="each the name of a preset, or keys that replace those of `preset`"
    )
    tokens: Annotated[str, Field(pattern=r"^\d+(\.\d+)?x$")] | Count | None = Field(
        "20x",
        description="what each reads: 20x is 20 tokens a parameter, embeddings among them (Hoffmann et al. 2022); a "
        "count is the same for all; null: its preset's",
    )
    seeds: Positive = Field(1, description="runs of each size, which differ in their seed: noise becomes visible")
    predict: str | None = Field(
        None, description="a model of `models`, whose loss is foretold before it is trained (GPT-4, section 3)"
    )
    share: Annotated[Share, Field(gt=0)] = Field(
        0.01, description="of that model's compute: runs of more take no part in the prediction"
    )
    pass_rates: list[str] = Field(
        default_factory=list,
        description="tasks of `evaluate` that sample several texts an item: how often the model that is foretold will "
        "solve their problems is foretold too (GPT-4, section 3.2), from asking the small models before it is trained",
    )
    on: Pool | None = Field(None, description="the Prefect work pool where they are trained; absent: where the rest is")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for _ in self.models(vocabulary=50257):
            pass
        return self

    def models(self, vocabulary: int) -> dict[str, tuple[Model, int]]:
        """By name: a model, and what is added to the pipeline's seed. `<preset>-<layers>x<width>`, then `-seed2` ...

        ValueError for a key that cannot be, or two sizes of one name.
        """
        made: dict[str, tuple[Model, int]] = {}
        for name, model in self._sizes(vocabulary):
            if name in made:
                raise ValueError(f"two sizes of the ladder are called {name}: sizes differ in preset, layers or width")
            for more in range(self.seeds):
                made[f"{name}-seed{more + 1}" if more else name] = (model, more)
        return made

    def _sizes(self, vocabulary: int) -> Iterator[tuple[str, Model]]:
        for size in self.sizes:
            given: dict[str, Any] = {"preset": size} if isinstance(size, str) else {"preset": self.preset}
            given |= {} if isinstance(size, str) else size.model_dump(exclude_unset=True)
            plain = Model(**given, on=self.on)
            architecture, _ = plain.filled(vocabulary, seed=0)
            if "tokens" not in given and "updates" not in given and self.tokens is not None:
                given["tokens"] = self.tokens
                if isinstance(self.tokens, str):  # 20x
                    given["tokens"] = round(float(self.tokens[:-1]) * parameters(architecture))
            name = size if isinstance(size, str) else f"{self.preset}-{architecture.layers}x{architecture.width}"
            yield name, Model(**given, on=self.on)
