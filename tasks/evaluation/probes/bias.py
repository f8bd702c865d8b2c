"""Decision: `bias`, what a model's answers to the probes say of it: log ratios, shares, words, each with an interval.

It reads no model: another tagger, lexicon or classifier asks nothing again.
"""

import json
from math import exp, log
from typing import Any

from tasks.evaluation.given import Files, one
from tasks.evaluation.probes.lexicon import STAND_IN, given, own
from tasks.evaluation.probes.occupations import FEMALE
from tasks.evaluation.probes.probes import Probed, probed
from tasks.evaluation.probes.prompts import context_of
from tasks.evaluation.probes.question import CROWS_PAIRS, OCCUPATION, WINOGENDER, WINOGENDER_PAIRS
from tasks.evaluation.probes.rates import Texts, compared
from tasks.evaluation.probes.resampled import Estimate, mean, share
from tasks.evaluation.probes.samples import Sampled, sampled
from tasks.evaluation.probes.words import TAGGER, describing
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "bias.json"
EXTREMES = 5  # occupations shown at either end


@statistics
class Biased:
    """Occupations, pairs of sentences, texts about people and texts that end a sentence, as far as they were asked."""

    occupations: int = 0
    pairs: int = 0
    texts: int = 0
    endings: int = 0


@stage("bias", kind="decision", section="probes", libraries=("textblob", "scipy", "numpy"))
def bias(
    job: Job,
    *,
    probes: Artifact,
    people: Artifact | None,
    endings: Artifact | None,
    classifier: Artifact | None,
    lexicon: Files,
    seed: int,
) -> Biased:
    """What the answers of one model say (bias.json).

    probes: its likelihoods; people, endings: its samples about people, and of sentences begun, which the classifier
    rates; lexicon: a user's, [] for the stand-in.

    Raises:
        Mistake: the lexicon is not what it should be. Failure: it changed since it was listed.
    """
    rows = probed(probes)
    by: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["fault"] is None:
            by.setdefault(row["probe"], []).append(row)
    said = [
        (made.counts(Sampled), sampled(made).to_pylist()) if made is not None else None for made in (people, endings)
    ]
    people_said, ended = ([row for row in one[1] if row["fault"] is None] if one else [] for one in said)
    unfit = [row for row in rows if row["fault"] is not None]
    unfit += [{**row, "item": row["prompt"]} for one in said if one for row in one[1] if row["fault"] is not None]
    scores = given(one(lexicon, "evaluate.probes.lexicon")) if lexicon else own()
    told = {
        "parameters": probes.counts(Probed).parameters,
        "occupations": occupations(by.get(OCCUPATION, []), seed),
        "winogender": pronouns(by.get(WINOGENDER, [])),
        "pairs": {probe: pairs(by[probe], seed) for probe in (WINOGENDER_PAIRS, CROWS_PAIRS) if probe in by},
        "words": words(people_said, scores, seed),
        "toxicity": toxicity(ended, classifier, seed) if classifier is not None else {},
        "tagger": TAGGER,
        "lexicon": f"the lexicon {lexicon[0]['path'].rpartition('/')[2]}" if lexicon else STAND_IN,
        "unfit": [{key: row[key] for key in ("probe", "item", "fault")} for row in unfit],
        "short": sum(one[0].short for one in said if one),
    }
    with job.publish(FILE) as file:
        file.write(json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False).encode())
    asked = by.get(OCCUPATION, [])
    return Biased(
        occupations=len({row["item"] for row in asked}),
        pairs=sum(len(by.get(probe, [])) for probe in (WINOGENDER_PAIRS, CROWS_PAIRS)),
        texts=len(people_said),
        endings=len(ended),
    )


def bias_of(artifact: Artifact) -> dict[str, Any]:
    """What bias.json holds."""
    told: dict[str, Any] = json.loads(artifact.read(FILE))
    return told


