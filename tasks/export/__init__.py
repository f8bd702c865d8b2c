"""The corpus leaves the house: rows, files of them, and the card, Croissant and lineage that go with them."""
