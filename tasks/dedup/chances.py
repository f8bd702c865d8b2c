"""The probabilities of banding: how likely two signatures meet, and what a full bucket has to grant.

Two documents of similarity s agree in a row with probability s, in a band of r rows with s^r, and so share at least one
of b bands with 1 - (1 - s^r)^b (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4).
"""

RECALL = 0.98  # of the pairs at the threshold that share a band, how many the split of full buckets must leave


def shares_a_band(similarity: float, bands: int, rows: int) -> float:
    """Probability that two documents of this similarity meet in at least one band."""
    return 1 - (1 - similarity**rows) ** bands


def to_meet(threshold: float, bands: int, rows: int) -> float:
    """With what probability two documents at the threshold must meet in a bucket that they share and that is split.

    The least m with 1 - (1 - s^r m)^b >= RECALL (1 - (1 - s^r)^b): were all buckets split, RECALL would still hold.
    """
    threshold = max(threshold, 0.01)  # of a threshold of 0 nothing can be demanded
    wanted = RECALL * shares_a_band(threshold, bands, rows)
    return float(min(RECALL, (1 - (1 - wanted) ** (1 / bands)) / threshold**rows))
