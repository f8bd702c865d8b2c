"""Decision: `repetition`, how far a model's texts repeat themselves, beside people's of the same length.

GPT-3's limitations (section 5) begin with texts that repeat themselves and lose coherence as they grow long. Each text
is cut to its first 25, 50, 100 and 200 words, as far as it has so many: all three measures depend on length, so that
texts compare at one length alone.

    rep-n       1 - distinct n-grams / n-grams, of each text, and the mean over texts (Welleck et al. 2020, section 6.1)
    distinct-n  distinct n-grams / n-grams, over all texts together (Li et al. 2016, section 5)
    self-BLEU   the mean BLEU of a text beside all the others (Zhu et al. 2018, Texygen)

The last two depend on how many texts there are as well: people's and the model's are of one number. Words are
sacrebleu's (13a), marks of punctuation among them.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.evaluation.news.news import written_in
from tasks.evaluation.probes.samples import sampled
from tasks.evaluation.statistics.resampling import bootstrap
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "repetition.json"
LENGTHS = (25, 50, 100, 200)  # words
MOST = 30  # texts of a side: self-BLEU takes their square, a millisecond a pair
FEWEST = 5
REP, DISTINCT = (2, 3, 4), (1, 2, 3)


@statistics
class Repeated:
    """Comparisons of so many texts at one length, and the model's texts in them."""

    comparisons: int = 0
    texts: int = 0


@stage("repetition", kind="decision", section="news", libraries=("sacrebleu", "numpy"))
def repetition(job: Job, *, news: Artifact, samples: Artifact | None, seed: int) -> Repeated:
    """Repetition in one model's news, and in its texts about people where there are any (repetition.json).

    samples: the latter, which have no texts of people beside them but the articles.
    """
    rows = [row for row in written_in(news) if row["fault"] is None]
    human = [words_of(row["human"]) for row in rows]
    of = {"news": [words_of(row["text"]) for row in rows]}
    if samples is not None:
        of["samples"] = [words_of(text) for text in _drawn(samples, seed)]
    found = [
        {"of": name, "length": length, **compared}
        for name, texts in of.items()
        for length in LENGTHS
        if (compared := compare(texts, human, length, seed)) is not None
    ]
    with job.publish(FILE) as file:
        file.write(json.dumps(found, indent=1, allow_nan=False).encode())
    return Repeated(len(found), sum(row["texts"] for row in found))


def repetition_of(artifact: Artifact) -> list[dict[str, Any]]:
    """What repetition.json holds."""
    found: list[dict[str, Any]] = json.loads(artifact.read(FILE))
    return found


def _drawn(samples: Artifact, seed: int) -> list[str]:
    """The texts of samples in an order by hash, so that the first of them are of all prompts."""
    rows = [row for row in sampled(samples).to_pylist() if row["fault"] is None]
    order = np.argsort(uniform([f"{row['sample']}:{row['prompt']}" for row in rows], seed, "repetition"), kind="stable")
    return [rows[place]["text"] for place in order.tolist()]


def words_of(text: str) -> list[str]:
    """Words and marks, as BLEU counts them."""
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    return str(Tokenizer13a()(text)).split()


def compare(model: list[list[str]], human: list[list[str]], length: int, seed: int) -> dict[str, Any] | None:
    """Both sides at one length, as many texts of each; None where either has too few of it."""
    sides = [[words[:length] for words in texts if len(words) >= length] for texts in (model, human)]
    count = min(MOST, *map(len, sides))
    if count < FEWEST:
        return None
    own, of_people = (_measured(texts[:count], seed) for texts in sides)
    return {"texts": count, "own": own, "human": of_people}


def _measured(texts: list[list[str]], seed: int) -> dict[str, Any]:
    reps = {}
    for n in REP:
        values = [rep(words, n) for words in texts]
        within = bootstrap(values, None, seed)
        reps[str(n)] = {
            "value": round(float(np.mean(values)), 6),
            "low": round(within.low, 6) if within else None,
            "high": round(within.high, 6) if within else None,
            "of": len(values),
        }
    return {
        "rep": reps,
        "distinct": {str(n): round(distinct(texts, n), 6) for n in DISTINCT},
        "self_bleu": round(self_bleu(texts), 6),
    }


def ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Runs of n words."""
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]


def rep(words: Sequence[str], n: int) -> float:
    """The share of a text's n-grams that stood in it before; 0 of a text without any."""
    found = ngrams(words, n)
    return 1 - len(set(found)) / len(found) if found else 0.0


def distinct(texts: Sequence[Sequence[str]], n: int) -> float:
    """The share of all texts' n-grams that are the first of their kind; 0 where there are none."""
    found = [gram for words in texts for gram in ngrams(words, n)]
    return len(set(found)) / len(found) if found else 0.0


def self_bleu(texts: Sequence[Sequence[str]]) -> float:
    """From 0 to 1: the mean over texts of BLEU beside all the others, up to 4 words, smoothed exponentially."""
    from sacrebleu.metrics.bleu import BLEU

    scorer = BLEU(effective_order=True, tokenize="none")
    said = [" ".join(words) for words in texts]
    found = [scorer.sentence_score(said[n], said[:n] + said[n + 1 :]).score for n in range(len(said))]
    return sum(found) / len(found) / 100
