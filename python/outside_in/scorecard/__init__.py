"""The scorecard: every attainable KPI with its target, its change and whether that is real, as HTML and in short."""

from __future__ import annotations

from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from outside_in.scorecard.data import Card, Scorecard, read_scorecard
from outside_in.scorecard.page import render

__all__ = ["Card", "Scorecard", "print_scorecard", "read_scorecard", "write_scorecard"]

STYLES = {"better": "green", "worse": "red", "unclear": "dim", "changed": "", "none": "dim"}


def write_scorecard(published: Path, page: Path) -> None:
    """Write the self-contained HTML scorecard of a published database.

    Args:
        published: DuckDB file with schema `marts`.
        page: the HTML file to write.
    """
    draft = page.with_name(f".{page.name}.draft")
    draft.write_text(render(_read(published)), "utf-8")
    draft.replace(page)


def print_scorecard(published: Path, console: Console) -> None:
    """Print the key KPIs as a table, and what to look at."""
    scorecard = _read(published)
    table = Table(title=f"{scorecard.title} · {scorecard.period}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in ("", "value", "before", "change", "target"):
        table.add_column(heading, justify="left" if not heading else "right")
    for card in scorecard.key_cards:
        change = Text(card.change_text, STYLES[card.verdict])
        table.add_row(
            Text(card.name),
            Text(card.value_text, "bold"),
            Text(card.previous_text),
            change,
            Text(card.target_text),
        )
    console.print(table)
    console.print(Text(scorecard.summary, "dim"))


def _read(published: Path) -> Scorecard:
    with duckdb.connect(str(published), read_only=True) as con:
        return read_scorecard(con)
