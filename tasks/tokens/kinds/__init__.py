"""Kinds of tokenizers: what each takes for a word, what it learns from counted words, and the files that say it."""
