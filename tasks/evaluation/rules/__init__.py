"""The audit's rules: what each paper takes for benchmark text in training text, a file a rule."""
