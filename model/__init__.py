"""The GPT: a PyTorch package that stands alone (imports nothing of ours, no Prefect, no Spark).

Torch-free, safe to import anywhere: `config`, `presets`, `windows` (numpy only), this file.
Everything else imports torch. Start a training with `python -m model.train run.yaml`, or
`torchrun --nproc-per-node 8 -m model.train run.yaml`.
"""

# Enters fingerprints in place of this package's source: raise it by hand when the same run.yaml would train
# other weights or evaluate to other numbers. A mended log line must not throw away two weeks of training.
MODEL_VERSION = 1
