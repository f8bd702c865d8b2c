"""Contamination removal (GPT-3, appendix C): benchmark, grams, hits (measure), frequent (fit), cuts (decision)."""
