"""What a training asks of torch, before anything is computed."""

import signal

import pytest
import torch
from torch._inductor import config as inductor

from model.config import Training
from model.machine import Machine


@pytest.mark.parametrize("asked", [True, False])
def test_deterministic_is_asked_of_torch_and_of_the_compiler(asked):
    try:
        Machine(Training(updates=1, device="cpu", threads=1, deterministic=asked))
        assert torch.are_deterministic_algorithms_enabled() == inductor.deterministic == asked
    finally:
        torch.use_deterministic_algorithms(False)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
