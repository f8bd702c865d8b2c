"""Judges of what models answer: rules, a reward model, or a rubric's letters; and what is told of models by them."""
