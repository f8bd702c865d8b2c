"""`ppo` of a model whose objective is ppo: how it is taught by rewards. Defaults stand in model/ppo_keys.py."""

from dataclasses import fields
from typing import Any

from pydantic import BaseModel, create_model, model_validator

from conf.keys import Keys
from model.ppo_keys import PPO
from model.presets_instruct import INSTRUCT

_keys: dict[str, Any] = {
    field.name: (field.type | None, None)  # type: ignore[operator]
    for field in fields(PPO)
    if field.name != "seed"  # the pipeline's
}
ReinforcingKeys: type[BaseModel] = create_model("ReinforcingKeys", __base__=Keys, **_keys)


class Reinforcing(ReinforcingKeys):  # type: ignore[valid-type,misc]
    """Keys of PPO, model/ppo_keys.py; InstructGPT's where nothing is given."""

    @model_validator(mode="after")
    def _possible(self) -> "Reinforcing":
        self.filled(None, 0)
        return self

    def filled(self, recipe: str | None, seed: int) -> PPO:
        """All keys: what is given, else the numbers of a size of InstructGPT, else PPO's. ValueError."""
        numbers = vars(INSTRUCT[recipe].ppo) if recipe is not None else {}
        known = {field.name for field in fields(PPO)}
        size = {name: value for name, value in numbers.items() if name in known}
        return PPO(**{**size, **self.model_dump(exclude_unset=True), "seed": seed})
