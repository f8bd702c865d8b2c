"""Labelled text to examples on one core: demonstrations and comparisons made of a real book's sentences.

    python bench/examples.py [--records 20000]

Timed in CPU seconds, a stage a row: `labelled` (JSON lines to records), `examples` (records to token shards). Beside
them, in the same run, what any way must do: `json.loads` of each line, and `tokenizers` alone on the same texts, one by
one, as the stage encodes them. Prints a table and writes bench/results/examples.json.
"""

import argparse
import gzip
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data"
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from corpora import decided, source  # noqa: E402
from examples_made import labelled_made, write_jsonl  # noqa: E402

from conf.examples import Examples  # noqa: E402
from tasks.examples.examples import examples  # noqa: E402
from tasks.examples.vocabulary import encoder  # noqa: E402
from tasks.runtime.engine import LocalEngine  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402
from tasks.tokens.tokenizer import tokenizer, tokenizer_file  # noqa: E402


def sentences() -> list[str]:
    with gzip.open(next((REAL / "books").glob("Stoker*.txt.gz")), "rt", encoding="utf-8") as file:
        text = " ".join(file.read().split())
    return [one for one in re.split(r"(?<=[.!?]) ", text) if 20 < len(one) < 400]


def timed(what: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    made = what()
    return time.process_time() - start, made


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--records", type=int, default=20_000)
    count = arguments.parse_args().records
    told = sentences()
    at = [told[n * 7919 % len(told)] for n in range(9 * count)]
    made: dict[str, list[dict[str, Any]]] = {
        "chat": [{"prompt": f"{n}: {at[n]}", "answer": at[2 * n + 1]} for n in range(count)],
        "compare": [
            {"prompt": f"{n}: {at[n]}", "answers": at[4 * n : 4 * n + 4], "ranks": [1, 2, 3, 4]} for n in range(count)
        ],
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "store", LocalEngine(1))
        text = source(run, "book", told)
        given = {"documents": {"book": text}, "decisions": {"book": decided(run, text)}, "shares": {"book": 1.0}}
        by = run(tokenizer, "bpe", **given, vocabulary=4096, sample=10**6, validation=0.0, seed=1)
        encode = encoder(tokenizer_file(by).read_bytes())
        for form, records in made.items():
            path = write_jsonl(Path(folder) / f"{form}.jsonl", records)
            declared = {"files": path.name, "form": form}
            how = Examples.model_validate(declared)
            lines = path.read_text().splitlines()
            texts = [
                one for record in records for one in (record["prompt"], *record.get("answers", [record.get("answer")]))
            ]
            reading = {
                "form": form,
                "fields": how.fields(),
                "classes": [],
                "context": 2048,
                "validation": 0.1,
                "seed": 1,
            }
            parsed, _ = timed(lambda lines=lines: [json.loads(line) for line in lines])
            read, labelled = timed(lambda d=declared, f=form: labelled_made(run, f, Path(folder), d))
            encoded, _ = timed(lambda texts=texts: [encode(one).ids for one in texts])
            shown, _ = timed(
                lambda r=labelled, f=form, h=reading: run(examples, f, records=r, decision=None, tokenizer=by, **h)
            )
            size = path.stat().st_size
            for what, seconds, floor in (("labelled", read, parsed), ("examples", shown, encoded)):
                rows.append(
                    {"form": form, "stage": what, "records": count, "bytes": size, "seconds": round(seconds, 3),
                     "floor": round(floor, 3)}
                )  # fmt: skip
                print(
                    f"{form:8} {what:9} {count / seconds:9,.0f} records/s  {size / seconds / 1e6:6.1f} MB of JSON/s  "
                    f"{seconds / floor:5.1f} x {'json.loads' if what == 'labelled' else 'tokenizers'} alone"
                )
    out = ROOT / "bench" / "results" / "examples.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(rows, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
