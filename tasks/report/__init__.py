"""What a run's artifacts say, for people: figures and numbers (report, a stage) and the page made of them (page)."""
