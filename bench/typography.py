"""How many real passages are found again as near copies when only their typography differs.

    python bench/typography.py [--passages 1200]

Passages of 150 to 300 words from ../shared/data (books, text-good, crawl pages) as a publisher sets them, beside the
same with straight quotes, plain dashes and three points for an ellipsis; those that this does not change are left out.
Found: preset `modern` (5-word shingles, 128 permutations, 14 bands of 8 rows; a pair that shares a band and is
estimated at .75 or more, or has equal exact hashes). Beside it datatrove's own minhash (its default formatting,
5-grams, 14 buckets of 8), if pip has it. Prints a table and writes bench/results/typography.json.
"""

import argparse
import gzip
import html
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT))

BANDS, ROWS, THRESHOLD = 14, 8, 0.75
PLAIN = {**dict.fromkeys("‘’ʼ", "'"), **dict.fromkeys("“”„«»", '"'), "–": "-", "—": "--", "…": "..."}
CURLY = re.compile(r"(?<![\w\"'])\"(?=\w)|(?<=[\w.,!?])\"|(?<=\w)'(?=\w)|--|\.\.\.")
SAID = {"--": "—", "...": "…", "'": "’"}


def texts() -> Iterator[tuple[str, str]]:
    """(where it is from, text)"""
    for place in ("books", "text-good"):
        for path in sorted((REAL / place).rglob("*.txt*")):
            data = path.read_bytes()
            yield place, (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "replace")
    for path in sorted((REAL / "crawl-pages").rglob("*.warc.gz")):
        yield from (("crawl pages", text) for text in pages(path))


def pages(path: Path) -> Iterator[str]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text

    with path.open("rb") as file:
        for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
            yield extract_plain_text(record.reader.read().decode("utf-8", "replace"), main_content=True)


def typographic(text: str) -> str:
    """Straight quotes and plain dashes as a publisher sets them."""

    def said(match: re.Match[str]) -> str:
        before = text[match.start() - 1 : match.start()]
        return SAID.get(match[0], "”" if before.strip() else "“")

    return CURLY.sub(said, text)


def passages(count: int) -> list[tuple[str, str, str]]:
    """(where from, with typography, without), drawn by a fixed seed, as many from each place as it has, in turn."""
    from tasks.sources.texts.clean import clean

    source = random.Random(1)
    by_place: dict[str, list[tuple[str, str, str]]] = {}
    for place, whole in texts():
        words = [(match.start(), match.end()) for match in re.finditer(r"\S+", whole)]
        at = 0
        while at + 150 <= len(words):
            size = source.randint(150, 300)
            last = min(at + size, len(words)) - 1
            fancy = clean(typographic(html.unescape(whole[words[at][0] : words[last][1]])))
            plain = clean(re.sub("[" + "".join(PLAIN) + "]", lambda match: PLAIN[match[0]], fancy))
            if plain != fancy:
                by_place.setdefault(place, []).append((place, fancy, plain))
            at += size
    for listed in by_place.values():
        source.shuffle(listed)
    share = count // len(by_place)
    chosen = [one for listed in by_place.values() for one in listed[:share]]
    rest = [one for listed in by_place.values() for one in listed[share:]]
    return chosen + source.sample(rest, min(len(rest), count - len(chosen)))


def ours(pairs: list[tuple[str, str, str]]) -> np.ndarray:
    """bool (pairs,): found."""
    from tasks.kernels import minhash

    sides = [minhash.signatures(pa.array([pair[side] for pair in pairs], pa.large_string())) for side in (1, 2)]
    (left, _, exact), (right, _, other) = sides
    shared = (minhash.bands(left, BANDS, ROWS) == minhash.bands(right, BANDS, ROWS)).any(axis=1)
    near = shared & (minhash.agreement(left, right) >= THRESHOLD)
    return near | (exact == other).all(axis=1)


def datatrove(pairs: list[tuple[str, str, str]], folder: str) -> np.ndarray | str:
    """bool (pairs,): share a bucket; or why it was not run."""
    packages = ["datatrove", "xxhash", "loguru", "dill", "multiprocess", "humanize", "tqdm"]
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", folder, "--no-deps", *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return "pip took more than three minutes"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    sys.path.append(folder)
    try:
        from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
        from datatrove.utils.hashing import HashConfig

        step = MinhashDedupSignature(
            folder,
            MinhashConfig(n_grams=5, num_buckets=BANDS, hashes_per_bucket=ROWS, hash_config=HashConfig(precision=64)),
        )
        step.language = "en"
        found = []
        for _, fancy, plain in pairs:
            one, other = (step.get_signature(step.get_shingles(text)) for text in (fancy, plain))
            found.append(any(list(a) == list(b) for a, b in zip(one, other, strict=True)))
        return np.array(found)
    except (ImportError, AttributeError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1200)
    options = parser.parse_args()
    pairs = passages(options.passages)
    places = sorted({place for place, _, _ in pairs})
    said: dict[str, Any] = {"passages": {place: sum(pair[0] == place for pair in pairs) for place in places}}
    with tempfile.TemporaryDirectory() as folder:
        for name, found in (("ours, preset modern", ours(pairs)), ("datatrove", datatrove(pairs, folder))):
            if isinstance(found, str):
                said[name] = {"skipped": found}
                print(f"{name:<22} not run: {found}")
                continue
            shares = {place: float(found[[pair[0] == place for pair in pairs]].mean()) for place in places}
            said[name] = {"found": float(found.mean()), **shares}
            print(
                f"{name:<22} {found.mean():.2%} of {len(pairs)}",
                {place: f"{share:.2%}" for place, share in shares.items()},
            )
            said[name]["lost"] = [pairs[at][1][:300] for at in np.flatnonzero(~found)[:10].tolist()]
    print(said["passages"])
    out = ROOT / "bench" / "results" / "typography.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    print(out)


if __name__ == "__main__":
    main()
