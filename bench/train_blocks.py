"""Trains tasks/sources/page/main_content.json, the trees that say which blocks of a page are main content.

    pip install trafilatura        # the teacher
    python bench/train_blocks.py [--data ../shared/data] [--choose]

Learns from the training half only (bench/gold.py says how halves are drawn). Labels of gold pages: a block that holds a
wanted phrase is kept, one that holds an unwanted phrase and no wanted one is not; of readability's pages a block is
kept where its text stands in the expected article (each page weighs as much as ARTICLE phrases). All other blocks of
these pages, and those of the pages of the half's sites that have no gold, are labelled by a teacher: whether
trafilatura keeps them (each page weighs as much as TAUGHT phrases, PAGE blocks of it are drawn).
Of each page a copy is read, too, around whose text other things stand, so that what is chosen does not hang on them.
scikit-learn's gradient boosting; values of leaves are rounded to 1/1024, bounds of features to integers.
`--choose` prints five-fold cross-validation by site within the half, by which SETTINGS and BOUND were chosen.
"""

import argparse
import hashlib
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import trafilatura  # noqa: E402

from bench.gold import TRAIN, Gold, count, pages, plain, unlabelled  # noqa: E402
from tasks.kernels.blocks import FEATURES, scores, smoothed  # noqa: E402
from tasks.sources.page.main_content import Blocks, blocks, features, render, trees_of  # noqa: E402

SETTINGS: dict[str, Any] = {
    "max_iter": 80, "max_depth": 4, "learning_rate": 0.1, "min_samples_leaf": 20, "max_features": 0.3,
}  # fmt: skip
BOUND = -300  # in 1/1024 of the logit
SCALE = 1024
ARTICLE, TAUGHT, PAGE = 3, 10, 50
FEW = 200  # letters and digits; of a page of which the teacher finds less, it is not asked
LETTERS = re.compile(r"\W+")


class Read:
    """A page's blocks with features, labels and weights. gold: None of a page that only the teacher labels."""

    def __init__(self, site: str, html: str, gold: Gold | None, copy: bool = False):
        self.site, self.gold, self.copy = site, gold, copy
        self.page: Blocks = blocks(_surrounded(html, site) if copy else html)
        self.x = features(self.page)
        texts = [plain(self.page.text[start:end]) for start, end in self.page.spans]
        self.y, self.weight = np.zeros(len(texts)), np.zeros(len(texts))
        self._ask(html, texts)
        if gold is None:
            return
        for row, text in enumerate(texts):
            if gold.article is not None:
                self.y[row] = text in gold.article
                self.weight[row] = min(1.0, ARTICLE / len(texts))
            elif "\u2060" in text:
                continue
            elif any(phrase in text for phrase in gold.wanted):
                self.y[row], self.weight[row] = 1, 1
            elif any(phrase in text for phrase in gold.unwanted):
                self.y[row], self.weight[row] = 0, 1

    def _ask(self, html: str, texts: list[str]) -> None:
        taught = _letters(trafilatura.extract(html, include_comments=False) or "")
        if len(taught) < FEW:
            return
        drawn = np.random.default_rng(len(texts)).permutation(len(texts))[:PAGE]
        for row in drawn:
            letters = _letters(texts[row])
            kept = letters in taught and "\u2060" not in texts[row]
            self.y[row], self.weight[row] = kept, min(len(texts) / len(drawn), TAUGHT / len(drawn))


# What is put into copies, a text with a word joiner (U+2060), by which the label knows it.
PUT = (
    '<div class="{0}"><a href="/{1}">\u2060{2}</a></div>',
    '<div class="{0}"><span>\u2060{3}</span></div>',
    '<div><div class="{0}"><p>\u2060{3}</p><p><a href="/{1}">\u2060{2}</a></p></div></div>',
    '<p><a href="/{1}">\u2060{2}</a></p>',
    '<aside class="{0}"><h3>\u2060{3}</h3><ul><li><a href="/{1}">\u2060{2}</a></li></ul></aside>',
    '<div><a href="/{1}"><img src="x.png"></a><a href="/{1}">\u2060{2}</a> <span>\u2060{3}</span></div>',
)
CLASSES = ("ad", "ad-slot", "teaser", "widget", "related-posts", "c-17", "box", "promo", "inline", "block-3", "x")
LINKED = ("Read more", "Jetzt bestellen", "Die Wochenschau: neue Angebote für das Haus", "Subscribe to our newsletter")
SAID = ("Anzeige", "Sponsored content", "You may also like", "Share this", "Advertisement", "Mehr dazu im Heft", "3:47")


