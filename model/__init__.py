"""The GPT: a PyTorch package that stands alone (imports nothing of ours, no Prefect, no Spark).

    what a model is     config (torch-free keys), presets (the papers'), gpt (the trunk), attention, dropout, heads,
                        chunked_loss
    what it reads       run (run.yaml), files (a folder, or a bucket through a cache), tokenizer, token_shards (files as
                        streams), windows (tokens by number), held_out (what is validated on, and how sure a loss is),
                        steps (which window, and step, read which tokens), data (what the loop asks of windows, or of
                        anything else that has rows)
    how it learns       train (puts the parts together), loop, objectives, optimiser, machine (rank, device), sharded
                        (a model divided over ranks), allocator, micro_batch, metrics
    how it survives     checkpoint, mirror (checkpoints below the store), resume (the newest that is whole),
                        divergence (what is no success), rewind (past a spike)
    what it says        score (losses of windows), likelihood (of answers), prefixes (what texts have in common is read
                        once), sampling, beams, reader (a cache of one prompt's texts), rows (of many prompts'),
                        generate, speculative, likeliest, look (a page of attention)
    in and out          hf (folders of transformers; neo, how GPT-Neo holds ours), to_gguf

Torch-free, safe to import anywhere: this file, config, presets, run, files, token_shards, windows, held_out. Start a
training with `python -m model.train run.yaml`, or `torchrun --nproc-per-node 8 -m model.train run.yaml`.
"""

# Enters fingerprints in place of this package's source: raise it by hand when the same run.yaml would train
# other weights or evaluate to other numbers. A mended log line must not throw away two weeks of training.
MODEL_VERSION = 3
