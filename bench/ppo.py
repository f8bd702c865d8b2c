"""PPO's episodes a second beside a plain PyTorch loop over transformers' generate, same model, same update arithmetic.

    python bench/ppo.py [--size demo|small|large] [--rounds 3] [--iterations 2]

The baseline is what one writes first: `generate` with sampling for a batch that is padded at the left, one pass of the
whole sequences for the policy's, the start's and the value network's numbers, GAE in a loop, then minibatches through
AdamW (fused). It has no checkpoints, metrics or pretraining windows; ours has the first two, and gamma 0. Both have the
same weights (model/hf.py's mapping), prompts, lengths, minibatches, losses and number of updates, float32 and one
thread. Three kinds of answers: all as long as the limit; such that end by themselves (at a fortieth of all tokens), the
limit being near their mean; and these under a limit four times as long, as limits mostly are (InstructGPT's is 1,024
tokens), where the baseline carries every row to the end of the longest. Each way is a process of its own and takes
its turn; CPU seconds are of all threads, and count; wall time is printed beside. Writes bench/results/ppo.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from model import ppo
from model.config import Architecture
from model.gpt import GPT
from model.hf import tensors_of
from model.machine import Machine
from model.ppo_inputs import each, in_epochs
from model.ppo_keys import PPO

SIZES = {  # layers, width, heads, vocabulary, context; batch, minibatch; prompts' tokens, fewest and most; answer's
    "demo": (4, 128, 4, 4096, 256, 64, 16, 8, 40, 48),
    "small": (2, 64, 2, 257, 256, 128, 32, 4, 24, 32),
    "large": (6, 512, 8, 8192, 256, 32, 8, 16, 64, 48),
}
KINDS = ("to the limit", "near the limit", "far below it")  # answers
END, LR, BETA, LAMBDA, CLIP, SHARE = 0, 1e-5, 0.02, 0.95, 0.2, 0.1


def given(size: str, kind: str) -> tuple[GPT, list[list[int]], PPO, int]:
    """Model, prompts, keys, and the token that ends an answer: drawn once in forty, or never."""
    ends = kind != KINDS[0]
    layers, width, heads, vocabulary, context, batch, mini, fewest, most, answer = SIZES[size]
    answer *= 4 if kind == KINDS[2] else 1
    model = GPT(Architecture(layers=layers, width=width, heads=heads, vocabulary=vocabulary, context=context))
    model.initialise(1).eval()
    if ends:  # all states lean a little towards one token
        with torch.no_grad():
            model.norm.bias.add_(torch.randn(width, generator=torch.Generator().manual_seed(2)))
            lean = model.norm.bias / model.norm.bias.norm() ** 2
            model.tokens.weight[END] = lean * torch.tensor(vocabulary / 40.0).log()
    draw = torch.Generator().manual_seed(3)
    lengths = torch.randint(fewest, most + 1, (batch,), generator=draw).tolist()
    prompts = [torch.randint(1, vocabulary, (n,), generator=draw).tolist() for n in lengths]
    k = PPO(episodes=batch * 100, batch=batch, minibatch=mini, answer_tokens=answer, gamma=0, learning_rate=LR,
            value_learning_rate=LR, warm_up=0, micro_batch=8, threads=1, device="cpu",
            checkpoint_every=10**6)  # fmt: skip
    return model, prompts, k, END if ends else -1


def reward(prompt: list[int], answer: list[int]) -> float:
    return sum(token % 2 for token in answer) / len(answer)


class Enough(Exception):
    """The iterations that were asked are done."""


def ours(size: str, kind: str, iterations: int) -> list[tuple[float, float, int]]:
    """Clocks after each iteration (wall, CPU), and its answers' tokens."""
    model, prompts, k, end = given(size, kind)
    read: list[tuple[float, float, int]] = [(*clocks(), 0)]

    def written(self, row, *more):
        read.append((*clocks(), round(row["answer_tokens"] * k.batch)))
        if len(read) > iterations:
            raise Enough

    ppo.Metrics.write = written
    with tempfile.TemporaryDirectory() as out, suppress(Enough):
        ppo.train(Path(out), k, model, in_epochs(prompts, 1), each(reward), end, Machine(k.machine()))
    return read


def clocks() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


