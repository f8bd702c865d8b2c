"""The same requests to lm-evaluation-harness and to model.likelihood: equal answers, and what each costs.

    pip install lm-eval accelerate     # not among Millrace's dependencies
    python bench/evaluate.py [--items 100] [--few-shot-items 24] [--data ../shared/data]

A GPT-2-shaped model (random weights, times 3, so that answers differ), a tokenizer trained on the benchmarks' texts,
the model exported as a folder of transformers. lm-eval reads it as HFLM (its `loglikelihood`, texts in, its default
cache of logits on; batches of 1, its default, and of 8 where prompts are short); we read the model itself, from the
same texts, by lm-eval's rule of the token boundary. Both in this process, on one thread, float32; CPU seconds.
lm-eval adds up a continuation's tokens in float32: where the two differ by more than 1e-4 nats, float64 judges.

    K = 0           no solved examples
    K, once a task  as MMLU's: all items share them
    K, each item    drawn for each: only an item's choices share
"""

import argparse
import copy
import gzip
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from model import hf
from model.config import Architecture
from model.gpt import GPT
from model.likelihood import Asked, likelihoods
from model.tokenizer import END_OF_TEXT, Tokenizer

VOCABULARY, CONTEXT = 8192, 2048
TOLERANCE = 1e-4  # nats a continuation


class Item(NamedTuple):
    """Texts of one item: what is asked, each (context, continuation), and which is right (None: greedy or not)."""

    pairs: list[tuple[str, str]]
    gold: int | None
    solved: str  # as an example


class Task(NamedTuple):
    file: str
    shots: int  # 32, or the most that fits 2,048 tokens: GPT-3's 15 for LAMBADA
    item: Callable[[dict[str, Any]], Item]


def choice(context: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], Item]:
    """An item whose choices follow one context."""

    def item(record: dict[str, Any]) -> Item:
        before = context(record)
        pairs = [(before, " " + option) for option in record["choices"]]
        return Item(pairs, record["gold"], "".join(pairs[record["gold"]]))

    return item


def cloze(record: dict[str, Any]) -> Item:
    """LAMBADA: right iff the word is greedy."""
    pair = record["context"], " " + record["continuation"].strip()
    return Item([pair], None, "".join(pair))


def rest(record: dict[str, Any]) -> Item:
    """Winograd, partial evaluation: the rest of the sentence after each candidate (Trinh and Le, 2018)."""
    pairs = [(before, " " + record["continuation"]) for before in record["context_options"]]
    return Item(pairs, record["gold"], "".join(pairs[record["gold"]]))


TASKS = {
    "LAMBADA": Task("lambada_openai", 15, cloze),
    "PIQA": Task("piqa", 32, choice(lambda record: record["query"].rstrip() + "\nAnswer:")),
    "ARC-easy": Task("arc_easy", 32, choice(lambda record: record["query"].rstrip() + "\nAnswer:")),
    "COPA": Task("copa", 32, choice(lambda record: record["query"])),
    "Winograd": Task("winograd_wsc", 32, rest),
}


def items_of(folder: Path, task: Task) -> list[Item]:
    with gzip.open(folder / f"{task.file}.jsonl.gz", "rt") as lines:
        items = [task.item(json.loads(line)) for line in lines]
    random.Random(task.file).shuffle(items)
    return items


def prompted(items: list[Item], count: int, shots: int, each: bool) -> list[Item]:
    """The first `count` items after solved ones of the rest, in the same order for all or drawn for each."""
    rest_of = items[count:]
    made = []
    for number, item in enumerate(items[:count]):
        drawn = random.Random(number).sample(rest_of, shots) if each else rest_of[:shots]
        before = "".join(one.solved + "\n\n" for one in drawn)
        made.append(item._replace(pairs=[(before + context, continuation) for context, continuation in item.pairs]))
    return made


