"""Labelled text: records (`labelled`), which of them stay (`cleared`), and `examples`, what models are shown."""
