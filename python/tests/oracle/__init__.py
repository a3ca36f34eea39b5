"""The oracle: every KPI from the raw files in plain Python, written from the KPI dictionary alone.

Where it and the marts disagree, the definition decides which of the two is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from . import (
    availability,
    commerce,
    contacts,
    journey,
    knowledge,
    listening,
    members,
    orders,
    service,
    surveys,
    web,
)
from .raw import World, load
from .rollup import Key, Results, Row

__all__ = ["FAMILIES", "Key", "Results", "Row", "World", "compute", "compute_world", "load"]

FAMILIES = (
    surveys, listening, service, contacts, availability, web, knowledge, commerce, orders, members, journey,
)  # fmt: skip


def compute(raw_dir: Path, vars: dict[str, Any]) -> dict[Key, Row]:
    """Every KPI for every period and member.

    Args:
        raw_dir: folder with one folder of files per raw table.
        vars: dbt vars; those not given take their defaults.

    Returns:
        (kpi_id, period_grain, period_start, dimension_name, dimension_value) to its row.
    """
    return compute_world(load(raw_dir, vars))


def compute_world(world: World, families: Sequence[ModuleType] = FAMILIES) -> dict[Key, Row]:
    """The same for a world that is loaded already, or for some of the families only."""
    results: Results = {}
    for family in families:
        family.compute(world, results)
    return results
