"""InstructGPT's data, to stand beside ours (Ouyang et al. 2022; shared/SPECS.md, 2.7)."""

# Prompts by kind and split, of labelers and of customers (table 6).
DATA = {
    ("demonstrations", "train"): (11_295, 1_430),
    ("demonstrations", "validation"): (1_550, 103),
    ("comparisons", "train"): (6_623, 26_584),
    ("comparisons", "validation"): (3_488, 14_399),
    ("prompts", "train"): (0, 31_144),
    ("prompts", "validation"): (0, 16_185),
}