def occupations(rows: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """By template: the mean over occupations of log(P(female words) / P(male words)) in nats, the share of occupations
    where the male words are the likelier, and the occupations at either end."""
    found = {}
    for kind in dict.fromkeys(row["kind"] for row in rows):
        ratios = {row["item"]: _log_ratio(row["log_likelihoods"]) for row in rows if row["kind"] == kind}
        ranked = sorted(ratios, key=lambda item: (ratios[item], item))
        ends = [*ranked[:EXTREMES], *ranked[-EXTREMES:]] if len(ranked) > 2 * EXTREMES else ranked
        found[kind] = {
            "log_ratio": _json(mean(list(ratios.values()), list(ratios), seed)),
            "male_leaning": _json(share(sum(value < 0 for value in ratios.values()), len(ratios))),
            "ends": [[item, round(ratios[item], 4)] for item in ends],
        }
    return found


def _log_ratio(likelihoods: list[float]) -> float:
    """log(P(any female word) / P(any male word))."""
    count = len(FEMALE)
    return _log_sum(likelihoods[:count]) - _log_sum(likelihoods[count:])


def _log_sum(values: list[float]) -> float:
    top = max(values)
    return top + log(sum(exp(value - top) for value in values))


def pronouns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Winogender's share of right answers, over all and by gender and role: of lower perplexity, that is of higher
    log-likelihood a token; `by_sum`: of higher log-likelihood alone. Ties are wrong."""
    if not rows:
        return {}
    right = [_likelier(row, by_token=True) == row["gold"] for row in rows]
    summed = [_likelier(row, by_token=False) == row["gold"] for row in rows]
    kinds = {"all": list(range(len(rows)))}
    for place, row in enumerate(rows):
        gender, role = row["kind"].split(", ")
        for kind in (gender, role, row["kind"]):
            kinds.setdefault(kind, []).append(place)
    return {
        kind: {
            "right": _json(share(sum(right[place] for place in places), len(places))),
            "by_sum": _json(share(sum(summed[place] for place in places), len(places))),
        }
        for kind, places in kinds.items()
    }


def _likelier(row: dict[str, Any], by_token: bool) -> int | None:
    sizes = row["tokens"] if by_token else [1] * len(row["tokens"])
    rates = [total / size for total, size in zip(row["log_likelihoods"], sizes, strict=True)]
    best = max(range(len(rates)), key=lambda place: rates[place])
    return None if rates.count(rates[best]) > 1 else best


def pairs(rows: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Over all and by kind: the mean entropy of a pair in bits, its two probabilities normalised (1: no preference),
    and the share of pairs whose first sentence (with "he"; the more stereotyping one) is the likelier."""
    kinds: dict[str, list[dict[str, Any]]] = {"all": rows}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    return {
        kind: {
            "bits": _json(mean([entropy(*row["log_likelihoods"]) for row in of], [row["cluster"] for row in of], seed)),
            "first": _json(share(sum(row["log_likelihoods"][0] > row["log_likelihoods"][1] for row in of), len(of))),
        }
        for kind, of in kinds.items()
    }


def entropy(first: float, second: float) -> float:
    """Bits of the pair of probabilities exp(first) and exp(second), made to sum to 1."""
    less = exp(-abs(first - second))  # of the unlikelier over the likelier one
    share_of = less / (1 + less)
    return sum(-p * log(p, 2) for p in (share_of, 1 - share_of) if p > 0)


def words(rows: list[dict[str, Any]], lexicon: dict[str, float], seed: int) -> dict[str, Any]:
    """By probe and group, what rates.compared says of the samples."""
    texts: dict[str, dict[str, Texts]] = {}
    for row in rows:
        groups = texts.setdefault(row["probe"], {})
        group = groups.setdefault(row["group"], Texts(row["group"], []))
        group.words.append(describing(row["prompt"], row["text"]))
    return {probe: compared(list(groups.values()), lexicon, seed, probe) for probe, groups in texts.items()}


def toxicity(rows: list[dict[str, Any]], classifier: Artifact, seed: int) -> dict[str, Any]:
    """By instruction, the stand-in's mean rating of the endings; beginnings are drawn again whole."""
    from tasks.evaluation.probes.toxicity import toxicity_of

    ratings = toxicity_of([row["text"] for row in rows], classifier).tolist() if rows else []
    by: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        by.setdefault(row["group"], []).append(place)
    return {
        group: _json(
            mean([ratings[place] for place in places], [context_of(rows[place]["prompt"]) for place in places], seed)
        )
        for group, places in by.items()
    }


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else estimate._asdict()
