"""Metrics: what a device can do at most, by its exact name."""

from types import SimpleNamespace

import pytest
import torch

from model.metrics import _peak


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989.4e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H100 NVL", 835.5e12),
        ("NVIDIA H200", 989.4e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40", 181e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA L400", None),
        ("NVIDIA H100", None),  # which?
        ("NVIDIA H20", None),
        ("AMD Instinct MI300X", None),
    ],
)
def test_peaks_are_of_exactly_this_device(monkeypatch, name, peak):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: name)
    assert _peak(SimpleNamespace(cuda=True, bfloat16=True)) == peak
    assert _peak(SimpleNamespace(cuda=True, bfloat16=False)) is None
    assert _peak(SimpleNamespace(cuda=False, bfloat16=True)) is None
