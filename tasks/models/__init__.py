"""Models: pretrain (fit)."""
