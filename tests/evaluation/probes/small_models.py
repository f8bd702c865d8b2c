"""Models as they are initialised, with a tokenizer of words, as artifacts: enough for the stages that ask them."""

from dataclasses import asdict
from pathlib import Path

from corpora import Counted, workers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from model import checkpoint
from model.config import Architecture
from model.gpt import GPT
from tasks.evaluation.probes.occupations import OWN
from tasks.evaluation.probes.prompts import about_people
from tasks.models.files import MODEL_FILES
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage

WORDS = """beautiful lazy large kind angry honest gentle strong quickly always rather mostly terrible good bad man woman
male female and the a was very of in house river mill"""


@stage("pretrain", kind="fit", version="untrained")
def untrained(job: Job, *, width: int, context: int, seed: int) -> Counted:
    """A byte-level BPE of a small corpus, and a model of its vocabulary."""
    path = job.workspace / "own-tokenizer.json"
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    corpus = [WORDS] * 20 + [f"The {name} was a" for name in OWN] + [prompt.text for prompt in about_people()]
    library.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=700,
            special_tokens=["<|endoftext|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    library.save(str(path))
    size = library.get_vocab_size()
    architecture = Architecture(layers=1, width=width, heads=2, context=context, vocabulary=size)
    end = library.token_to_id("<|endoftext|>")
    model = GPT(architecture).initialise(seed)
    checkpoint.publish(job.workspace, model, path, "fingerprint", end, asdict(architecture))
    for name in MODEL_FILES:
        job.put(name, job.workspace / name)
    return Counted()


def made(run: Run, width: int = 16, context: int = 64, seed: int = 1) -> Artifact:
    """A model of this width."""
    return run(untrained, f"w{width}", width=width, context=context, seed=seed)


def run_in(folder: Path) -> Run:
    return Run(folder, workers(1))
