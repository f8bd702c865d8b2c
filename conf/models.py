"""`models`: a preset, a budget, and where a model is trained; or a model that comes in, trained elsewhere.

Defaults of the first stand in model/config.py and presets.py.
"""

from dataclasses import fields
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, create_model, model_validator

from conf.keys import Address, Count, Keys, Pool, Text
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
    """A preset of model/presets.py, a budget, and keys of model/config.py that replace the preset's; or `from`."""

    preset: str | None = Field(None, description="one of the above; absent where the model comes `from` elsewhere")
    from_: Annotated[Address, Field(pattern=r"^hf:.+")] | None = Field(
        None,
        alias="from",
        description="hf:FOLDER, a folder of this machine as transformers writes it, of a model of GPT-2's, "
        "OpenAI-GPT's or GPT-Neo's shape: evaluated as it is, in its own tokens; docs/models.md",
    )
    end_of_text: str | None = Field(
        None, min_length=1, description="with `from`: its token that ends a text; <|endoftext|> if absent"
    )
    # Where it is trained. That does not change what it learns: neither is in the trainer's keys or a fingerprint.
    on: Pool | None = Field(None, description="the Prefect work pool where it is trained; absent: where the rest runs")
    torchrun: list[Argument] = Field(
        default_factory=list,
        description="arguments for torch.distributed.run, such as --nnodes=2 and --rdzv-endpoint=host:29400; "
        "absent: all GPUs of the machine",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.preset is None) == (self.from_ is None):
            raise ValueError("give one of preset, for a model that is trained here, and from, for one that comes in")
        if self.from_ is None:
            if self.end_of_text is not None:
                raise ValueError("end_of_text belongs to a model that comes in (`from`); tokenizer has its own")
            self.filled(vocabulary=50257, seed=0)
        elif strangers := sorted(self.model_fields_set - {"from_", "end_of_text"}):
            raise ValueError(f"a model that comes in is not trained here: {', '.join(strangers)} must go")
        return self

    def filled(self, vocabulary: int, seed: int) -> tuple[Architecture, Training]:
        """Architecture and training, the preset's where the YAML gives nothing; of a model that is trained here."""
        assert self.preset is not None
        if self.preset not in PRESETS:
            raise ValueError(f"no preset is called {self.preset!r}; there are {', '.join(sorted(PRESETS))}")
        given = self.model_dump(exclude_unset=True, include=set(ModelKeys.model_fields))
        return preset(self.preset, **given, vocabulary=vocabulary, seed=seed)

    def budget(self) -> int:
        """Tokens that the training reads, as whole windows."""
        architecture, training = self.filled(vocabulary=50257, seed=0)
        return total_windows(training, architecture.context) * architecture.context
