"""How a token is drawn of a model's logits, and what from."""

from dataclasses import dataclass
from hashlib import blake2b

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn. ValueError for what cannot be."""

    temperature: float = 1.0  # divides the logits; 0: always the likeliest token
    top_k: int | None = None  # only the k likeliest
    top_p: float | None = None  # only the smallest set of at least this mass (Holtzman et al., 2020)

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature}: it must be 0 (the likeliest token) or more")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top-k is {self.top_k}: it must be at least 1")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top-p is {self.top_p}: it must be above 0, and at most 1")

    def law(self, logits: Tensor) -> Tensor:
        """(V,) logits -> the probabilities that a token is drawn with: (V,) float64, on the CPU."""
        logits = logits.double().cpu()
        if self.temperature == 0:
            return torch.zeros_like(logits).index_fill_(0, logits.argmax(), 1.0)
        if self.top_k is None and self.top_p is None:
            return (logits / self.temperature).softmax(0)  # sorting 50,257 logits costs more than a small model's pass
        divided = logits / self.temperature
        ids = torch.arange(len(divided))
        if self.top_k is not None and self.top_k < len(divided):  # those as likely as the k-th; fewer to sort
            ids = (divided >= divided.topk(self.top_k).values[-1]).nonzero()[:, 0]
        ordered, order = divided[ids].sort(descending=True, stable=True)
        ids = ids[order]
        if self.top_k is not None:
            ordered, ids = ordered[: self.top_k], ids[: self.top_k]
        p = ordered.softmax(0)
        if self.top_p is not None:
            p = p * (p.cumsum(0) - p < self.top_p)  # mass before the token: the first is always kept
        return torch.zeros_like(logits).index_put_((ids,), p / p.sum())


LIKELIEST = Sampling(temperature=0)


def drawn(law: Tensor, draw: torch.Generator) -> int:
    """A token of a law."""
    return int(torch.multinomial(law, 1, generator=draw))


def drawn_at(law: Tensor, share: float) -> int:
    """The token at which the law's mass, token by token, comes to more than `share`, in [0, 1)."""
    mass = law.cumsum(0)
    place = int(torch.searchsorted(mass, share * mass[-1], right=True))
    return min(place, int(law.nonzero()[-1]))  # the product may round up to all of the mass


def generator(seed: int, row: int) -> torch.Generator:
    """Of the draws for the row-th text that a seed gives: however many are made beside it."""
    digest = blake2b(f"sample {seed} {row}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))
