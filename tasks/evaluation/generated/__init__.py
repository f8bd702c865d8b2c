"""Benchmarks that a rule makes: GPT-3's arithmetic and word scrambling, Hindsight Neglect, graded programs."""
