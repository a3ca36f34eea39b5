"""A company's raw tables, made up: customers who visit, buy, wait, fail, call, complain, stay or leave.

`generate` writes every table of the contract and, beside the folder, what was planted in it. Where to look:

- `world`: places, topics, pages, staff, and the plan of what is planted
- `people`, `commerce`, `web`, `marketing`, `support`, `surveys`: what customers do
- `company`: the tables that are there without customers
- `damage`: what goes wrong on the way; `truth`: what is written down about it all
- `writer`: columns, and their way into files
"""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from outside_in.contract import raw_tables
from outside_in.sample import (
    commerce,
    company,
    damage,
    marketing,
    people,
    support,
    surveys,
    truth,
    web,
    world,
    writer,
)
from outside_in.sample.world import World
from outside_in.sample.writer import Frame

__all__ = ["SampleSummary", "generate"]

_WEB_ROWS_PER_CHUNK = 600_000  # bounds memory: less than half a gigabyte per process
_WORKERS = 2


@dataclass(frozen=True)
class SampleSummary:
    """What was written: rows per table (all files), the folder, and the file that tells what was planted."""

    out: Path
    truth_path: Path
    rows: dict[str, int]

    @property
    def total_rows(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


def generate(
    out: Path,
    *,
    customers: int = 2000,
    days: int = 365,
    scale: float = 1.0,
    seed: int = 7,
    end: date = date(2026, 6, 30),
    progress: Callable[[float, str], None] | None = None,
) -> SampleSummary:
    """Write the raw tables of an invented company into `out`, and what was planted into `<out>.truth.json`.

    The same arguments give the same rows. Big samples are drawn in chunks of customers by two processes; a
    script that asks for one has to protect its entry point (`if __name__ == "__main__":`).

    Args:
        out: the raw folder; one that this function has written before is replaced.
        customers: number of customers; about half as many visitors again stay unknown.
        days: length of the period, which ends with `end`.
        scale: activity per customer on the web and in advertising; issues grow with its root, orders not.
        seed: of all chance.
        end: the last day that has rows.
        progress: called with the share done (0..1) and a few words.

    Returns:
        Rows per table and where to find the truth.

    Raises:
        ValueError: a size that cannot be.
        FileExistsError: `out` holds files that are not this function's.
    """
    plan = world.build(customers=customers, days=days, scale=scale, seed=seed, end=end)
    truth_path = out.with_name(out.name + ".truth.json")
    _clear(out, truth_path)
    tell = progress or (lambda share, text: None)
    rows: Counter[str] = Counter()
    planted: dict[str, Counter[str]] = {name: Counter() for name in raw_tables()}
    facts: list[truth.Facts] = []
    tasks = [(plan, out, chunk, first, count) for chunk, (first, count) in enumerate(_chunks(plan))]
    for done, result in enumerate(_run(tasks), start=1):
        rows.update(result.rows)
        for name, counts in result.planted.items():
            planted[name].update(counts)
        facts.append(result.facts)
        tell(done / (len(tasks) + 1), f"{min(done * tasks[0][4], customers):,} customers")
    company_rows, company_planted = _write(plan, out, -1, {k: [v] for k, v in company.tables(plan).items()})
    rows.update(company_rows)
    for name, counts in company_planted.items():
        planted[name].update(counts)
    for name, extra in truth.write_csv_files(plan, out).items():
        rows[name] += extra
    found = truth.collect(plan, facts, planted, {name: rows[name] for name in raw_tables()})
    truth_path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    tell(1.0, "done")
    return SampleSummary(out, truth_path, {name: rows[name] for name in raw_tables()})


@dataclass(frozen=True)
class _Result:
    rows: dict[str, int]
    planted: dict[str, Counter[str]]
    facts: truth.Facts


_Task = tuple[World, Path, int, int, int]


def _chunks(plan: World) -> Iterator[tuple[int, int]]:
    """First customer and number of customers of each chunk."""
    per_customer = max(1.0, 115.0 * plan.scale * plan.days / 365)
    size = int(np.clip(_WEB_ROWS_PER_CHUNK / per_customer, 50, 20_000))
    for first in range(0, plan.customers, size):
        yield first, min(size, plan.customers - first)


def _run(tasks: list[_Task]) -> Iterator[_Result]:
    if len(tasks) < 2 * _WORKERS:
        yield from map(_chunk, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_WORKERS, mp_context=context) as pool:
        yield from pool.map(_chunk, tasks)


def _chunk(task: _Task) -> _Result:
    """Everything some customers do, from who they are to what they answer, written and counted."""
    plan, out, chunk, first, count = task
    crowd = people.draw(plan, chunk, first, count)
    orders = commerce.draw(plan, crowd)
    returns = commerce.draw_returns(plan, crowd, orders)
    visits = web.everyday(plan, crowd, orders)
    asking, contacts = support.issues(plan, crowd, orders, returns, visits)
    visits = marketing.with_campaigns(plan, crowd, web.join([visits, asking]))
    service, service_tables = support.serve(plan, crowd, orders, contacts)
    said = surveys.tables(plan, crowd, orders, contacts, service, visits)
    tables: dict[str, list[Frame]] = {
        name: [frame]
        for name, frame in {
            **people.tables(plan, crowd),
            **commerce.tables(plan, crowd, orders, returns),
            "quality_reviews": support.quality_reviews(plan, crowd, contacts, service),
            "ad_events": marketing.ad_events(plan, crowd, visits),
        }.items()
    }
    for part in (service_tables, said):
        for name, frames in part.items():
            tables[name] = tables.get(name, []) + frames
    facts = truth.observe(plan, crowd, orders, contacts, visits)
    tables["web_events"] = [web.events(plan, crowd, orders, visits)]
    rows, planted = _write(plan, out, chunk, tables)
    return _Result(rows, planted, facts)


def _write(
    plan: World, out: Path, chunk: int, tables: dict[str, list[Frame]]
) -> tuple[dict[str, int], dict[str, Counter[str]]]:
    rows, planted = {}, {}
    for place, (name, table) in enumerate(raw_tables().items()):
        if name not in tables:
            continue
        rng = plan.rng(chunk % 1_000_003, 100 + place)
        frame = tables[name][0] if len(tables[name]) == 1 else writer.stack(tables[name])
        latest = damage.land(plan, table, frame, rng)
        frames, gone, planted[name] = damage.plant(plan, table, frame, latest, rng)
        rows[name] = writer.write(out / name / f"part-{max(chunk, 0):05d}.parquet", table, frames)
        if gone is not None:
            rows[name] += writer.write(out / name / f"deleted-{chunk:05d}.parquet", table, [gone])
        tables[name] = []
    return rows, planted


def _clear(out: Path, truth_path: Path) -> None:
    """Remove what an earlier run wrote; leave anything else alone and say so."""
    if out.exists() and truth_path.exists():
        for name in raw_tables():
            for pattern in ("part-*.parquet", "deleted-*.parquet", *truth.CSV_FILES):
                for file in (out / name).glob(pattern):
                    file.unlink()
    left = next((path for path in out.rglob("*") if path.is_file()), None) if out.exists() else None
    if left is not None:
        raise FileExistsError(f"{left} was not written by the sample generator: choose an empty folder, or remove it")
    truth_path.unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
