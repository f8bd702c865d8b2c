"""One YAML a pipeline, and schema.py, which says what may stand in it."""
