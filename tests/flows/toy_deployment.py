"""The toy DAG (flows_toy.py) as a worker starts it: an entrypoint of a deployment."""

import flows_drive  # noqa: F401  puts the toy in the place of flows/dag

from flows.crawl_to_model import crawl_to_model

__all__ = ["crawl_to_model"]
