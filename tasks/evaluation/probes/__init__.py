"""Bias probes of GPT-3's section 6.2 and InstructGPT's 3.5: what is asked of a model, and what its answers say."""
