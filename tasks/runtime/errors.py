"""The two ways a run stops: the user's mistake (exit status 2) and a failure on the way (exit status 1).

Both carry one or two sentences: what, where (file, line, shard, record), and the remedy.
"""


class Mistake(Exception):
    """What was asked cannot be done as asked: a missing file, an unknown key, an impossible value."""


class Failure(Exception):
    """Something broke on the way: a full disk, a lost worker, too many bad records. Finished work stays."""
