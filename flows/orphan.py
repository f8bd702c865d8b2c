"""A run that a worker started ends when the worker does.

A worker that is killed leaves its runs behind: nobody hears them, and no worker started later can cancel them
(prefect 3.8.8 cancels only what it has started, or what never began). So a run watches the process that started it,
and takes its end for a SIGTERM: pools end, a trainer writes its checkpoint, Prefect notes Crashed, and the next run
goes on. A parent's death signal from the kernel (prctl) is no answer here: it comes with the death of the *thread*
that made us, and that thread is Prefect's affair.
"""

import os
import signal
import threading
import time

LOOK = 1.0  # seconds
REPORT = 30.0  # seconds to close the engine and report the end; a server that is gone, too, would be asked for minutes


def end_with_worker() -> None:
    """Begin to watch; does nothing where no worker started this process."""
    if "PREFECT__FLOW_RUN_ID" not in os.environ or any(thread.name == _NAME for thread in threading.enumerate()):
        return
    threading.Thread(target=_watch, args=(os.getppid(),), name=_NAME, daemon=True).start()


def work_is_over() -> None:
    """The run's own work is done or given up: what remains is Prefect's to report, and not for long."""
    _over.set()


_NAME = "watch the worker"
_over = threading.Event()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
    _over.wait()  # a trainer may write its checkpoint for as long as that takes
    time.sleep(REPORT)
    os._exit(128 + signal.SIGTERM)
