"""`millrace` with the toy DAG (flows_toy.py) in the place of flows/dag.py; a program of its own, with both on its path."""

import sys

import flows_toy

import flows

sys.modules["flows.dag"] = flows.dag = flows_toy  # type: ignore[attr-defined]

if __name__ == "__main__":  # a spawned worker imports this file too
    from flows.cli import main

    main()
