"""What every stage stands on: store (artifacts), fingerprint, stage, shards, engine. Knows no stage by name."""
