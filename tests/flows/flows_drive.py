"""`millrace` with the toy DAG (flows_toy.py) in the place of flows/dag.py; both must be on the path."""

import sys

import flows_toy

import flows

# The toy's module has the doors of both: its report is a page already.
sys.modules["flows.dag"] = flows.dag = flows_toy  # type: ignore[attr-defined]
sys.modules["flows.page"] = flows.page = flows_toy  # type: ignore[attr-defined]

if __name__ == "__main__":  # a spawned worker imports this file too
    from flows.cli import main

    main()
