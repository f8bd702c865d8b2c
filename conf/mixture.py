"""`mixture`: how much of the training each group gives, and how often a group may be read over."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from conf.keys import Keys


class Epochs(Keys):
    """How often a model may read a group over.

    Muennighoff et al. (2023), "Scaling Data-Constrained Language Models": against new text up to 4 epochs change the
    loss by next to nothing, and with more of them what compute adds decays to zero. GPT-3 (table 2.2) read its smaller
    sets over up to 3.4 times.
    """

    max: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="what a group would give beyond so many epochs is shared out among the others, by weight; absent: "
        "no bound. A model whose budget all groups at their bound cannot fill is refused",
    )


class Mixture(Keys):
    """By group its weight, as `{common-crawl: 60, books: 8}`; or the weights, and more, under the keys below."""

    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="weight per group; need not sum to 1. Absent: in proportion to tokens held"
    )
    epochs: Epochs = Epochs()

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """The short form: every value is a weight. So a group may be called weights or epochs there."""
        if isinstance(value, dict) and not any(isinstance(given, dict) for given in value.values()):
            return {"weights": value}
        return value


def unread(group: str) -> str:
    """That no model reads a group, in a sentence."""
    return (
        f"mixture leaves out {group}: its documents are kept, and no model reads them; give it a weight (0 if that is "
        f"meant)"
    )
