"""Metrics: what an answer is worth. METRICS by name; what each compares is said in the file of its family.

Where a scorer was published with its data its normalisation is followed to the letter; tests hold examples of it.
"""

from tasks.evaluation.metrics import acceptable, choices, numbers, quac, spans, summaries, translations
from tasks.evaluation.metrics.answer import Answer, Fit, Metric
from tasks.evaluation.metrics.passes import passes
from tasks.evaluation.metrics.spans import SQUAD_EXACT, SQUAD_F1, TRIVIA_EXACT, TRIVIA_F1, best, without_one

__all__ = ["METRICS", "Answer", "Metric"]

_ALL = (
    Metric("accuracy", "choice", "a right choice has the best mark", choices.right),
    Metric("mc1", "choice", "TruthfulQA's MC1: the best answer has the best mark", choices.right),
    Metric("mc2", "choice", "TruthfulQA's MC2: the true answers' share of all answers' probability", choices.mc2),
    Metric(
        "macro_f1", "choice", "CommitmentBank's: mean of the classes' F1s over all items", choices.right,
        choices.confusions, choices.macro_f1,
    ),
    Metric(
        "mcc", "choice", "Matthews' correlation of right and chosen classes, from -1 to 1 (CoLA)", choices.right,
        choices.agreements, choices.matthews, guessed=0.0,
    ),
    Metric(
        "f1_a", "choice", "MultiRC's F1a: F1 over all answer options", choices.right, choices.answer_options,
        choices.f1_a,
    ),
    Metric(
        "em", "choice", "MultiRC's EM: questions (clusters) of which all options are judged rightly", choices.right,
        choices.questions, choices.share,
    ),
    Metric("exact_record", "choice", "ReCoRD's EM of the chosen entity", spans.of_entity(SQUAD_EXACT)),
    Metric("f1_record", "choice", "ReCoRD's F1 of the chosen entity", spans.of_entity(SQUAD_F1)),
    Metric("greedy", "cloze", "every token of the text is the likeliest", choices.greedy),
    Metric(
        "perplexity", "cloze", "exp of the mean negative log-likelihood a text", choices.log_likelihood,
        choices.log_likelihoods, choices.perplexity,
    ),
    Metric(
        "mcc_threshold", "cloze", "GPT-1's for CoLA: mcc of a text's label (`references`: 0 or 1) and whether its mean "
        "log-probability a token is above a threshold, fitted on the benchmark's `dev` items", choices.right,
        choices.agreements, choices.matthews, fit=Fit(acceptable.threshold, acceptable.judged), guessed=0.0,
    ),
    Metric("exact", "free", "the text is one of the references, white space around it apart",
           best(spans.exact(spans.as_it_stands))),
    Metric("exact_squad", "free", "exact match by SQuAD's rules, the most over the references", best(SQUAD_EXACT)),
    Metric("f1_squad", "free", "F1 of words by SQuAD's rules, the most over the references", best(SQUAD_F1)),
    Metric("exact_coqa", "free", "CoQA's exact match, each reference left out in turn", without_one(SQUAD_EXACT)),
    Metric("f1_coqa", "free", "CoQA's F1, each reference left out in turn", without_one(SQUAD_F1)),
    Metric("f1_quac", "free", "QuAC's F1 (unfiltered), CANNOTANSWER being right or wrong", quac.f1_quac),
    Metric("heq_q", "free", "QuAC's HEQ-Q: questions whose F1 is at least people's, of those that people agree on",
           quac.as_good, quac.questions, quac.share),
    Metric("heq_d", "free", "QuAC's HEQ-D: dialogues (clusters) all of whose questions are that good",
           quac.as_good, quac.dialogues, quac.share),
    Metric("exact_drop", "free", "DROP's exact match of bags of spans, one a line", best(spans.exact_drop)),
    Metric("f1_drop", "free", "DROP's F1 of bags of spans, numbers having to agree", best(spans.f1_drop)),
    Metric("exact_trivia", "free", "TriviaQA's exact match, the most over the aliases", best(TRIVIA_EXACT)),
    Metric("f1_trivia", "free", "TriviaQA's F1, the most over the aliases", best(TRIVIA_F1)),
    Metric("number", "free", "the final number is the reference's (GSM8K)", numbers.same_number),
    Metric(
        "bleu", "free", "corpus BLEU by sacrebleu, from 0 to 1", translations.bleu_of_sentence,
        translations.ngram_counts, translations.bleu, translations.signature,
    ),
    *(
        Metric(kind, "free", f"{kind} F-measure by rouge-score, stemmed", summaries.rouge(kind))
        for kind in ("rouge1", "rouge2", "rougeL", "rougeLsum")
    ),
    *(
        Metric(f"pass@{k}", "program", f"one of {k} programs passes its tests, estimated without bias", passes(k))
        for k in (1, 10, 100)
    ),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
