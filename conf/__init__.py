"""One YAML per pipeline, and the schema of what may stand in it: pipeline.py is the whole, with a file per topic."""
