"""AdamW against algorithm 2 of Loshchilov and Hutter (2019), said plainly in float64."""

import torch
from torch import nn

from model.config import Training
from model.optimiser import adamw

T = Training(
    updates=10, batch=8, learning_rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.3,
    device="cpu", threads=1,
)  # fmt: skip


class Small(nn.Module):
    """A matrix, an embedding, a bias and a gain."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(1)
        self.matrix = nn.Parameter(torch.randn(3, 2, generator=draw))
        self.tokens = nn.Embedding.from_pretrained(torch.randn(5, 2, generator=draw), freeze=False)
        self.bias = nn.Parameter(torch.randn(3, generator=draw))
        self.gain = nn.Parameter(torch.randn(1, generator=draw))


def test_what_decays_and_what_does_not() -> None:
    model = Small()
    optimizer = adamw(model, T)
    held = {name: p.detach().double().clone() for name, p in model.named_parameters()}
    moments = {name: (torch.zeros_like(p), torch.zeros_like(p)) for name, p in held.items()}
    draw = torch.Generator().manual_seed(2)
    for step in range(1, 6):
        for name, p in model.named_parameters():
            p.grad = torch.randn(p.shape, generator=draw)
            gradient = p.grad.double()
            first, second = moments[name]
            first.mul_(T.beta1).add_((1 - T.beta1) * gradient)
            second.mul_(T.beta2).add_((1 - T.beta2) * gradient**2)
            update = first / (1 - T.beta1**step) / ((second / (1 - T.beta2**step)).sqrt() + T.epsilon)
            decay = T.weight_decay if p.dim() >= 2 else 0.0
            held[name] -= T.learning_rate * (update + decay * held[name])
        optimizer.step()
    for name, p in model.named_parameters():
        torch.testing.assert_close(p.detach().double(), held[name], rtol=1e-5, atol=1e-6)
