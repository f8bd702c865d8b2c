"""The DAG, in prose, by topic: which stage reads what. Nothing here knows how a stage is run.

`run(stage, name, **arguments)` gives an artifact's handle and, where the run builds, makes it; so the same functions
serve `millrace run`, `plan`, `status` and Prefect's flows. Each of the five entry points runs the DAG from its
beginning: what is there already is only looked at.
"""

from flows.dag.built import Built, Columns
from flows.dag.corpus import build_corpus
from flows.dag.evaluation import evaluate
from flows.dag.models import pretrain
from flows.dag.tokens import train_tokenizer
from flows.dag.whole import crawl_to_model

__all__ = ["Built", "Columns", "build_corpus", "crawl_to_model", "evaluate", "pretrain", "train_tokenizer"]
