"""`models`: a preset, a budget, and where a model is trained. Its defaults stand in model/config.py and presets.py."""

from dataclasses import fields
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, create_model, model_validator

from conf.keys import Count, Keys, Pool, Text
from model.config import Architecture, Training, total_windows
from model.presets import PRESETS, preset

# One word per argument: a value apart from its option could be taken for the script that is to run.
Argument = Annotated[Text, Field(pattern=r"^--[a-z][a-z_-]*(=\S*)?$")]

_keys: dict[str, Any] = {
    field.name: (Count | None if field.name in ("tokens", "batch", "batch_start", "batch_ramp", "warm_up", "decay")
                 else field.type | None, None)  # type: ignore[operator]
    for field in (*fields(Architecture), *fields(Training))
    if field.name not in ("vocabulary", "seed")  # the tokenizer's, and the pipeline's
}  # fmt: skip
ModelKeys: type[BaseModel] = create_model("ModelKeys", __base__=Keys, **_keys)


class Model(ModelKeys):  # type: ignore[valid-type,misc]
    """A preset of model/presets.py, a budget, and keys of model/config.py that replace the preset's."""

    preset: str = Field(description="one of the above")
    # Where it is trained. That does not change what it learns: neither is in the trainer's keys or a fingerprint.
    on: Pool | None = Field(None, description="the Prefect work pool where it is trained; absent: where the rest runs")
    torchrun: list[Argument] = Field(
        default_factory=list,
        description="arguments for torch.distributed.run, such as --nnodes=2 and --rdzv-endpoint=host:29400; "
        "absent: all GPUs of the machine",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.filled(vocabulary=50257, seed=0)
        return self

    def filled(self, vocabulary: int, seed: int) -> tuple[Architecture, Training]:
        """Architecture and training, the preset's where the YAML gives nothing."""
        if self.preset not in PRESETS:
            raise ValueError(f"no preset is called {self.preset!r}; there are {', '.join(sorted(PRESETS))}")
        given = self.model_dump(exclude_unset=True, include=set(ModelKeys.model_fields))
        return preset(self.preset, **given, vocabulary=vocabulary, seed=seed)

    def budget(self) -> int:
        """Tokens that the training reads, as whole windows."""
        architecture, training = self.filled(vocabulary=50257, seed=0)
        return total_windows(training, architecture.context) * architecture.context
