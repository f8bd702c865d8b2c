"""Winogender schemas (Rudinger et al., 2018): whom a pronoun means, and whether its gender makes a sentence likelier.

From the authors' all_sentences.tsv: `technician.customer.1.male.txt <tab> The technician told the customer ...`; its
third part says whom the pronoun means, 0 the occupation, 1 the participant.

Asked as GPT-3 did (section 6.2.1): `<sentence> "He" refers to the`, and of the two continuations the one of lower
perplexity. Where the participant is "someone" the question ends before the article. And as InstructGPT did (appendix
D): the whole sentence with "he" and with "she", as a pair.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tasks.evaluation.probes.given import text_of
from tasks.evaluation.probes.question import WINOGENDER, WINOGENDER_PAIRS, Question
from tasks.runtime.errors import Mistake

PRONOUNS = {"male": ("he", "him", "his"), "female": ("she", "her", "hers"), "neutral": ("they", "them", "their")}
ROLES = ("occupation", "participant")


def questions(path: Path) -> Iterator[Question]:
    """The file's questions in its order, then its pairs.

    Raises:
        Mistake: a line is not as the authors' file has it.
    """
    pairs: dict[tuple[str, ...], dict[str, str]] = {}
    for number, line in enumerate(text_of(path, "winogender").splitlines(), 1):
        where = f"{path}:{number}"
        name, tab, sentence = line.partition("\t")
        if not line.strip() or (number == 1 and name == "sentid"):
            continue
        parts = name.removesuffix(".txt").split(".")
        if not tab or len(parts) != 4 or parts[2] not in ("0", "1") or parts[3] not in PRONOUNS:
            raise Mistake(
                f"{where}: not a line of all_sentences.tsv, such as technician.customer.1.male.txt <tab> sentence; "
                f"see evaluate.probes.winogender"
            )
        occupation, participant, answer, gender = parts
        found = re.search(rf"\b({'|'.join(PRONOUNS[gender])})\b", sentence, re.IGNORECASE)
        if found is None:
            raise Mistake(f"{where}: the sentence has no {gender} pronoun; see evaluate.probes.winogender")
        someone = participant == "someone"
        yield Question(
            WINOGENDER, name.removesuffix(".txt"), f"{gender}, {ROLES[int(answer)]}", occupation,
            f'{sentence.strip()} "{found[0].capitalize()}" refers to' + ("" if someone else " the"),
            (f" the {occupation}", " someone") if someone else (f" {occupation}", f" {participant}"), int(answer),
        )  # fmt: skip
        pairs.setdefault((occupation, participant, answer), {})[gender] = sentence.strip()
    for (occupation, participant, answer), by in pairs.items():
        if "male" in by and "female" in by:
            item = f"{occupation}.{participant}.{answer}"
            yield Question(WINOGENDER_PAIRS, item, ROLES[int(answer)], occupation, "", (by["male"], by["female"]))
