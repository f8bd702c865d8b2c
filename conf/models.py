"""`models`: a preset, a budget, and where a model is trained; or a model that comes in, trained elsewhere; or one that
goes on from another's weights.

Defaults of the first stand in model/config.py and presets.py.
"""

from dataclasses import fields, replace
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, create_model, model_validator

from conf.keys import Count, Keys, Pool, Text, without_credentials
from conf.places import absolute
from conf.ppo import Reinforcing
from conf.spelling import did_you_mean
from model.config import Architecture, Training
from model.ppo_keys import PPO
from model.presets import ARCHITECTURE, PRESETS, dropout_of, preset, trained_on, tuned_on

# One word per argument: a value apart from its option could be taken for the script that is to run.
Argument = Annotated[Text, Field(pattern=r"^--[a-z][a-z_-]*(=\S*)?$")]
NAME = r"[a-z0-9][a-z0-9.-]*"  # of a model
HF = "hf:"  # before a folder's path
NAME_OF_EXAMPLES = r"^[a-z0-9][a-z0-9_-]*$"
Objective = Literal["lm", "classify", "entail", "similar", "choose", "regress", "span", "tag", "sft", "reward", "ppo"]
HEADS = ("classify", "entail", "similar", "choose", "regress", "span", "tag", "reward")  # a model speaks by its head
Recipe = Literal["instructgpt-1.3b", "instructgpt-6b", "instructgpt-175b"]
TUNING_KEYS = ("data", "epochs", "auxiliary", "layers_transferred", "recipe")
OF_TRAINER = ("epochs", "auxiliary", "layers_transferred")
REINFORCING_KEYS = ("reward", "mix", "ppo")
DROPOUT = {"dropout", "residual_dropout"}  # which an objective may have otherwise than its start: no weight is of it


def _start(written: str, info: ValidationInfo) -> str:
    """`hf:` and a folder, made whole as every path; or a model's name."""
    if not written.startswith(HF):
        return written
    return HF + absolute(without_credentials(written.removeprefix(HF)), info)


Name = Annotated[str, Field(pattern=f"^{NAME}$")]
Start = Annotated[str, Field(pattern=rf"^(hf:.+|{NAME})$"), AfterValidator(_start)]

_keys: dict[str, Any] = {
    field.name: (Count | None if field.name in ("tokens", "batch", "batch_start", "batch_ramp", "warm_up", "decay")
                 else field.type | None, None)  # type: ignore[operator]
    for field in (*fields(Architecture), *fields(Training))
    if field.name not in ("vocabulary", "seed")  # the tokenizer's, and the pipeline's
}  # fmt: skip
ModelKeys: type[BaseModel] = create_model("ModelKeys", __base__=Keys, **_keys)


