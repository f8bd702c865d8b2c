"""The tensors of a safetensors file that may be damaged."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor


def tensors_in(path: Path, device: str | torch.device = "cpu") -> dict[str, Tensor]:
    """By name. ValueError where the file is no safetensors, or is cut, or its header does not fit it."""
    try:
        return load_file(path, device=str(device))
    except SafetensorError as error:
        raise ValueError(f"{path} is no whole safetensors file ({error}); put a whole one in its place") from None
