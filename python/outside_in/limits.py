"""How much a run may take; `profiles.yml` says the same to dbt."""

from __future__ import annotations

import os

import duckdb


def memory_limit() -> str:
    """DuckDB's memory limit, as DuckDB writes sizes; what does not fit is spilled to disk."""
    return os.environ.get("OUTSIDE_IN_MEMORY", "6GB")


def wrong_limit() -> str:
    """What is wrong with the limits that the environment sets, and what to do; empty where nothing is."""
    threads = os.environ.get("OUTSIDE_IN_THREADS", "2")
    if not threads.isdecimal() or int(threads) < 1:
        return f"OUTSIDE_IN_THREADS is {threads!r}; set it to a whole number of at least 1"
    try:
        duckdb.connect(config={"memory_limit": memory_limit()}).close()
    except duckdb.Error:
        return f"OUTSIDE_IN_MEMORY is {memory_limit()!r}; set it to a size like 6GB"
    return ""
