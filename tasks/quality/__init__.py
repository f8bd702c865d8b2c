"""Quality filter of GPT-3's appendix A: classifier (fit), score (measure), keep (decision)."""
