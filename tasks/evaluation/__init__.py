"""What a model is worth: overlap (audit), evaluate."""
