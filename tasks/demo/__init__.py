"""The demo's input: a crawl, better sources, benchmarks, and what is planted in them."""
