"""The two ways a run stops: the user's mistake (exit status 2) and a failure on the way (exit status 1).

Both carry one or two sentences: what, where (file, line, shard, record), and the remedy.
"""

import pickle
import traceback


class Mistake(Exception):
    """What was asked cannot be done as asked: a missing file, an unknown key, an impossible value."""


class Failure(Exception):
    """Something broke on the way: a full disk, a lost worker, too many bad records. Finished work stays."""


def portable(error: Exception) -> bytes:
    """An exception pickled for another process of ours, with its traceback as a note.

    Some can be written and not read again, or not written at all: of those the class's name and the text are left.
    """
    error.add_note("in a worker:\n" + "".join(traceback.format_exception(error)))
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)
    except Exception:  # noqa: BLE001 - whatever an unknown class raises here
        pickled = pickle.dumps(Failure(f"{type(error).__name__}: {error}"))
    return pickled