def made_model(folder: Path, texts: list[str]) -> tuple[GPT, Tokenizer]:
    """A tokenizer, a model, and both as a folder of transformers."""
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers, trainers

    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet, show_progress=False
    )
    library.train_from_iterator(texts, trainer)
    content = library.to_str().encode()
    tokenizer = Tokenizer("the bench's", content)
    model = GPT(Architecture(layers=6, width=384, heads=6, context=CONTEXT, vocabulary=VOCABULARY)).initialise(1).eval()
    model.end_of_text = tokenizer.end_of_text
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 2:
                p.mul_(3)
    hf.write(model, folder, content, tokenizer.end_of_text, "bench/evaluate.py")
    return model, tokenizer


Answers = list[list[tuple[float, bool]]]


def by_us(model: GPT, tokenizer: Tokenizer, items: list[Item]) -> Answers:
    """From texts; the boundary as lm-eval has it: what the whole has behind as many tokens as the context alone has."""
    asked: list[Asked] = []
    places: list[list[int]] = []  # of each item its requests: one, or one a choice where contexts differ
    for item in items:
        of_item: dict[str, list[str]] = {}
        for context, continuation in item.pairs:
            of_item.setdefault(context, []).append(continuation)
        places.append(list(range(len(asked), len(asked) + len(of_item))))
        for context, continuations in of_item.items():
            before = tuple(tokenizer.encode(context))
            wholes = [tokenizer.encode(context + continuation) for continuation in continuations]
            asked.append(Asked(before, tuple(tuple(whole[len(before) :]) for whole in wholes)))
    answers = likelihoods(model, asked)
    return [[(one.total, one.greedy) for place in of for one in answers[place]] for of in places]


def by_lm_eval(harness: Any, items: list[Item]) -> Answers:
    from lm_eval.api.instance import Instance

    requests = [
        Instance("loglikelihood", {}, pair, n, (f"{n}", n, 1)) for n, item in enumerate(items) for pair in item.pairs
    ]
    found = iter(harness.loglikelihood(requests, disable_tqdm=True))
    return [[next(found) for _ in item.pairs] for item in items]


def differences(model: GPT, tokenizer: Tokenizer, items: list[Item], ours: Answers, theirs: Answers) -> list[float]:
    """By how much each total differs. Where that is too much, ours is that of a pass in float64: or an error."""
    found = []
    for item, row, other in zip(items, ours, theirs, strict=True):
        for (context, continuation), (p, _), (q, _) in zip(item.pairs, row, other, strict=True):
            found.append(abs(p - q))
            if found[-1] > TOLERANCE:
                length = len(tokenizer.encode(context))
                line = torch.tensor([tokenizer.encode(context + continuation)])
                exact = copy.deepcopy(model).double()
                with torch.inference_mode():
                    laws = exact(line[:, :-1])[0, length - 1 :].log_softmax(-1)
                judged = float(laws.gather(1, line[0, length:, None]).sum())
                assert abs(p - judged) <= TOLERANCE, (context, continuation, p, q, judged)
    return found


def accuracies(items: list[Item], answers: Answers) -> tuple[float, float]:
    """By the sum, and by the sum a byte of the continuation (lm-eval's acc and acc_norm); LAMBADA's is greedy."""
    by_sum, by_byte = [], []
    for item, row in zip(items, answers, strict=True):
        if item.gold is None:
            by_sum.append(row[0][1])
            by_byte.append(row[0][1])
            continue
        sizes = [len(continuation.encode()) for _, continuation in item.pairs]
        by_sum.append(max(range(len(row)), key=lambda n: row[n][0]) == item.gold)
        by_byte.append(max(range(len(row)), key=lambda n: row[n][0] / sizes[n]) == item.gold)
    return sum(by_sum) / len(items), sum(by_byte) / len(items)


def seconds(work: Callable[[], Answers]) -> tuple[float, Answers]:
    began = time.process_time()
    answers = work()
    return time.process_time() - began, answers


