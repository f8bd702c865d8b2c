"""Fuzzy deduplication: signatures (measure), survivors (decision)."""
