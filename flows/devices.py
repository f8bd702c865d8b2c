"""GPUs by name: what `millrace plan --gpu NAME` reckons with.

Peak: FLOP/s of dense matrix products in bfloat16 (float16 where a device has no bfloat16), added up in float32, as the
makers' data sheets give them; figures "with sparsity" are halved. Memory: bytes as printed on the box.
"""

from dataclasses import dataclass

from tasks.runtime.errors import Mistake


@dataclass(frozen=True)
class Device:
    """A kind of GPU, `peak` in FLOP/s, `memory` in bytes; `source` is where they are printed."""

    name: str
    peak: float
    memory: float
    source: str


DEVICES = {
    device.name: device
    for device in (
        Device("t4", 65e12, 16e9, "NVIDIA T4 data sheet, float16"),
        Device("v100", 125e12, 32e9, "NVIDIA V100 SXM2 data sheet, float16"),
        Device("a10", 125e12, 24e9, "NVIDIA A10 data sheet"),
        Device("a100-40gb", 312e12, 40e9, "NVIDIA A100 data sheet"),
        Device("a100", 312e12, 80e9, "NVIDIA A100 80GB data sheet"),
        Device("l4", 121e12, 24e9, "NVIDIA L4 data sheet: 242 with sparsity"),
        Device("l40s", 362e12, 48e9, "NVIDIA L40S data sheet: 733 with sparsity, 362.05 without"),
        Device("rtx3090", 71e12, 24e9, "NVIDIA GA102 white paper, float32 accumulation"),
        Device("rtx4090", 165.2e12, 24e9, "NVIDIA Ada white paper, float32 accumulation"),
        Device("h100-pcie", 756e12, 80e9, "NVIDIA H100 data sheet: 1,513 with sparsity"),
        Device("h100", 989.4e12, 80e9, "NVIDIA H100 SXM data sheet: 1,979 with sparsity"),
        Device("h200", 989.4e12, 141e9, "NVIDIA H200 SXM data sheet: 1,979 with sparsity"),
        Device("b200", 2250e12, 180e9, "NVIDIA HGX B200 data sheet: 4,500 with sparsity"),
        Device("mi250x", 383e12, 128e9, "AMD Instinct MI250X data sheet"),
        Device("mi300x", 1307.4e12, 192e9, "AMD Instinct MI300X data sheet"),
    )
}
MFU = 0.4  # PaLM, table 3: GPT-3 .213, Megatron-Turing .302, PaLM .462; stated in the output, and --mfu changes it


def device(name: str) -> Device:
    """The GPU of a name.

    Raises:
        Mistake: it is not in the list.
    """
    if name.lower() not in DEVICES:
        raise Mistake(f"--gpu {name}: not a GPU that is known here (there are {', '.join(DEVICES)})")
    return DEVICES[name.lower()]