def _surrounded(html: str, seed: str) -> str:
    """A copy of a page with other things around its text: what a page's next visitor, or another crawl, gets."""
    draw = random.Random(seed)

    def put(much: float) -> str:
        if draw.random() > much:
            return ""
        return draw.choice(PUT).format(draw.choice(CLASSES), draw.randrange(99), draw.choice(LINKED), draw.choice(SAID))

    html = re.sub(r"(?i)</(?:p|h[1-6])>", lambda end: end[0] + put(0.3), html)
    html = re.sub(
        r"(?i)</li>",
        lambda end: end[0] + (f"<li><a href=/a>\u2060{draw.choice(LINKED)}</a>" * (draw.random() < 0.1)),
        html,
    )
    return re.sub(r"(?i)</body>", lambda end: "".join(put(0.5) for _ in range(6)) + end[0], html)


def _letters(text: str) -> str:
    return LETTERS.sub("", text).lower()


def fit(train: list[Read], **settings: Any) -> dict[str, Any]:
    """What main_content.json holds."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y, weight = (np.concatenate([getattr(one, name) for one in train]) for name in ("x", "y", "weight"))
    used = weight > 0
    model = HistGradientBoostingClassifier(random_state=0, early_stopping=False, l2_regularization=1.0, **settings)
    model.fit(x[used], y[used], sample_weight=weight[used])
    made = [round(float(model._baseline_prediction.ravel()[0]) * SCALE)]
    made += [_tree(predictors[0].nodes, 0) for predictors in model._predictors]
    return {"bound": BOUND, "trees": made}


def _tree(nodes: np.ndarray, row: int) -> Any:
    node = nodes[row]
    if node["is_leaf"]:
        return round(float(node["value"]) * SCALE)
    below, above = _tree(nodes, node["left"]), _tree(nodes, node["right"])
    return [FEATURES[node["feature_idx"]], int(np.floor(node["num_threshold"])), below, above]


def choose(train: list[Read]) -> None:
    fold = {one.site: hashlib.sha256(b"fold" + one.site.encode()).digest()[0] % 5 for one in train}
    held = [one for one in train if one.gold is not None and one.gold.wanted and not one.copy]
    gold = [one.gold for one in held if one.gold is not None]
    for change in ({}, {"max_depth": 3}, {"max_features": 0.15}):
        score = {}
        for number in range(5):
            model = trees_of(fit([one for one in train if fold[one.site] != number], **{**SETTINGS, **change}))
            for one in held:
                if fold[one.site] == number and one.gold is not None:
                    single = scores(one.x, model.roots, model.nodes)
                    score[one.gold.url] = one.page, smoothed(single, one.page.counts, one.page.elements)
        print(change)
        for bound in (-900, -600, -300, 0, 300):
            found = count(gold, lambda one: render(score[one.url][0], score[one.url][1] > bound).text)  # noqa: B023
            print(f"  bound {bound:6}: precision {found.precision:.3f} recall {found.recall:.3f} F1 {found.f1:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--choose", action="store_true")
    arguments = parser.parse_args()
    gold = [(one.site, one.html, one) for one in pages(arguments.data) if one.half == TRAIN]
    half = [*gold, *((*one, None) for one in unlabelled(arguments.data, TRAIN))]
    train = [Read(*one, copy=copy) for one in half for copy in (False, True)]
    print(f"{len(train)} pages, {sum(int((one.weight > 0).sum()) for one in train)} blocks that teach")
    if arguments.choose:
        choose(train)
        return
    made = fit(train, **SETTINGS)
    lines = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in made["trees"])
    to = ROOT / "tasks" / "sources" / "page" / "main_content.json"
    to.write_text(f'{{"bound":{made["bound"]},"trees":[\n{lines}\n]}}\n')
    print(f"{to}: {to.stat().st_size} bytes")


if __name__ == "__main__":
    main()
