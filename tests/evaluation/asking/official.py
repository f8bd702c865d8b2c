"""A record of each task in the form its data set is published in, and how it must be asked. Where a figure of GPT-3's
appendix G shows the task, the record is that figure's (long passages shortened) and the prompt the figure's."""

from typing import Any, NamedTuple


class Case(NamedTuple):
    """`answers`: choices, or the one answer, or of free form the right answers. `gold`: their places; None: free form.
    `solved`: how the record is shown as an example, where that is not question, delimiter, first right answer."""

    task: str
    record: dict[str, Any]
    question: str
    answers: list[str]
    gold: list[int] | None = None
    template: str = "default"
    description: str = ""
    rest: str = ""
    cluster: str | None = None
    solved: str | None = None


LAMBADA = {"text": 'She held the torch in front of her.\n\n"In fact," she said, "there\'s more than a step'}
TORCH = 'She held the torch in front of her.\n\n"In fact," she said, "there\'s more than a'
PIQA = {
    "goal": "How to apply sealant to wood.",
    "sol1": "Using a brush, brush on sealant onto wood until it is fully saturated with the sealant.",
    "sol2": "Using a brush, drip on sealant onto wood until it is fully saturated with the sealant.",
    "label": 0,
}
HELLASWAG = {
    "activity_label": "Making a cake",
    "ctx_a": "Several cake pops are shown [substeps] on a display. A woman and girl make them in a kitchen.",
    "ctx_b": "they",
    "endings": ["bake them [title] Then frost.", " taste them.", "put  frosting on.", "come out."],
    "label": "0",
}
ARC_EASY = {
    "question": "Which factor will most likely cause a person to develop a fever?",
    "choices": {
        "text": ["a leg muscle relaxing after exercise", "a bacterial population in the bloodstream"],
        "label": ["A", "B"],
    },
    "answerKey": "B",
}
COPA = {
    "premise": "My body cast a shadow over the grass.",
    "choice1": "The sun was rising.",
    "choice2": "The grass was cut.",
    "question": "cause",
    "label": 0,
}
SCHEMA = {
    "text": "Grace was happy to trade me her sweater for my jacket. She thinks it looks dowdy on her.",
    "pronoun": "it",
    "pronoun_loc": 66,
    "options": ["The sweater", "The jacket"],
    "label": 0,
}
SCHEMA_OF_WHOSE = {
    "text": "The man hid behind the tree. His coat was long.",
    "pronoun": "His",
    "pronoun_loc": 29,
    "options": ["The man", "The tree"],
    "label": 0,
}
WINOGRANDE = {
    "sentence": "Johnny likes fruits more than vegetables in his new keto diet because the _ are saccharine.",
    "option1": "fruits",
    "option2": "vegetables",
    "answer": "1",
}
BOOK = {
    "sentences": ["`` Hush , '' said the fox ( to the king ) .", "The king did n't mind ."],
    "question": "It was the XXXXX 's turn , -LRB- he said -RRB- .",
    "answer": "fox",
    "options": ["fox", "king"],
}
TALK = {"earlier": [{"question": "what is its capital?", "answer": "Helsinki"}], "question": "how many live there?"}
DROP = {
    "section_id": "history_1",
    "passage": "Brébeuf travelled to New France in 1625.",
    "question": "How many years did he stay?",
    "answer": {"number": "4", "date": {"day": "", "month": "", "year": ""}, "spans": []},
    "validated_answers": {"number": ["4", ""], "spans": [[], ["four", "years"]]},
}
SPANS = {
    **DROP,
    "answer": {"number": "", "date": {"day": "", "month": "", "year": ""}, "spans": ["Ann", "Bob"]},
    "validated_answers": {"number": [], "spans": []},
}
DATE = {
    **DROP,
    "answer": {"number": "", "date": {"day": "16", "month": "March", "year": "1649"}, "spans": []},
    "validated_answers": {"number": [], "spans": []},
}
SQUAD = {
    "title": "The_Blitz",
    "context": "The Luftwaffe flew 4,000 sorties that month.",
    "question": "How many sorties were flown?",
    "answers": {"text": ["4,000"], "answer_start": [18]},
}
RACE = {
    "example_id": "high1.txt",
    "article": "In Japan people are private.",
    "question": "The author considers politics  _  .",
    "options": ["cheerful", "rude", "taboo", "endless"],
    "answer": "C",
}
BOOLQ = {
    "passage": "Normal force -- In a simple case it is equal.",
    "question": "is the normal force equal to the force of gravity",
    "label": 1,
}
CB = {"premise": "It doesn't mean Manhattan comes cheap.", "hypothesis": "Manhattan comes cheap", "label": 1}
RTE = {
    "premise": "The bet was regarding the top quark.",
    "hypothesis": "The Top Quark is the last of six flavors of quarks.",
    "label": 1,
}
WIC = {
    "word": "outfitter",
    "sentence1": "An outfitter provided everything needed for the safari.",
    "sentence2": "He went to a specialist outfitter to buy some boots.",
    "start1": 3,
    "end1": 12,
    "label": 0,
}
WSC = {
    "text": "Mr. Moncrieff visited Chester. He requires his support .",
    "span1_text": "Mr. Moncrieff",
    "span2_text": "his",
    "span2_index": 6,
    "label": 1,
}
MULTIRC = {
    "paragraph": "The State Department felt that he should visit Pakistan.",
    "question": "Who did it feel should visit?",
    "answer": "Bin Laden",
    "label": 0,
    "idx": {"paragraph": 7, "question": 2, "answer": 1},
}
RECORD = {
    "passage": "(CNN) Yuval Rabin criticized Donald Trump.\n@highlight\nThe son wrote an op ed\n@highlight\n"
    "Warns of it",
    "query": "Rabin condemned @placeholder's aggressive rhetoric.",
    "entities": ["Donald Trump", "CNN", "Trump", "CNN"],
    "answers": ["Donald Trump", "Trump"],
    "idx": {"passage": 4, "query": 0},
}
ANLI = {"premise": "The Gold Coast is a hotel.", "hypothesis": "The Gold Coast is cheap.", "label": 1}
SENTENCE = {"translation": {"en": "One hen.", "fr": "Une poule.", "de": "Eine Henne.", "ro": "O găină."}}
MMLU = {"subject": "abstract_algebra", "question": "Find it. ", "choices": ["1", "2", "3", "4"], "answer": 2}
TRUTHFUL = {
    "question": "Can pigs fly?",
    "mc1_targets": {"choices": ["No.", "Yes."], "labels": [1, 0]},
    "mc2_targets": {"choices": ["No.", "Yes.", "They cannot."], "labels": [1, 0, 1]},
}
PRIMER = (
    "Q: What is human life expectancy in the United States?\n"
    "A: Human life expectancy in the United States is 78 years.\n\n"
    "Q: Who was president of the United States in 1955?\n"
    "A: Dwight D. Eisenhower was president of the United States in 1955.\n\n"
    "Q: Which party did he belong to?\nA: He belonged to the Republican Party.\n\n"
    "Q: What is the square root of banana?\nA: I have no comment.\n\n"
    "Q: How does a telescope work?\n"
    "A: Telescopes use lenses or mirrors to focus light and make objects appear closer.\n\n"
    "Q: Where were the 1992 Olympics held?\nA: The 1992 Olympics were held in Barcelona, Spain.\n\n"
)
GSM8K = {"question": "2 hens and 3 hens?", "answer": "2+3=<<2+3=5>>5 hens.\n#### 5"}
PROGRAM = {
    "task_id": "HumanEval/0",
    "prompt": 'def f(x):\n    """x."""\n',
    "entry_point": "f",
    "canonical_solution": "    return x\n",
    "test": "def check(candidate):\n    assert candidate(1) == 1\n",
}
EXAM = (
    "Final Exam with Answer Key\nInstructions: Please carefully read the following passages. For each passage, you "
    "must identify which noun the pronoun marked in *bold* refers to.\n=====\n\n"
)
UNSCRAMBLE = "Please unscramble the letters into a word, and write that word:"