def mirrored(model: GPT):
    """transformers' GPT-2 with the same weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    a = model.architecture
    config = GPT2Config(vocab_size=a.vocabulary, n_positions=a.context, n_embd=a.width, n_layer=a.layers,
                        n_head=a.heads, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None,
                        eos_token_id=None)  # fmt: skip
    theirs = GPT2LMHeadModel(config)
    theirs.load_state_dict(tensors_of(model, "GPT2LMHeadModel"), strict=False)
    theirs.tie_weights()
    return theirs.eval()


class TheirValue(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.trunk, self.head = model.transformer, nn.Linear(model.config.n_embd, 1)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens, mask, places):
        states = self.trunk(tokens, attention_mask=mask, position_ids=places).last_hidden_state
        return self.head(states)[..., 0]


def baseline(size: str, kind: str, iterations: int) -> list[tuple[float, float, int]]:
    """As `ours`."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    ours, prompts, k, end = given(size, kind)
    policy, start, value = mirrored(ours), mirrored(ours).requires_grad_(False), TheirValue(mirrored(ours))
    optimizers = [torch.optim.AdamW(m.parameters(), lr=LR, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
                  for m in (policy, value)]  # fmt: skip
    average = {name: parameter.detach().clone() for name, parameter in policy.named_parameters()}
    longest = max(map(len, prompts))
    ids = torch.zeros(len(prompts), longest, dtype=torch.int64)
    seen = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):  # padded at the left, as generate wants it
        ids[row, longest - len(prompt) :], seen[row, longest - len(prompt) :] = torch.tensor(prompt), 1
    read: list[tuple[float, float, int]] = [(*clocks(), 0)]
    for _ in range(iterations):
        with torch.no_grad():
            made = policy.generate(ids, attention_mask=seen, do_sample=True, top_k=0, top_p=1.0, temperature=1.0,
                                   max_new_tokens=k.answer_tokens, eos_token_id=end if end >= 0 else None,
                                   pad_token_id=END)  # fmt: skip
        answers = made[:, longest:]
        ended = (answers == end).int()
        own = (ended.cumsum(1) - ended) == 0  # up to and with the first end
        mask = torch.cat([seen, own.long()], 1)
        places = (mask.cumsum(1) - 1).clamp(min=0)

        def logs_of(model, rows, tokens=made, mask=mask, places=places):
            logits = model(tokens[rows], attention_mask=mask[rows], position_ids=places[rows]).logits
            logs = F.log_softmax(logits[:, longest - 1 : -1], -1)
            return logs.gather(2, tokens[rows][:, longest:, None])[..., 0]

        def values_of(rows, tokens=made, mask=mask, places=places):
            return value(tokens[rows], mask[rows], places[rows])[:, longest - 1 : -1]

        parts = torch.arange(len(made)).split(k.minibatch)
        with torch.no_grad():
            old = torch.cat([logs_of(policy, part) for part in parts])
            first = torch.cat([logs_of(start, part) for part in parts])
            before = torch.cat([values_of(part) for part in parts]) * own
        scores = torch.tensor([reward([], answer[keep].tolist()) for answer, keep in zip(answers, own, strict=True)])
        rewards = -BETA * (old - first) * own
        rewards[torch.arange(len(made)), own.sum(1) - 1] += scores
        gained, after = torch.zeros_like(rewards), torch.zeros(len(made))
        for j in reversed(range(rewards.shape[1])):
            later = before[:, j + 1] if j + 1 < rewards.shape[1] else 0.0
            after = (rewards[:, j] + later - before[:, j] + LAMBDA * after) * own[:, j]
            gained[:, j] = after
        returns = gained + before
        worth = (gained - gained[own].mean()) / (gained[own].std() + 1e-8)
        for rows in torch.randperm(len(made)).split(k.minibatch):
            m, count = own[rows], own[rows].sum()
            ratio = (logs_of(policy, rows) - old[rows]).exp()
            loss = torch.maximum(-worth[rows] * ratio, -worth[rows] * ratio.clamp(1 - CLIP, 1 + CLIP))
            ((loss * m).sum() / count).backward()
            v = values_of(rows)
            kept = torch.clamp(v, before[rows] - CLIP, before[rows] + CLIP)
            squares = torch.maximum((v - returns[rows]) ** 2, (kept - returns[rows]) ** 2)
            (SHARE * 0.5 * (squares * m).sum() / count).backward()
            for network, optimizer in zip((policy, value), optimizers, strict=True):
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            with torch.no_grad():
                for name, parameter in policy.named_parameters():
                    average[name].lerp_(parameter, 1 - 0.992)
        read.append((*clocks(), int(own.sum())))
    return read


WAYS = {"transformers": baseline, "ours": ours}


def measured(name: str, size: str, kind: str, iterations: int) -> list[tuple[float, float, int]]:
    """Wall seconds, CPU seconds and answers' tokens of each iteration but the first, which warms up."""
    command = [sys.executable, __file__, "--way", name, "--size", size, "--iterations", str(iterations), "--kind", kind]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    read = json.loads(told.stdout.splitlines()[-1])
    return [(b[0] - a[0], b[1] - a[1], b[2]) for a, b in pairwise(read[1:])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--size", choices=SIZES, action="append")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(WAYS[asked.way](asked.size[0], asked.kind, asked.iterations)))
        return
    results = {}
    print(f"{'model, answers':<28}{'way':<14}{'episodes/s':>11}{'per CPU s':>11}{'tokens':>8}{'times':>8}{'by CPU':>8}")
    for size in asked.size or ["small", "demo"]:
        for kind in KINDS:
            times: dict[str, list[tuple[float, float, int]]] = {name: [] for name in WAYS}
            for _ in range(asked.rounds):
                for name in WAYS:
                    times[name] += measured(name, size, kind, asked.iterations)
            episodes = SIZES[size][5]
            found = {}
            for name, each_of in times.items():
                wall, cpu, tokens = (statistics.median(one) for one in zip(*each_of, strict=True))
                found[name] = {"wall": episodes / wall, "cpu": episodes / cpu, "tokens": tokens / episodes}
            for name, row in found.items():
                ratios = [row[clock] / found["transformers"][clock] for clock in ("wall", "cpu")]
                title = f"{size}, {kind}"
                print(f"{title:<28}{name:<14}{row['wall']:>11.1f}{row['cpu']:>11.1f}{row['tokens']:>8.1f}"
                      f"{ratios[0]:>8.2f}{ratios[1]:>8.2f}", flush=True)  # fmt: skip
                row |= {"times": ratios[0], "times_by_cpu": ratios[1]}
            results[f"{size}, {kind}"] = found
    out = Path(__file__).parent / "results/ppo.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"torch": torch.__version__, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
