"""Faults that change nothing anyone could see, each read and judged: (file, the line above, the change as mutants.py
tells it, why).

They are drawn like others, not tried, and counted apart. One is here only where no input could show it, or where what
it changes is no promise (the size of a block, the wording of a message): never because a test would be hard to write.
"""

EQUIVALENT: list[tuple[str, str, str, str]] = [
    ("tasks/quality/calibration.py", "if size <= 0:", "break  ->  continue",
     "nothing moved in this step, so every further one finds the same and leaves the same slope and intercept"),
    ("tasks/quality/calibration.py", "if step <= 1e-6:", "break  ->  continue",
     "nothing moved in this step, so every further one finds the same and leaves the same slope and intercept"),
    ("tasks/decontaminate/frequent.py", "pairs = pairs[~np.isin(pairs, last)]",
     "counts += np.bincount(pairs % max(1, len(known)), minlength=len(known))  ->  "
     "counts += np.bincount(pairs % max( 0, len(known)), minlength=len(known))",
     "differs where no gram is known: then there is no hit, and nothing to divide"),
    ("tasks/decontaminate/places.py",
     "# Places of a gram end in the order in which they begin, since it has so many units; and so do their margins.",
     "apart = (row[before] != row[after]) | (gram[before] != gram[after]) | (cut_start[after] > cut_end[before])  ->  "
     "apart = (row[before] < row[after]) | (gram[before] != gram[after]) | (cut_start[after] > cut_end[before])",
     "rows are in order: the one after is never less"),
    ("tasks/runtime/pool.py", "running = [worker for worker in self._workers if worker.call is not None]",
     "if any(worker.call and worker.call.attempts.get(worker.index, 0) >= ATTEMPTS - 1 for worker in running):  ->  "
     "if any(worker.call and worker.call.attempts.get(worker.index, 0) == ATTEMPTS - 1 for worker in running):",
     "an item lost ATTEMPTS times is not given out again, so none at work was lost more often than ATTEMPTS - 1 times"),
]  # fmt: skip
