"""The two ways a run stops: the user's mistake (exit status 2) and a failure on the way (exit status 1).

Both carry one or two sentences: what, where (file, line, shard, record), and the remedy.
"""

import errno
import pickle
import traceback

AGAIN = "run again: finished work is kept"
# What to do about what the operating system says of files and disks.
REMEDIES = {
    errno.ENOSPC: f"the disk is full; make room and {AGAIN}",
    errno.EDQUOT: f"the disk quota is used up; make room and {AGAIN}",
    errno.EFBIG: "a file grew past the allowed size; raise the limit (ulimit -f) and run again",
    errno.EACCES: "permission denied; give this user the right to it and run again",
    errno.EPERM: "the file system permits it to nobody; give this user the right to it, or name another folder",
    errno.EROFS: "the file system is read-only; give `store:` another folder",
    errno.ENOENT: f"it is not there any more: was it removed, or its disk taken away? Put it back, or {AGAIN}",
    errno.ENOTDIR: "a file stands where a folder should; move it away, or name another folder",
    errno.EISDIR: "a folder stands where a file should; move it away, and `millrace verify` tells what else is wrong",
    errno.ENAMETOOLONG: "the name is longer than the file system takes; choose a shorter path",
    errno.ELOOP: "its links lead in a circle; name the folder itself",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n), or give fewer `workers`",
    errno.ENFILE: "too many files are open on this machine; end what holds them",
    errno.ENOMEM: "memory is used up; give fewer `workers`",
    errno.EIO: f"the disk reports an error; look at the system's log (dmesg), then {AGAIN}",
    errno.ESTALE: f"the network disk has lost it; mount it anew and {AGAIN}",
    errno.ENOTCONN: f"the network disk is not connected; mount it anew and {AGAIN}",
    errno.EBUSY: "another program holds it; end that and run again",
}
ELSE = "check the file and its disk, then " + AGAIN


class Mistake(Exception):
    """What was asked cannot be done as asked: a missing file, an unknown key, an impossible value."""


class Failure(Exception):
    """Something broke on the way: a full disk, a lost worker, too many bad records. Finished work stays."""


def of_system(error: OSError, where: object = None) -> str:
    """What the operating system says of a file, with the remedy; `where`: the file, where the error names none."""
    if "temporary directory" in str(error):  # of `tempfile`, which names no file
        return "no folder for temporary files can be written; set TMPDIR to one that can"
    place = error.filename if error.filename is not None else where
    remedy = REMEDIES.get(error.errno or 0) or f"{error.strerror or error}; {ELSE}"
    return f"{place}: {remedy}" if place else remedy


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
