"""A pipeline for what was found in a folder, as commented YAML: sources, fields, and a model that suits the text."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from flows.size import size
from tasks.sources.sniff.folder import Group, Strange, plain

BYTES_A_TOKEN = 4  # of English text in a vocabulary of 30,000; fewer in one of 4,096 (3.3 of the demo's)
EPOCHS = 4  # Muennighoff et al. (2023): up to 4 epochs change the loss by next to nothing
TOKENS_A_WEIGHT = 20  # Hoffmann et al. (2022), section 3: of a compute-optimal model
LITTLE = 1 << 20  # bytes of text on each side below which a classifier learns too little

UPDATES = 1000  # at least, so that a schedule has room: a small budget takes smaller batches
SMALLEST = 4096  # tokens of a batch

# For one GPU: weights without embeddings (12 x layers x width^2), the keys, tokens of a batch at most. The first three
# are GPT-3's shape made small.
SHAPES = [
    (3_145_728, "preset: gpt3-small, layers: 4, width: 256, heads: 4, context: 512", 32_000),
    (10_616_832, "preset: gpt3-small, layers: 6, width: 384, heads: 6, context: 512", 64_000),
    (25_165_824, "preset: gpt3-small, layers: 8, width: 512, heads: 8, context: 1024", 128_000),
    (84_934_656, "preset: gpt3-small", 500_000),
    (301_989_888, "preset: gpt3-medium", 500_000),
]
ONE_MINUTE = 600_000  # tokens of the preset demo that two cores learn from in a minute


@dataclass(frozen=True)
class Machine:
    """What trains the model."""

    gpu: bool

    @property
    def words(self) -> str:
        return "one GPU" if self.gpu else "this computer's cores, in a minute or two"


def names_of(groups: list[Group]) -> list[str]:
    """A name for each source, by its folder, or what its files are called."""
    names: list[str] = []
    for group in groups:
        one = re.sub(r"[^a-z0-9]+", "-", (group.top or group.files[0].parent.name).lower()).strip("-") or group.kind
        more = [one, f"{one}-{group.kind}", *(f"{one}-{group.kind}-{number}" for number in range(2, len(groups) + 2))]
        names.append(next(name for name in more if name not in names))
    return names


def written(title: str, command: str, groups: list[Group], strange: list[Strange], where: str, machine: Machine) -> str:
    """The YAML. `where` stands before the patterns, which are relative to the folder; `command` is what made it."""
    names = names_of(groups)
    text = sum(group.text_bytes for group in groups)
    lines = [
        f"# Written by `{command}`, to be edited. docs/configuration.md lists every key.",
        f"#   millrace plan {title}.yaml     what a run would do",
        f"#   millrace run {title}.yaml      build it: the corpus, a tokenizer, a model, the report",
        "store: ./store",
        "seed: 1",
        f"validation: {0.05 if text < 20e6 else 0.01}                # share of documents held out",
        "sources:                        # in priority order: what an earlier one holds, a later one loses",
    ]
    for name, group in zip(names, groups, strict=True):
        lines += _source(name, group, where)
    if strange:
        lines.append(f"  # read by no source: {len(strange):,} files more; `{command}` says why")
    lines += _quality(names, groups)
    lines += [
        "# keep: {heuristics: {preset: gopher}}     # rules on what is counted of a document, such as its words",
        "dedup: {preset: modern}         # near copies leave, the first one stays",
        "# benchmarks:                    # what models are asked, and what leaves the training text for it",
        "#   two-digit-addition: {generate: two-digit-addition, items: 100}",
        *_learning(text, machine),
        "# evaluate: {tasks: [{task: two-digit-addition, shots: 0}]}     # `millrace tasks` lists them",
    ]
    if len(groups) > 1:
        weights = ", ".join(f"{name}: 1" for name in names[:4])
        lines.insert(-1, f"# mixture: {{{weights}}}     # weights; absent: each source by the tokens that it holds")
    return "\n".join(lines) + "\n"


def _source(name: str, group: Group, where: str) -> list[str]:
    files = [_quoted(f"{where}{pattern}") for pattern in group.patterns]
    keys = [f"kind: {group.kind}"]
    keys.append(f"files: {files[0] if len(files) == 1 else '[' + ', '.join(files) + ']'}")
    told = [f"{len(group.files):,} file{'s' * (len(group.files) > 1)}, about {size(round(group.text_bytes))} of text"]
    fields = group.fields
    if fields is not None:
        keys += [f"text: {_quoted(fields.text)}"] if fields.text != "text" else []
        keys += [f"{key}: {_quoted(value)}" for key, value in (("id", fields.id), ("url", fields.url)) if value]
        told += [f"other fields of text: {', '.join(fields.others[:5])}"] if fields.others else []
        told += [f"dates stand in {fields.date}, which is not read"] if fields.date else []
    told_plain = "; ".join(re.sub(r"[^\x20-\x7e\xa0-\ud7ff]", "?", one) for one in told)
    return [f"  # {told_plain}", f"  {name}: {{{', '.join(keys)}}}"]


def _quality(names: list[str], groups: list[Group]) -> list[str]:
    """A classifier learns from pages of a crawl beside texts of another kind; without both there is none."""
    raw = [name for name, group in zip(names, groups, strict=True) if group.kind == "warc"]
    good = [name for name in names if name not in raw]
    if not raw or not good:
        return []
    by_name = dict(zip(names, groups, strict=True))
    enough = all(sum(by_name[name].text_bytes for name in side) >= LITTLE for side in (raw, good))
    line = f"quality: {{good: [{', '.join(good)}], raw: [{', '.join(raw)}]}}"
    if enough:
        return [f"{line}     # pages of the crawl stay if they read like the good ones"]
    return [f"# {line}     # for more text than this: pages stay if they read like the good ones"]


def _learning(text: float, machine: Machine) -> list[str]:
    """Tokenizer and model, by bytes of text and what trains them."""
    held = max(1, int(text / BYTES_A_TOKEN))
    about = f"# about {size(round(text))} of text, {_count(held)} tokens"
    if machine.gpu:
        return [
            about,
            f"tokenizer: {{vocabulary: {_vocabulary(text)}}}",
            "models:",
            f"  small: {{{_on_gpu(held)}}}     # {TOKENS_A_WEIGHT} tokens for each weight, or {EPOCHS} epochs",
        ]
    tokens = max(4096, min(ONE_MINUTE, EPOCHS * held))
    return [
        about,
        "tokenizer: {vocabulary: 4096, sample: 8M}",
        "models:",
        f"  small: {{preset: demo, tokens: {_count(tokens)}}}     # to see it work: a minute on two cores",
        f"  # on a GPU, with vocabulary: {_vocabulary(text)}: {{{_on_gpu(held)}}}",
    ]


def _on_gpu(held: int) -> str:
    """The keys of a model that a GPU trains on so many tokens of text."""
    weights, keys, most = _shape(held)
    budget = max(1 << 17, min(TOKENS_A_WEIGHT * weights, EPOCHS * held))
    batch = max(SMALLEST, min(most, budget // UPDATES // 1024 * 1024))
    start = ", batch_start: null" if batch <= 32_000 else ""  # GPT-3's begins with 32,000
    return f"{keys}, tokens: {_count(budget)}, batch: {batch}{start}"


def _shape(held: int) -> tuple[int, str, int]:
    """The largest shape whose budget the text can give in EPOCHS epochs; the smallest where it can give none."""
    fitting = [shape for shape in SHAPES if TOKENS_A_WEIGHT * shape[0] <= EPOCHS * held]
    return fitting[-1] if fitting else SHAPES[0]


def _vocabulary(text: float) -> int:
    """More words than a text can fill are never learned."""
    return 4096 if text < 20e6 else 16384 if text < 1e9 else 32768


def _count(number: int) -> str:
    for scale, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= 10 * scale:
            return f"{number // scale}{letter}"
    return str(number) if number < 10_000 else f"{number / 10**6:.1f}M"


def _quoted(text: str) -> str:
    """As YAML's double-quoted string, which JSON's is but for characters that YAML takes only escaped."""
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", _escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def relative(folder: Path, base: Path | None) -> str:
    """What stands before the patterns: the folder from `base`, or its absolute path; "" for itself."""
    if folder == base:
        return ""
    inside = base is not None and base in folder.parents
    return f"{plain(folder.relative_to(base).as_posix() if inside and base else folder.as_posix())}/"