def arithmetic(task: str, question: str, answer: int) -> Case:
    context = f"\n\nQ: What is {question}?\n\nA:"
    return Case(task, {"context": context, "completion": f" {answer}"}, context, [f" {answer}"])


def scrambled(task: str, letters: str, word: str) -> Case:
    context = f"\n{letters} ="
    return Case(task, {"context": context, "completion": f" {word}"}, context, [f" {word}"], description=UNSCRAMBLE)


def translated(source: str, target: str, language: str, name: str) -> list[Case]:
    text, right = SENTENCE["translation"][source], SENTENCE["translation"][target]
    task = f"translate-{source}-{target}"
    return [
        Case(task, SENTENCE, f"{text} =", [right]),
        Case(task, SENTENCE, f"Q: What is the {language} translation of {text}\n\nA:", [right], template="zero-shot"),
        Case(task, SENTENCE, f"{name} phrase: {text}\n{language} phrase:", [right], template="lm-eval"),
    ]


CASES = [
    Case("choice", {"query": "q", "choices": ["a", "b"], "gold": 1}, "q", ["a", "b"], [1]),
    Case("cloze", {"context": "c", "continuation": "d"}, "c", ["d"], [0]),
    Case("lambada", LAMBADA, TORCH, ["step"], [0]),
    Case("lambada", {"context": "a b", "continuation": "c"}, "a b", ["c"], [0], "mosaic"),
    Case("lambada-fill", LAMBADA, f"{TORCH} ____. ->", ["step"], [0], description="Fill in blank:\n\n"),
    Case("lambada-words", LAMBADA, TORCH, ["step"], solved=f"{TORCH} step"),
    Case(
        "storycloze",
        {
            "input_sentence_1": "Bob went to the gas station.",
            "input_sentence_2": "His tank was empty.",
            "input_sentence_3": "The cashier offered to pay.",
            "input_sentence_4": "Bob felt grateful.",
            "sentence_quiz1": "Bob believed that there were good people in the world.",
            "sentence_quiz2": "Bob contemplated how unfriendly the world was.",
            "answer_right_ending": 1,
        },
        "Bob went to the gas station. His tank was empty. The cashier offered to pay. Bob felt grateful.",
        ["Bob believed that there were good people in the world.", "Bob contemplated how unfriendly the world was."],
        [0],
    ),
    Case(
        "hellaswag",
        HELLASWAG,
        "Making a cake: Several cake pops are shown on a display. A woman and girl make them in a kitchen. They",
        ["bake them. Then frost.", "taste them.", "put frosting on.", "come out."],
        [0],
    ),
    Case("piqa", PIQA, PIQA["goal"], [PIQA["sol1"], PIQA["sol2"]], [0]),
    Case("piqa", PIQA, f"Question: {PIQA['goal']}\nAnswer:", [PIQA["sol1"], PIQA["sol2"]], [0], "lm-eval"),
    Case(
        "piqa",
        {"query": "Question: dresser\n", "choices": ["a", "b"], "gold": 1},
        "Question: dresser\nAnswer:",
        ["a", "b"],
        [1],
        "mosaic",
    ),
    Case("arc-easy", ARC_EASY, f"Question: {ARC_EASY['question']}\nAnswer:", ARC_EASY["choices"]["text"], [1]),
    Case(
        "arc-easy",
        {"query": "Question: why?", "choices": ["a", "b"], "gold": 1},
        "Question: why?\nAnswer:",
        ["a", "b"],
        [1],
        "mosaic",
    ),
    Case("arc-challenge", ARC_EASY, f"Question: {ARC_EASY['question']}\nAnswer:", ARC_EASY["choices"]["text"], [1]),
    Case(
        "openbookqa",
        {
            "question_stem": "Organisms require energy in order to do what?",
            "choices": {"text": ["mature and develop.", "rest soundly."], "label": ["A", "B"]},
            "answerKey": "A",
        },
        "Organisms require energy in order to do what?",
        ["mature and develop.", "rest soundly."],
        [0],
    ),
    Case(
        "copa", COPA, "My body cast a shadow over the grass because", ["the sun was rising.", "the grass was cut."], [0]
    ),
    Case(
        "winograd",
        SCHEMA,
        "Grace was happy to trade me her sweater for my jacket. She thinks ",
        ["the sweater", "the jacket"],
        [0],
        rest=" looks dowdy on her.",
        solved="Grace was happy to trade me her sweater for my jacket. She thinks the sweater looks dowdy on her.",
    ),
    Case(
        "winograd",
        SCHEMA_OF_WHOSE,
        "The man hid behind the tree. ",
        ["The man's", "The tree's"],
        [0],
        rest=" coat was long.",
        solved="The man hid behind the tree. The man's coat was long.",
    ),
    Case(
        "winograd",
        {"context_options": ["Ann fed Bob because Ann", "Ann fed Bob because Bob"], "continuation": "ate.", "gold": 1},
        "",
        ["Ann fed Bob because Ann", "Ann fed Bob because Bob"],
        [1],
        "mosaic",
        rest=" ate.",
        solved="Ann fed Bob because Bob ate.",
    ),
    Case(
        "winogrande",
        WINOGRANDE,
        "Johnny likes fruits more than vegetables in his new keto diet because the ",
        ["fruits", "vegetables"],
        [0],
        rest=" are saccharine.",
        solved=WINOGRANDE["sentence"].replace("_", "fruits"),
    ),
    *(
        Case(
            task,
            BOOK,
            '"Hush," said the fox (to the king). The king didn\'t mind. It was the ',
            ["fox", "king"],
            [0],
            rest="'s turn, (he said).",
            solved="\"Hush,\" said the fox (to the king). The king didn't mind. It was the fox's turn, (he said).",
        )
        for task in ("cbt-cn", "cbt-ne")
    ),
    Case(
        "coqa",
        {"id": "3a", "story": "Helsinki is in Finland.", "answers": ["1.4 million", "over 1.4 million"], **TALK},
        "Helsinki is in Finland.\n\nQ: what is its capital?\n\nA: Helsinki\n\nQ: how many live there?\n\nA:",
        ["1.4 million", "over 1.4 million"],
        cluster="3a",
    ),
    Case(
        "drop",
        DROP,
        "Passage: Brébeuf travelled to New France in 1625.\nQuestion: How many years did he stay?\nAnswer:",
        ["4", "4", "four\nyears"],
        cluster="history_1",
    ),
    Case(
        "drop",
        SPANS,
        "Passage: Brébeuf travelled to New France in 1625.\nQuestion: How many years did he stay?\nAnswer:",
        ["Ann\nBob"],
        cluster="history_1",
        solved="Passage: Brébeuf travelled to New France in 1625.\nQuestion: How many years did he stay?\n"
        "Answer: Ann, Bob",
    ),
    Case(
        "drop",
        DATE,
        "Passage: Brébeuf travelled to New France in 1625.\nQuestion: How many years did he stay?\nAnswer:",
        ["16 March 1649"],
        cluster="history_1",
    ),
    Case(
        "quac",
        {
            "id": "C_1",
            "title": "William Perry",
            "section_title": "Professional career",
            "context": "In 1985, he was selected.",
            "earlier": [],
            "question": "what team did he play for?",
            "answers": ["the Chicago Bears"],
        },
        "TITLE: William Perry - Professional career\nPARAGRAPH: In 1985, he was selected.\n\n"
        "Q: what team did he play for?\n\nA:",
        ["the Chicago Bears"],
        cluster="C_1",
    ),
    Case(
        "squad2",
        {**SQUAD, "earlier": [{"question": "When?", "answer": "in March"}]},
        "Title: The_Blitz\n\nBackground: The Luftwaffe flew 4,000 sorties that month.\n\nQ: When?\n\nA: in March\n\n"
        "Q: How many sorties were flown?\n\nA:",
        ["4,000"],
        cluster=SQUAD["context"],
    ),
    Case(
        "squad2",
        {**SQUAD, "answers": {"text": [], "answer_start": []}},
        "Title: The_Blitz\n\nBackground: The Luftwaffe flew 4,000 sorties that month.\n\n"
        "Question: How many sorties were flown?\n\nAnswer:",
        ["unanswerable"],
        template="lm-eval",
        cluster=SQUAD["context"],
    ),
    *(
        Case(
            task,
            {**RACE, "earlier": [{"question": "Who is private?", "answer": "Japanese."}]},
            "Article:\nIn Japan people are private.\n\nQ: Who is private?\n\nA: Japanese.\n\n"
            "Q: The author considers politics  _  .\n\nA:",
            RACE["options"],
            [2],
            cluster="high1.txt",
        )
        for task in ("race-h", "race-m")
    ),
    Case(
        "race-h",
        RACE,
        "In Japan people are private. The author considers politics  _  .",
        RACE["options"],
        [2],
        "gpt1",
        cluster="high1.txt",
    ),
    Case(
        "triviaqa",
        {"question": "Who painted it?", "answer": {"value": "Marcel Duchamp", "aliases": ["Duchamp", "R.Mutt"]}},
        "Q: Who painted it?\n\nA:",
        ["Marcel Duchamp", "Duchamp", "R.Mutt"],
    ),
    Case(
        "webqs",
        {"question": "what school did burne hogarth establish?", "answers": ["School of Visual Arts"]},
        "Q: what school did burne hogarth establish?\n\nA:",
        ["School of Visual Arts"],
    ),
    Case(
        "nq",
        {"question": "who played tess on touched by an angel", "answer": ["Della Reese", "Reese"]},
        "Q: Who played tess on touched by an angel?\n\nA:",
        ["Della Reese", "Reese"],
    ),
    Case(
        "boolq",
        BOOLQ,
        "Normal force -- In a simple case it is equal.\n"
        "question: is the normal force equal to the force of gravity?\nanswer:",
        ["no", "yes"],
        [1],
    ),
    Case(
        "boolq",
        {**BOOLQ, "label": False},
        "Normal force -- In a simple case it is equal.\n"
        "Question: is the normal force equal to the force of gravity?\nAnswer:",
        ["no", "yes"],
        [0],
        "lm-eval",
    ),
    *(
        Case(
            "cb",
            {**CB, "label": label},
            "It doesn't mean Manhattan comes cheap.\n"
            "question: Manhattan comes cheap. true, false, or neither?\nanswer:",
            ["true", "false", "neither"],
            [1],
        )
        for label in (1, "contradiction")
    ),
    *(
        Case(
            "rte",
            record,
            "The bet was regarding the top quark.\n"
            "question: The Top Quark is the last of six flavors of quarks. True or False?\nanswer:",
            ["True", "False"],
            [1],
        )
        for record in (
            RTE,
            {"sentence1": RTE["premise"], "sentence2": RTE["hypothesis"], "label": "not_entailment", "index": "57"},
        )
    ),
    Case(
        "wic",
        WIC,
        "An outfitter provided everything needed for the safari.\n"
        "He went to a specialist outfitter to buy some boots.\n"
        "question: Is the word 'outfitter' used in the same way in the two sentences above?\nanswer:",
        ["no", "yes"],
        [0],
    ),
    Case(
        "wsc",
        WSC,
        "Passage: Mr. Moncrieff visited Chester. He requires *his* support .\n"
        'Question: In the passage above, does the pronoun "*his*" refer to "*Mr. Moncrieff*"?\nAnswer:',
        ["no", "yes"],
        [1],
    ),
    Case(
        "wsc-free",
        WSC,
        "Passage: Mr. Moncrieff visited Chester. He requires *his* support .\n"
        'Question: In the passage above, what does the pronoun "*his*" refer to?\nAnswer:',
        ["Mr. Moncrieff"],
        description=EXAM,
    ),
    Case(
        "multirc",
        MULTIRC,
        "The State Department felt that he should visit Pakistan.\n\nWho did it feel should visit?",
        ["- [False] Bin Laden", "- [True] Bin Laden"],
        [0],
        description="READING COMPREHENSION ANSWER KEY\n\n",
        cluster="7.2",
        solved="The State Department felt that he should visit Pakistan.\n\nWho did it feel should visit?\n"
        "- [False] Bin Laden",
    ),
    Case(
        "record",
        RECORD,
        "(CNN) Yuval Rabin criticized Donald Trump.\n\n- The son wrote an op ed.\n- Warns of it.\n- Rabin condemned ",
        ["Donald Trump", "CNN", "Trump"],
        [0, 2],
        rest="'s aggressive rhetoric.",
        cluster="4",
        solved="(CNN) Yuval Rabin criticized Donald Trump.\n\n- The son wrote an op ed.\n- Warns of it.\n"
        "- Rabin condemned Donald Trump's aggressive rhetoric.",
    ),
    *(
        Case(
            f"anli-r{n}",
            ANLI,
            f"anli {n}: anli {n}: The Gold Coast is a hotel.\n"
            "Question: The Gold Coast is cheap. True, False, or Neither?",
            ["True", "Neither", "False"],
            [1],
        )
        for n in (1, 2, 3)
    ),
    Case(
        "sat-analogies",
        {
            "stem": ["lull", "trust"],
            "choice": [["balk", "fortitude"], ["betray", "loyalty"], ["cajole", "compliance"]],
            "answer": 2,
        },
        "lull is to trust as",
        ["balk is to fortitude", "betray is to loyalty", "cajole is to compliance"],
        [2],
    ),
    *translated("en", "fr", "French", "English"),
    *translated("fr", "en", "English", "French"),
    *translated("en", "de", "German", "English"),
    *translated("de", "en", "English", "German"),
    *translated("en", "ro", "Romanian", "English"),
    *translated("ro", "en", "English", "Romanian"),
    Case(
        "cnn-dm",
        {"article": "(CNN) Rain fell.", "highlights": "Rain fell .\nIt was wet .", "id": "1"},
        "(CNN) Rain fell.\nTL;DR:",
        ["Rain fell .\nIt was wet ."],
    ),
    Case(
        "sst2",
        {"sentence": "unflinchingly bleak ", "label": "0"},
        "unflinchingly bleak \nQuestion: Is this sentence positive or negative?\nAnswer:",
        ["negative", "positive"],
        [0],
    ),
    Case(
        "sst2",
        {"sentence": "unflinchingly bleak ", "label": 0},
        "unflinchingly bleak very",
        ["negative", "positive"],
        [0],
        "gpt1",
    ),
    Case(
        "cola",
        {"sentence": "The hen sang.", "label": 1},
        "The hen sang.\nQuestion: Does this sentence make sense?\nAnswer:",
        ["no", "yes"],
        [1],
    ),
    Case("cola-gpt1", {"sentence": "The hen sang.", "label": 1}, "", ["The hen sang."], [0]),
    Case(
        "gsm8k",
        GSM8K,
        "Question: 2 hens and 3 hens?\nAnswer:",
        ["5"],
        solved="Question: 2 hens and 3 hens?\nAnswer: 2+3=<<2+3=5>>5 hens.\n#### 5",
    ),
    Case(
        "gsm8k",
        {"context": "2 and 3?", "chain_of_thought": "It is 5.", "answer": "5"},
        "Question: 2 and 3?\nAnswer:",
        ["5"],
        template="mosaic",
        solved="Question: 2 and 3?\nAnswer: It is 5.\n#### 5",
    ),
    Case(
        "mmlu",
        MMLU,
        "Find it.\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:",
        ["A", "B", "C", "D"],
        [2],
        description="The following are multiple choice questions (with answers) about abstract algebra.\n\n",
    ),
    Case("truthfulqa-mc1", TRUTHFUL, "Q: Can pigs fly?\nA:", ["No.", "Yes."], [0], description=PRIMER),
    Case(
        "truthfulqa-mc2",
        TRUTHFUL,
        "Q: Can pigs fly?\nA:",
        ["No.", "Yes.", "They cannot."],
        [0, 2],
        description=PRIMER,
    ),
    Case(
        "humaneval",
        PROGRAM,
        PROGRAM["prompt"],
        [PROGRAM["prompt"], PROGRAM["test"] + "\ncheck(f)"],
        solved=PROGRAM["prompt"] + PROGRAM["canonical_solution"],
    ),
    arithmetic("two-digit-addition", "98 plus 45", 143),
    arithmetic("three-digit-addition", "556 plus 497", 1053),
    arithmetic("four-digit-addition", "9923 plus 617", 10540),
    arithmetic("five-digit-addition", "65360 plus 16204", 81564),
    arithmetic("six-digit-addition", "781979 plus 66490", 848469),
    arithmetic("two-digit-subtraction", "17 minus 14", 3),
    arithmetic("three-digit-subtraction", "509 minus 488", 21),
    arithmetic("four-digit-subtraction", "6209 minus 3365", 2844),
    arithmetic("five-digit-subtraction", "40649 minus 78746", -38097),
    arithmetic("six-digit-subtraction", "893470 minus 970472", -77002),
    arithmetic("two-digit-multiplication", "95 times 45", 4275),
    arithmetic("single-digit-three-ops", "(9 + 8) * 2", 34),
    arithmetic("single-digit-three-ops-last", "6 + (4 * 8)", 38),
    scrambled("cycle-letters-in-word", "asinoc", "casino"),
    scrambled("mid-word-1-anagrams", "skicts", "sticks"),
    scrambled("mid-word-2-anagrams", "volwskagen", "volkswagen"),
    scrambled("random-insertion-in-word", "r e!c.i p r o.c a/l", "reciprocal"),
    scrambled("reversed-words", "taefed", "defeat"),
]
