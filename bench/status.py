"""How long `millrace status` takes over an artifact of 10^4 shards: unfinished, and built.

    python bench/status.py [SHARDS] [URL]     URL: a folder (a temporary one if absent), or s3://...

The files are small: what is measured is names, not bytes.
"""

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from flows.state import Past, state
from tasks.runtime.artifact import Artifact, File, seal
from tasks.runtime.fingerprint import digest
from tasks.runtime.job import PARTS
from tasks.runtime.store import open_store, write


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    store = open_store(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="status-"))
    recipe = {"stage": "ingest", "name": "crawl", "parameters": {}, "inputs": {}, "libraries": {}, "code": {}}
    recipe["format"] = 0
    artifact = Artifact("ingest", "crawl", digest(recipe), store, recipe)
    write(store, artifact.name_of(PARTS), json.dumps({"shards": count}).encode(), replace=True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write(store, artifact.name_of(f"{n:05}.parquet"), b"x"), range(count)))
    report("unfinished", artifact, count)
    seal(artifact, [File(f"{n:05}.parquet", 1, 1, "0" * 64, (("text", "0" * 32),) * 8) for n in range(count)], {}, {})
    report("built", artifact, count)


def report(what: str, artifact: Artifact, count: int) -> None:
    times = []
    for _ in range(3):
        fresh = Artifact(artifact.stage, artifact.name, artifact.fingerprint, artifact.store, artifact.recipe)
        begin = time.perf_counter()
        found = state(fresh, Past(artifact.store))
        times.append(time.perf_counter() - begin)
    print(f"{what} ({found.word}), {count} shards at {artifact.store.url}: {', '.join(f'{t:.2f}' for t in times)} s")


if __name__ == "__main__":
    main()
