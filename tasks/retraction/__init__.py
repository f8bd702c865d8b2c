"""Taking documents back: which ones are meant, what changes in the corpus without them, and what learned from them."""
