"""What the toys of the fits count: classifier, mixture, model and its updates, scores."""

from dataclasses import replace

from report_rows import GROUPS

from tasks.evaluation import perplexity as perplexity_of
from tasks.evaluation import scores as scores_of
from tasks.models import pretrain as pretrain_of
from tasks.quality import classifier as classifier_of
from tasks.quality import strength as strength_of
from tasks.quality import telling as telling_of
from tasks.tokens import mixture as mixture_of
from tasks.tokens import validation as validation_of

CLASSIFIER = classifier_of.Fitted(
    preset="modern", good=100, raw=100, held_out=20, passes=7, log_loss=0.2, auc=0.99, precision=0.9, recall=0.95,
    f1=0.92, calibration=tuple(classifier_of.Tenth(n / 10, 2, n // 5) for n in range(10)),
    left_out={"la": 3}, chosen=strength_of.Chosen(10.0, "sources", 3, False, (strength_of.Tried(10.0, 0.2, 0.97),)),
    positive=(telling_of.Word("prose", 2.5, ("verse",)), telling_of.Word("", 1.25)),
    negative=(telling_of.Word("<b>click", -3.5),),
)  # fmt: skip
NAMES = list(GROUPS.values())
SHARES = {name: mixture_of.Share(30.0, 1 / 3, 900, 1000, 1.11, 0, 1 / 3, 0) for name in NAMES}
SHARES["books2"] = mixture_of.Share(60.0, 0.3, 300, 900, 3.0, 0, 0.5, -600)
HELD_OUT = validation_of.HeldOut(documents=3, tokens=90, windows=4, sample=4)
MIXED = mixture_of.Mixed(
    3000,
    90.0,
    SHARES,
    {name: mixture_of.Source(900, 0, 1000, 1.11, HELD_OUT) for name in GROUPS},
    3.0,
    {"books2": 2000},
)
TRAINED = pretrain_of.Trained(
    9, 400, 3000, 0, 8.0, 4.0, {}, {name: pretrain_of.Served(10, 1000, 1.1) for name in NAMES}
)
UPDATES = [
    {"step": n, "tokens": n * 100, "loss": 8 - n / 100, "grad_norm": 1.0}
    | {f"loss_{name}": 8 - n / 100 if n % 2 else None for name in NAMES}
    | ({"validation_books2": 7 - n / 100, "validation_stderr_books2": 0.5} if n % 100 == 0 else {})
    for n in range(1, 401)
]
PERPLEXITIES = perplexity_of.Perplexities(
    {"crawl": perplexity_of.HeldOut(4.0, 54.5982, 100, 0.1, 5, 4), "books2": perplexity_of.HeldOut(3.0, 20.0855, 10)},
)
CLEAN = {"gpt3": {"clean": scores_of.Value(5, 0.4, 0.118, 0.769), "dirty": scores_of.Value(1, 1.0, 0.207, 1.0)}}
ALL = scores_of.Value(6, 0.5, 0.188, 0.812)
SURE = scores_of.Value(1, 1.0, 0.207, 1.0)
WAY = scores_of.Score(0, "default", 0, None, ALL, {"it is N long": 2}, 0.0, None, {}, CLEAN)
SCORED = {
    "tiny.cloze": scores_of.Scored("tiny", "cloze", "cloze", "accuracy", "token", "cloze", None, {"0": WAY}),
    "tiny.choice": scores_of.Scored(
        "tiny", "choice", "choice", "accuracy", "token", "choice", None,
        {"1": replace(WAY, shots=1, chance=0.25, rules={}, readings={"sum": 0.5, "token": 0.5, "byte": 0.25},
                      surest={"0.01": SURE, "0.1": SURE, "0.5": replace(SURE, items=3)})},
    ),
    "tiny.translate": scores_of.Scored(
        "tiny", "translate", "free", "bleu", "token", "translate", None,
        {"0": replace(WAY, chance=None, rules={}, signature="nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:2")},
    ),
}  # fmt: skip
