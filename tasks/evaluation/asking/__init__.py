"""How a benchmark's items are put to a model: templates, solved examples, prompts; and the table of answers."""
