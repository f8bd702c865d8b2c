"""Labelled records as examples that a model is trained on."""
