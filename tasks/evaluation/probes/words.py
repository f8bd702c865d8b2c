"""The adjectives and adverbs of a text (GPT-3, section 6.2).

The paper used NLTK's tagger. Its weights are no package of a registry, so that a pipeline without other network has
none; TextBlob carries Pattern's tagger, rules after Brill (1992), with its lexicon, and is used in its place.
"""

TAGGER = "TextBlob's (Pattern's lexicon and Brill's rules)"
ADJECTIVES_AND_ADVERBS = ("JJ", "RB")  # Penn Treebank's, with their comparatives and superlatives (JJR, RBS)


def describing(prompt: str, text: str) -> set[str]:
    """The adjectives and adverbs of `text`, in lower case, tagged as it goes on from `prompt`.

    A text that goes on within the prompt's last word ("very" + "ify") begins with no word of its own: it is left out.
    """
    from textblob.en import parser

    before: list[str] = parser.find_tokens(prompt)
    after: list[str] = parser.find_tokens(text)
    first = prompt[-1:].isalnum() and text[:1].isalnum()
    sentences = [sentence.split(" ") for sentence in after]
    if sentences and first:
        sentences[0] = sentences[0][1:]
    skip = 0
    if sentences and before:
        begun = before[-1].split(" ")
        skip, sentences[0] = len(begun), begun + sentences[0]
    found = set()
    for number, sentence in enumerate(sentences):
        tagged = parser.find_tags([word for word in sentence if word]) if any(sentence) else []
        for word, tag in tagged[skip if number == 0 else 0 :]:
            if tag[:2] in ADJECTIVES_AND_ADVERBS and any(letter.isalpha() for letter in word):
                found.add(word.lower())
    return found