def measured(model: GPT, tokenizer: Tokenizer, harness: dict[int, Any], items: list[Item]) -> dict[str, Any]:
    """Both ways over the same items: speeds, differences, accuracies. AssertionError where an accuracy differs."""
    ours, answers = seconds(lambda: by_us(model, tokenizer, items))
    theirs, apart = {}, [0.0]
    for size, by in harness.items():
        took, wanted = seconds(lambda by=by: by_lm_eval(by, items))  # type: ignore[misc]
        theirs[size] = took
        apart = differences(model, tokenizer, items, answers, wanted)
        assert accuracies(items, answers) == accuracies(items, wanted), size
    return {
        "items": len(items),
        "tokens": sum(len(tokenizer.encode("".join(item.pairs[0]))) for item in items) / len(items),
        "lm_eval_items_a_second": {size: len(items) / took for size, took in theirs.items()},
        "ours_items_a_second": len(items) / ours,
        "ratio": min(theirs.values()) / ours,
        "differ_by": max(apart),
        "over": sum(difference > TOLERANCE for difference in apart),
        "accuracy": accuracies(items, answers),
    }


HEAD = f"{'task':10}{'K':>3} {'examples':12}{'items':>6}{'tokens':>8}{'lm-eval':>9}{'of 8':>9}{'ours':>9}{'ratio':>7}"
HEAD += f"{'differ by':>11}{'over':>5}{'acc':>6}{'a byte':>8}"


def told(row: dict[str, Any]) -> str:
    """A row of the table; speeds in items a CPU second."""
    speeds = row["lm_eval_items_a_second"]
    of_8 = f"{speeds[8]:9.2f}" if 8 in speeds else f"{'':9}"
    return (
        f"{row['task']:10}{row['shots']:3} {row['examples']:12}{row['items']:6}{row['tokens']:8.0f}{speeds[1]:9.2f}"
        f"{of_8}{row['ours_items_a_second']:9.2f}{row['ratio']:7.2f}{row['differ_by']:11.1e}{row['over']:5}"
        f"{row['accuracy'][0]:6.2f}{row['accuracy'][1]:8.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--items", type=int, default=100, help="at K = 0")
    parser.add_argument("--few-shot-items", type=int, default=24, help="with solved examples; half as many drawn each")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data")
    given = parser.parse_args()
    try:
        from lm_eval.models.huggingface import HFLM
    except ImportError as error:
        sys.exit(f"lm-evaluation-harness is not here ({error}): pip install lm-eval accelerate, then again")
    folder = given.data / "benchmarks/llm-foundry"
    if not folder.is_dir():
        sys.exit(f"there are no benchmarks at {folder}: give --data")
    torch.set_num_threads(1)
    ways = {"none": given.items, "once a task": given.few_shot_items, "each item": given.few_shot_items // 2}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        by_task = {name: items_of(folder, task) for name, task in TASKS.items()}
        model, tokenizer = made_model(Path(scratch), [one.solved for items in by_task.values() for one in items])
        harness = {size: HFLM(pretrained=scratch, device="cpu", batch_size=size, max_length=CONTEXT) for size in (1, 8)}
        measured(model, tokenizer, harness, prompted(by_task["COPA"], 4, 0, False))  # warms up
        print(HEAD)
        for examples, count in ways.items():
            for name, task in TASKS.items():
                shots = 0 if examples == "none" else task.shots
                items = prompted(by_task[name], count, shots, examples == "each item")
                by = harness if shots == 0 else {1: harness[1]}
                row = {"task": name, "shots": shots, "examples": examples}
                rows.append(row | measured(model, tokenizer, by, items))
                print(told(rows[-1]), flush=True)
    for examples in ways:
        ratios = [row["ratio"] for row in rows if row["examples"] == examples]
        print(f"{examples}: {min(ratios):.2f} to {max(ratios):.2f} times lm-eval's items a CPU second")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "evaluate.json").write_text(json.dumps({"torch": torch.__version__, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
