"""Single faults put into the code, and whether a test notices: `make mutants SECONDS=3600 SEED=1 ROOM=dedup`.

For each file `--each` faults are drawn by the seed, kinds as in single_faults.py, files in turn, until the seconds are
over. A fault is tried in a copy of the tree, by a fork of one process that has imported the libraries (fork_tests.py):
first the tests of its room that go through its statement (traced once, without a fault), the quickest first, then the
others of their files; never those marked long, slow, spark, real, browser or served. It is killed if a test fails or
the tests take a minute more than three times as long as they do. With `--near` only the test files that bear the
file's name or import it are asked: quicker, and what survives them may still be noticed by others of the room.

Some faults change nothing that can be seen (a size of blocks, a message): a survivor is to be read, not believed; once
judged so it stands in equivalent_faults.py, with the reason. The table goes to standard output, everything to
bench/results/mutants-ROOM.json; `--again` tries the survivors again, after a test was written. The faults tried are a
sample: the interval printed says how much that tells. Exit status 1 below `--least` of the killed.
"""

import argparse
import json
import math
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path

from mutant_tree import KERNELS, MORE, ROOMS, Told, Tree
from single_faults import ROOT, Fault, drawn, faults_of, named


def interval(killed: int, tried: int) -> tuple[float, float]:
    """Of a share, at 95 % (Wilson, J. Am. Stat. Assoc. 22, 1927): what this sample says of all faults drawn alike."""
    if not tried:
        return 0.0, 1.0
    z, share = 1.96, killed / tried
    middle = (share + z * z / (2 * tried)) / (1 + z * z / tried)
    half = z / (1 + z * z / tried) * math.sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    return middle - half, middle + half


def table(told: list[Told]) -> float:
    """Print the rates a file and a room, then the survivors; the share of the killed among those not equivalent."""
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    for one in told:
        room = next(room for room in ROOMS | MORE if one.fault.file.startswith(f"{room}/"))
        for row in (one.fault.file, f"{room}/ in all"):
            tally[row][one.outcome] += 1
    print(f"\n{'file':<44}{'tried':>8}{'killed':>8}{'equivalent':>12}")
    for row, of in sorted(tally.items(), key=lambda pair: (pair[0].endswith("in all"), pair[0])):
        tried = of.total() - of["equivalent"]
        low, high = interval(of["killed"], tried)
        more = f"   95 % interval of the kill rate: {low:.1%} to {high:.1%}" if row.endswith("in all") else ""
        print(f"{row:<44}{tried:>8}{of['killed']:>8}{of['equivalent']:>12}{more}")
    for one in told:
        if one.outcome not in ("killed", "equivalent"):
            print(f"{one.outcome}: {one.fault.file}:{one.fault.line} {one.fault.kind}: {one.change}")
    tried = sum(one.outcome != "equivalent" for one in told)
    killed = sum(one.outcome == "killed" for one in told)
    print(f"\n{killed} of {tried} faults killed ({killed / max(tried, 1):.1%}), {len(told) - tried} more equivalent")
    return killed / max(tried, 1)


def by_turns(files: list[str], each: int, chance: random.Random) -> list[Fault]:
    """The first fault of every file, then the second, ...; in a turn in any order, so that all rooms are seen early."""
    by_file = [drawn(faults_of(file, (ROOT / file).read_text(encoding="utf-8")), each, chance) for file in files]
    order: list[Fault] = []
    for turn in range(each):
        now = [faults[turn] for faults in by_file if turn < len(faults)]
        chance.shuffle(now)
        order += now
    return order


def main() -> None:
    parser = argparse.ArgumentParser(description="Single faults, and whether a test notices.")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=3, help="faults a file, at most")
    parser.add_argument("--room", default="", help="files whose path holds this; all rooms if absent")
    parser.add_argument("--named", action="store_true", help="those of named_faults.py alone, all of them")
    parser.add_argument("--again", action="store_true", help="those alone that the run before left alive")
    parser.add_argument("--near", action="store_true", help="ask the nearest test files alone")
    parser.add_argument("--least", type=float, default=0.95)
    parser.add_argument("--tree", type=Path, help="keep the copy here, with its compiled kernels, for the next run")
    asked = parser.parse_args()
    files = sorted(
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if path.name != "__init__.py" and asked.room in path.relative_to(ROOT).as_posix()
    )
    chance = random.Random(asked.seed)
    of = "-named" if asked.named else f"-{asked.room.replace('/', '-')}" if asked.room else ""
    out = ROOT / "bench" / "results" / f"mutants{of}.json"
    before = [Told(Fault(**one.pop("fault")), **one) for one in json.loads(out.read_text())] if asked.again else []
    left = [one.fault for one in before if one.outcome not in ("killed", "equivalent")]
    in_turn = left if asked.again else named() if asked.named else by_turns(files, asked.each, chance)
    end, told = time.monotonic() + asked.seconds, {one.fault: one for one in before}
    with tempfile.TemporaryDirectory(prefix="millrace-mutants-") as folder:
        with_kernels = any(fault.file.startswith(KERNELS) for fault in in_turn)
        tree = Tree(asked.tree.resolve() if asked.tree else Path(folder) / "tree", with_kernels, asked.near)
        for fault in in_turn:
            if time.monotonic() > end:
                break
            one = tree.tried(fault)
            if one.outcome != "no fault":
                told[fault] = one
                print(f"{one.outcome:<10}{one.seconds:>7} s  {fault.file}:{fault.line}  {one.change[:90]}", flush=True)
                out.parent.mkdir(parents=True, exist_ok=True)
                out.write_text(json.dumps([asdict(one) for one in told.values()], indent=1))
        tree.close()
    sys.exit(int(table(list(told.values())) < asked.least))


if __name__ == "__main__":
    main()
