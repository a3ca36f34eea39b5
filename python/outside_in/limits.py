"""How much a run may take; `profiles.yml` says the same to dbt."""

from __future__ import annotations

import os


def memory_limit() -> str:
    """DuckDB's memory limit, as DuckDB writes sizes; what does not fit is spilled to disk."""
    return os.environ.get("OUTSIDE_IN_MEMORY", "6GB")
