"""What the audit's three rules find of leaks that are planted on purpose, by form; and what they call dirty beside.

    python bench/leaks.py [--items 200]

Items of LAMBADA (some 75 words) and of ARC-easy (some 20) from ../shared/data are put into passages of books, each
item once a form, as the demo's leaks are (tasks/demo/leaks.py); each passage is looked at alone, by each rule. A leak
is found if its item is called dirty. False alarms are the other items that are called dirty in these passages. Prints a
table, shares with Wilson's 95 % intervals, and writes bench/results/leaks.json. What is random is drawn by --seed.
"""

import argparse
import gzip
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
REAL = ROOT.parent / "shared" / "data"
PASSAGE = 200  # words
FIELDS = {"lambada_openai": ("context", "continuation"), "arc_easy": ("query",)}
RULES = ("gpt3", "gpt2", "gpt4")


def items(name: str, count: int, draw: random.Random) -> list[str]:
    with gzip.open(REAL / "benchmarks" / "llm-foundry" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    texts = [" ".join(record[field] for field in FIELDS[name]) for record in draw.sample(records, count)]
    return [text.removeprefix("Question: ") for text in texts]


def passages(count: int, draw: random.Random) -> list[list[str]]:
    """Words of books, so many passages; where there are too few they come again."""
    words: list[str] = []
    for path in sorted((REAL / "books").glob("*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            words += re.sub(r"\s+", " ", file.read()).split(" ")
    starts = range(0, len(words) - PASSAGE, PASSAGE)
    return [words[at : at + PASSAGE] for at in draw.choices(starts, k=count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    from tasks.demo.leaks import FORMS, said
    from tasks.evaluation.overlap import Finders
    from tasks.evaluation.rules.rule import Items
    from tasks.evaluation.statistics import wilson

    draw = random.Random(options.seed)
    rows: list[dict[str, Any]] = []
    print("| leaks | " + " | ".join(RULES) + " |\n|---|" + "---|" * len(RULES))
    for name in FIELDS:
        texts = items(name, options.items, draw)
        quiz = Items([str(number) for number in range(len(texts))], [text.encode() for text in texts])
        finders = Finders.of({name: quiz}, RULES, options.seed, 10_000)
        alarms, looked = dict.fromkeys(RULES, 0), dict.fromkeys(RULES, 0)
        for form in (form for form in FORMS if form != "deep"):
            found = dict.fromkeys(RULES, 0)
            for number, (text, around) in enumerate(zip(texts, passages(len(texts), draw), strict=True)):
                half = PASSAGE // 2
                planted = said(text, form, options.seed, f"{name} {number}")
                met = finders.nothing()
                finders.look(f"{' '.join(around[:half])}\n{planted}\n{' '.join(around[half:])}".encode(), met)
                for rule, verdicts in finders.verdicts(met).items():
                    states = [verdict.state for verdict in verdicts[name]]
                    found[rule] += states.pop(number) == "dirty"
                    alarms[rule] += states.count("dirty")
                    looked[rule] += len(states) - states.count("uncheckable")
            row = {"benchmark": name, "form": form, "items": len(texts), "found": found}
            row["interval"] = {rule: [round(100 * end, 1) for end in wilson(found[rule], len(texts))] for rule in RULES}
            rows.append(row)
            cells = (
                f"{100 * found[rule] / len(texts):.1f} [{low:.0f}, {high:.0f}]"
                for rule, (low, high) in row["interval"].items()
            )
            print(f"| {name}: {form} | {' | '.join(cells)} |", flush=True)
        rows.append({"benchmark": name, "alarms": alarms, "looked": looked})
        cells = (f"{alarms[rule]:,} of {looked[rule]:,}" for rule in RULES)
        print(f"| {name}: false alarms | {' | '.join(cells)} |", flush=True)
    out = ROOT / "bench" / "results" / "leaks.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"items": options.items, "rows": rows}, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