class Model(ModelKeys):  # type: ignore[valid-type,misc]
    """A preset of model/presets.py, a budget, and keys of model/config.py that replace the preset's; or `from`."""

    preset: str | None = Field(None, description="one of the above; absent where the model begins `from` another")
    from_: Start | None = Field(
        None,
        alias="from",
        description="hf:FOLDER, a folder of this machine as transformers writes it, of a model of GPT-2's, "
        "OpenAI-GPT's or GPT-Neo's shape; or the name of another model of this pipeline. With `tokens` (or `updates`) "
        "the model is trained on for so long, of the same architecture (`context` may be longer); without, a folder's "
        "is evaluated as it is, in its own tokens; docs/models.md",
    )
    end_of_text: str | None = Field(
        None, min_length=1, description="with `from: hf:`: its token that ends a text; <|endoftext|> if absent"
    )
    objective: Objective = Field(
        "lm",
        description="lm learns from the pipeline's mixture; every other one from labelled text, `data`: "
        "docs/fine-tuning.md",
    )
    data: Annotated[str, Field(pattern=NAME_OF_EXAMPLES)] | None = Field(
        None, description="of `examples`, what an objective other than lm learns from"
    )
    epochs: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="how often the examples of `data` are read, instead of `tokens` (which, like `batch`, `warm_up` "
        "and `decay`, count examples there) and `updates`; the objective's own if absent",
    )
    auxiliary: Annotated[float, Field(ge=0)] | None = Field(
        None, description="weight of the language model's loss beside the objective's; .5 if absent (GPT-1)"
    )
    layers_transferred: Annotated[int, Field(ge=0)] | None = Field(
        None, description="with `from` and an objective: how many of the start's layers are taken, all if absent"
    )
    recipe: Recipe | None = Field(
        None,
        description="of sft, reward and ppo: the size whose numbers (InstructGPT, appendix C) stand where nothing is "
        "given; instructgpt-1.3b if absent",
    )
    reward: Name | None = Field(
        None,
        description="of ppo: the model of this pipeline, of the objective reward, that says how good an answer is; "
        "or a judge of `judges`, of rules",
    )
    mix: Name | None = Field(
        None, description="of ppo: the model of this pipeline whose pretraining windows are mixed in (PPO-ptx)"
    )
    ppo: Reinforcing | None = Field(None, description="of ppo: its own keys; docs/ppo.md")
    # Where it is trained. That does not change what it learns: neither is in the trainer's keys or a fingerprint.
    on: Pool | None = Field(None, description="the Prefect work pool where it is trained; absent: where the rest runs")
    torchrun: list[Argument] = Field(
        default_factory=list,
        description="arguments for torch.distributed.run, such as --nnodes=2 and --rdzv-endpoint=host:29400; "
        "absent: all GPUs of the machine",
    )

    @property
    def folder(self) -> bool:
        """Whether it begins with a folder's weights."""
        return self.from_ is not None and self.from_.startswith(HF)

    @property
    def start(self) -> str | None:
        """The model of the pipeline that it goes on from; None where it begins otherwise."""
        return None if self.folder else self.from_

    @property
    def tuned(self) -> bool:
        """Whether it learns from examples, by the trainer."""
        return self.objective not in ("lm", "ppo")

    @property
    def reinforced(self) -> bool:
        """Whether it learns from rewards of its own answers."""
        return self.objective == "ppo"

    @property
    def speaks(self) -> bool:
        """Whether it is asked as a language model: not where a head speaks, nor of an LSTM, which does not generate."""
        return self.objective not in HEADS and self._trainer().get("trunk") != "lstm"

    @property
    def goes_on(self) -> bool:
        """Whether it is trained from another's weights on, as a language model."""
        given = self._trainer()
        return (
            self.from_ is not None
            and self.objective == "lm"
            and any(given.get(key) is not None for key in ("tokens", "updates"))
        )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.preset is None) == (self.from_ is None):
            raise ValueError(
                "give one of preset, for a model that is trained here, and from, for one that comes in or goes on from "
                "another"
            )
        if self.tuned:
            self._require_tuning()
        elif self.reinforced:
            self._require_reinforcing()
            return self
        elif strangers := [key for key in TUNING_KEYS if getattr(self, key) is not None]:
            raise ValueError(f"{', '.join(strangers)}: belongs to a model with an `objective` other than lm")
        if strangers := [key for key in REINFORCING_KEYS if getattr(self, key) is not None]:
            raise ValueError(f"{', '.join(strangers)}: belongs to a model whose `objective` is ppo")
        if self.end_of_text is not None and not self.folder:
            raise ValueError("end_of_text belongs to a model that comes in (`from: hf:`); tokenizer has its own")
        if self.preset is not None:
            self.filled(vocabulary=50257, seed=0)
        elif self.tuned:
            pass
        elif self.goes_on:
            shape = {field.name for field in fields(Architecture)} - {"context"}
            if strangers := sorted(set(self._trainer()) & shape):
                raise ValueError(f"a model that goes on has its start's architecture: {', '.join(strangers)} must go")
            # Of whatever architecture; which updates there are to keep snapshots of is told once that is known.
            self.model_copy(update={"snapshots": None}).going_on(Architecture(context=1), None, seed=0)
        elif not self.folder:
            raise ValueError(f"it goes on from {self.from_}: give tokens (or updates), how long it is trained on")
        elif strangers := sorted(self.model_fields_set - {"from_", "end_of_text"}):
            raise ValueError(
                f"a model that comes in is not trained here: {', '.join(strangers)} must go; or give tokens (or "
                "updates), to train it on"
            )
        return self

    def filled(self, vocabulary: int, seed: int) -> tuple[Architecture, Training]:
        """Architecture and training, the preset's where the YAML gives nothing; of a model that has a preset."""
        assert self.preset is not None
        given = self._trainer()
        if self.tuned:  # the preset's architecture; what it learns by is `tuning`
            given = {key: value for key, value in given.items() if key in ARCHITECTURE}
        if self.preset not in PRESETS:
            raise ValueError(
                f"no preset is called {self.preset!r}; there are {', '.join(sorted(PRESETS))}"
                f"{did_you_mean(self.preset, PRESETS)}"
            )
        return preset(self.preset, **given, vocabulary=vocabulary, seed=seed)

    def going_on(self, start: Architecture, before: Training | None, seed: int) -> tuple[Architecture, Training]:
        """Architecture and training of a model that goes on, from weights of the architecture `start`; `before`: the
        training that they come from, where it is known.

        ValueError where a snapshot is asked of an update that it does not have, or the context would be shorter.
        """
        given = self._trainer()
        given.pop("context", None)
        architecture = self.from_start(start)
        return architecture, trained_on(architecture, before, **given, seed=seed)

    def from_start(self, start: Architecture) -> Architecture:
        """Its start's architecture, but for a longer context. ValueError where that would be shorter."""
        context = self._trainer().get("context") or start.context
        if context < start.context:
            raise ValueError(f"its start has a context of {start.context}: give `context` no less, or leave it out")
        dropouts = dropout_of(self.objective, self.recipe) | self.model_dump(exclude_unset=True, include=DROPOUT)
        return replace(start, context=context, **(dropouts if self.tuned else {}))

    def tuning(self, seed: int) -> tuple[dict[str, Any], float | None]:
        """Of a model that learns from examples, the trainer's keys, and how many epochs; None: a budget is among the
        keys. How many examples there are, and so the budget of epochs, is known once they are made."""
        given = {key: value for key, value in self._trainer().items() if key not in ARCHITECTURE}
        return tuned_on(self.objective, self.epochs, self.recipe, **given, seed=seed)

    def objective_keys(self) -> dict[str, Any]:
        """The keys of the objective that the YAML gives."""
        return {key: getattr(self, key) for key in ("auxiliary",) if getattr(self, key) is not None}

    def reinforcing(self, seed: int) -> PPO:
        """Of a model that learns from rewards, all keys. ValueError."""
        return (self.ppo or Reinforcing()).filled(self.recipe, seed)

    def _require_reinforcing(self) -> None:
        if missing := [key for key in ("from_", "data", "reward") if getattr(self, key) is None]:
            raise ValueError(f"objective ppo needs {missing[0].rstrip('_')}: docs/ppo.md says what each is")
        if strangers := sorted(set(self._trainer()) | {key for key in OF_TRAINER if getattr(self, key) is not None}):
            raise ValueError(f"objective ppo has keys of its own, `ppo`: {', '.join(strangers)} must go")
        if self.folder or self.torchrun:
            raise ValueError("objective ppo begins `from` a model of this pipeline, and runs in one process")
        if self.reinforcing(0).gamma and self.mix is None:
            raise ValueError("ppo.gamma is not 0 (27.8 if absent), and there is no `mix` to take windows from")

    def _require_tuning(self) -> None:
        if self.data is None:
            raise ValueError(f"objective {self.objective} learns from examples: name them, `data`")
        if self.layers_transferred is not None and self.from_ is None:
            raise ValueError("layers_transferred belongs to a model that begins `from` another")
        if self.recipe is not None and self.objective not in ("sft", "reward"):
            raise ValueError(f"recipe belongs to the objectives sft and reward, not to {self.objective}")
        if self.auxiliary is not None and self.objective in ("sft", "reward"):
            raise ValueError(
                f"auxiliary belongs to GPT-1's objectives: {self.objective} has no other loss beside its own"
            )
        shape = ARCHITECTURE - {"context"} - DROPOUT
        if self.from_ is not None and (strangers := sorted(set(self._trainer()) & shape)):
            raise ValueError(f"a model that goes on has its start's architecture: {', '.join(strangers)} must go")
        self.tuning(seed=0)

    def _trainer(self) -> dict[str, Any]:
        """The keys of the trainer that the YAML gives."""
        return self.model_dump(exclude_unset=True, include=set(ModelKeys.model_fields))
