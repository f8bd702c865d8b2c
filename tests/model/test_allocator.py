"""What is freed is kept: later rounds of a training's tensors map few new pages."""

import subprocess
import sys
from pathlib import Path

import pytest

from model.allocator import keep_freed_memory

ROOT = Path(__file__).resolve().parents[2]
FAULTS = """
import resource, sys, torch
from model.allocator import keep_freed_memory

torch.set_num_threads(1)
if sys.argv[1] == "kept":
    keep_freed_memory()

def a_pass():  # 24 layers' activations of 8 MB, made one after another and freed from the last to the first
    held = [torch.ones(1 << 21) for _ in range(24)]
    while held:
        held.pop()

a_pass()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    a_pass()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_later_passes_map_few_new_pages() -> None:
    if not keep_freed_memory():
        pytest.skip("not glibc")
    faults = {}
    for how in ("kept", "given back"):
        command = [sys.executable, "-c", FAULTS, how]
        faults[how] = int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    # By itself glibc maps half of these 196,608 pages anew; what else lives in the heap costs some of those kept.
    assert faults["kept"] < faults["given back"] / 3, faults
