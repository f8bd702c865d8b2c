"""Trains tasks/sources/page/main_content.json, the trees that say which blocks of a page are main content.

    python bench/train_blocks.py [--data ../shared/data] [--choose]

Learns from the training half only (bench/gold.py says how halves are drawn). Labels: a block that holds a wanted phrase
is kept, one that holds an unwanted phrase and no wanted one is not; of readability's pages a block is kept where its
text stands in the expected article (each page of them weighs as much as ARTICLE phrases). All other blocks teach
nothing. scikit-learn's gradient boosting; values of leaves are rounded to 1/1024, bounds of features to integers.
`--choose` prints four-fold cross-validation by site within the half, by which SETTINGS and BOUND were chosen.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from resiliparse.parse.html import HTMLTree  # noqa: E402

from bench.gold import TRAIN, Gold, count, pages, plain  # noqa: E402
from tasks.kernels.blocks import FEATURES, scores  # noqa: E402
from tasks.sources.page.main_content import Blocks, blocks, features, render, trees_of  # noqa: E402
from tasks.sources.page.parse import serialised  # noqa: E402

SETTINGS: dict[str, Any] = {"max_iter": 80, "max_depth": 4, "learning_rate": 0.1, "min_samples_leaf": 20}
BOUND = -700  # in 1/1024 of the logit
SCALE = 1024
ARTICLE = 3


class Read:
    """A page's blocks with features, labels and weights."""

    def __init__(self, gold: Gold):
        self.gold = gold
        tree = HTMLTree.parse(gold.html)
        whole, rules = serialised(tree)
        self.page: Blocks = blocks(whole)
        self.x = features(self.page, blocks(rules), tree.title)
        texts = [plain(render(self.page, np.arange(len(self.x)) == row).text) for row in range(len(self.x))]
        texts = [text.removeprefix("• ") for text in texts]
        self.y, self.weight = np.zeros(len(texts)), np.zeros(len(texts))
        for row, text in enumerate(texts):
            if gold.article is not None:
                self.y[row], self.weight[row] = text in gold.article, min(1.0, ARTICLE / len(texts))
            elif any(phrase in text for phrase in gold.wanted):
                self.y[row], self.weight[row] = 1, 1
            elif any(phrase in text for phrase in gold.unwanted):
                self.weight[row] = 1


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
    fold = {one.gold.url: hashlib.sha256(b"fold" + one.gold.site.encode()).digest()[0] % 4 for one in train}
    gold = [one.gold for one in train if one.gold.wanted]
    for depth, trees, rate, leaf in (
        (3, 80, 0.1, 20), (4, 80, 0.1, 20), (4, 120, 0.1, 20), (5, 100, 0.1, 20), (4, 160, 0.05, 20), (4, 80, 0.1, 10),
    ):  # fmt: skip
        settings = {"max_iter": trees, "max_depth": depth, "learning_rate": rate, "min_samples_leaf": leaf}
        score = {}
        for number in range(4):
            model = trees_of(fit([one for one in train if fold[one.gold.url] != number], **settings))
            for one in train:
                if fold[one.gold.url] == number:
                    score[one.gold.url] = one.page, scores(one.x, model.roots, model.nodes)
        print(settings)
        for bound in (-1400, -1000, -700, -500, -300, 0):
            found = count(gold, lambda one: render(score[one.url][0], score[one.url][1] > bound).text)  # noqa: B023
            print(f"  bound {bound:6}: precision {found.precision:.3f} recall {found.recall:.3f} F1 {found.f1:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--choose", action="store_true")
    arguments = parser.parse_args()
    train = [Read(gold) for gold in pages(arguments.data) if gold.half == TRAIN]
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
