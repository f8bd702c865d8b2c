"""A tokenizer of 400 tokens, made on the spot."""

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, pre_tokenizers, trainers

from model.tokenizer import END_OF_TEXT, Tokenizer

TEXTS = [
    "the mill turns, and the river rests at the mill.",
    "what is 12 plus 30? it is 42.",
    "Grace's jacket\n\nA: it's",
]


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Tokenizer:
    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=[END_OF_TEXT], initial_alphabet=sorted(alphabet), show_progress=False
    )
    library.train_from_iterator(TEXTS * 20, trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    library.save(str(path))
    return Tokenizer(path)
