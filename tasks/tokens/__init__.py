"""Training text as tokens: tokenizer (fit), tokens, mixture, and the pieces they are made of."""
