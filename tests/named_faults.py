"""Faults that tests once did not notice, each as a change to the code: (file, what stands there, what is put there).

`make mutants NAMED=1` tries them all: a survivor means that a test was lost. One that no longer finds its place in the
file is an error: mend it with the code.
"""

NAMED: list[tuple[str, str, str]] = [
    # The classifier
    ("tasks/quality/classifier.py", "learn = ~held_out & (weight > 0)", "learn = weight > 0"),
    ("tasks/quality/classifier.py", "choose(x[~held_out], y[~held_out], [_without(side) for side in both], seed)",
     "choose(x, y, both, seed)"),
    ("tasks/quality/strength.py", "(best := min(tried, key", "(best := max(tried, key"),
    ("tasks/quality/strength.py", "parts.append(((x[learn], good[learn]", "parts.append(((x[judge], good[learn]"),
    ("tasks/quality/drawn.py", "return (both / 2)[language] / count[language, good.astype(int)]",
     "return np.ones(len(languages))"),
    ("tasks/quality/classifier.py", 'if preset == "modern" else np.full(len(side), scale)',
     'if preset == "none" else np.full(len(side), scale)'),
    ("tasks/quality/classifier.py", "digits = (draws * 2**20) % 1", "digits = draws"),
    ("tasks/quality/classifier.py", "tenth = np.minimum((score * 10).astype(int), 9)",
     "tenth = (score * 10).astype(int)"),
    ("tasks/quality/logit.py", "np.abs(coefficients).sum())) >= WHOLE", "np.abs(coefficients).sum())) > WHOLE"),
    ("tasks/quality/drawn.py", "yield (urlsplit(url).hostname if url else None) or id", "yield id"),
    ("tasks/quality/harm_classifier.py", '((True, "harmful"), (False, "harmless"))',
     '((False, "harmful"), (True, "harmless"))'),
    # The draw and the conditions
    ("tasks/quality/keep.py", 'u = uniform(table.column("id"), seed, "keep")',
     'u = uniform(table.column("id"), seed, "split")'),
    ("tasks/quality/keep.py", "good, draw, expected = u < probability", "good, draw, expected = u <= 1 - probability"),
    ("tasks/quality/keep.py", "in_languages = place.is_valid().to_numpy() & sure", "in_languages = sure"),
    ("tasks/quality/keep.py", "good = score >= np.float32(threshold)", "good = score > np.float32(threshold)"),
    ("tasks/quality/pii.py", "int((counts[name] > 0).sum())", "int((counts[name] >= 0).sum())"),
    ("tasks/quality/told.py", "if not stays(values, limits)[0]:", "if stays(values, limits)[0]:"),
    # Deduplication
    ("tasks/dedup/signatures.py", "int((shingles == 0).sum())", "int((shingles == -1).sum())"),
    ("tasks/dedup/chances.py", "(1 - (1 - wanted) ** (1 / bands)) / threshold**rows",
     "(1 - (1 + wanted) ** (1 / bands)) / threshold**rows"),
    # Decontamination
    ("tasks/decontaminate/grams.py", "uniform(ids, seed or 0,", "uniform(ids, seed or 1,"),
    ("tasks/decontaminate/cuts.py", "kept_bytes=int((size - gone)[keep].sum())", "kept_bytes=int(size[keep].sum())"),
    ("tasks/decontaminate/cuts.py", "_touched(hits, shard, each, kept) if name != rule",
     "_touched(hits, shard, each, kept) if name == rule"),
    # Windows and learning rate
    ("model/windows.py", "(stream.tokens - 1) // self.context, streams)", "stream.tokens // self.context, streams)"),
    ("model/windows.py", "(stream.tokens - 1) // self.context, streams)",
     "(stream.tokens - 2) // self.context, streams)"),
    ("model/windows.py", "if stream.tokens < self.context + 1:", "if stream.tokens < self.context:"),
    ("model/windows.py", "if stream.tokens < self.context + 1:", "if stream.tokens < self.context + 2:"),
    ("model/windows.py", "for r in range(8))", "for r in range(2))"),
    ("model/windows.py", "for r in range(8))", "for r in range(3))"),
    ("model/windows.py", "[self.seed, self.groups[g].name, epoch]", "[self.seed, epoch]"),
    ("model/windows.py", "[self.seed, self.groups[g].name, epoch]", "[self.seed, self.groups[g].name]"),
    ("model/held_out.py", "if not (1 <= tokens <= context", "if not (2 <= tokens <= context"),
    ("model/held_out.py", "self.stream.read(window.start - 1, window.tokens + 1)",
     "self.stream.read(window.start, window.tokens)"),
    ("model/loop.py", "tokens if t.tokens is not None else step + 1)",
     "i * p.data.context if t.tokens is not None else step)"),
    ("model/config.py", "t.learning_rate * position / t.warm_up", "t.learning_rate * (position + 1) / t.warm_up"),
    # Damaged archives
    ("tasks/sources/input/forms.py",
     'raise Broken("truncated", f"the file ends inside the gzip member at byte {offset}")', "return"),
    ("tasks/sources/archive/framing.py", "if begin - start > BLANKS:", "if begin - start > 4 * BLANKS:"),
    ("tasks/sources/archive/framing.py", "oversized = head.size > self.limits.block",
     "oversized = head.size >= self.limits.block"),
    ("tasks/sources/archive/framing.py", "position, limit = end, end + BLANKS", "position, limit = end, end + 2"),
    # Shuffles, scratch, pools
    ("tasks/runtime/shuffle.py", "order[tied] = rows[np.lexsort(bits[::-1])]", "pass"),
    ("tasks/runtime/shuffle.py", "unhashed(in_order(pa.concat_tables(parts)))", "unhashed(pa.concat_tables(parts))"),
    ("tasks/runtime/scratch.py", "        yield folder\n    finally:\n        _remove(folder)",
     "        yield folder\n    finally:\n        pass"),
    ("tasks/runtime/scratch.py", "            if lock is not None:\n                _remove(top / name)",
     "            if lock is not None:\n                pass"),
    ("tasks/runtime/engine.py", "self._pool = pool = self._pool or Pool(self.workers)", "pool = Pool(self.workers)"),
    ("tasks/runtime/pool.py", "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n", ""),
    ("tasks/runtime/pool.py", "    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)\n", ""),
    ("tasks/report/histogram.py", "while (high >> wider) - (low >> wider) >= BINS:",
     "while (high >> wider) - (low >> wider) > BINS:"),
]  # fmt: skip
