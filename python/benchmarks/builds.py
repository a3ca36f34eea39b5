"""Builds of growing companies, from nothing and of a day: seconds, CPU, memory, and how far that is from the least.

The floor is bare DuckDB on the same files: one scan of every value, one sort of the web events by person and time,
and writing the published marts in both forms. It runs right after each build, with the same threads and memory, so
ratios carry over to other machines; seconds do not. A day's run follows: the files of one more day arrive, all tables'
rows of it. Samples stay in the output folder and are not made again.

    python -m benchmarks.builds --events 1000000 10000000 --out .outside-in/benchmarks
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import pandas as pd

from outside_in.contract import raw_tables
from outside_in.paths import Output
from outside_in.sample import generate

# Of the sample's default company; everything but the plant's own tables grows with the number of customers.
EVENTS_PER_CUSTOMER = 117
SLOWEST = 10


def main() -> None:
    """Measure what the arguments name; print tables, write JSON and a chart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000], help="numbers of web events")
    parser.add_argument("--memory", default="6GB", help="DuckDB's limit; the process takes about 1 GB more")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--out", type=Path, default=Path(".outside-in/benchmarks"))
    parser.add_argument("--floor", nargs=2, type=Path, metavar=("RAW", "OUT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.floor:
        print(json.dumps(floor(arguments.floor[0], arguments.floor[1], arguments.memory, arguments.threads)))
        return
    os.environ |= {"OUTSIDE_IN_MEMORY": arguments.memory, "OUTSIDE_IN_THREADS": arguments.threads}
    results: list[dict[str, Any]] = []
    for events in sorted(arguments.events):
        results.append(measure(events, arguments.out, ["--memory", arguments.memory, "--threads", arguments.threads]))
        print(report(results), flush=True)
    (arguments.out / "builds.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    chart(results).save(arguments.out / "builds.svg")
    print(f"written: {arguments.out / 'builds.json'}, {arguments.out / 'builds.svg'}")


def measure(events: int, out: Path, limits: list[str]) -> dict[str, Any]:
    """One size: its sample, a build from nothing, the floor, and the run of one more day."""
    raw, day, output = out / f"raw-{events}", out / f"day-{events}", Output(out / f"build-{events}")
    if not raw.exists():
        draft = out / f"draft-{events}"
        generate(draft, customers=max(events // EVENTS_PER_CUSTOMER, 1)).truth_path.unlink()
        hold_back_a_day(draft, day)
        draft.rename(raw)
    shutil.rmtree(output.root, ignore_errors=True)
    build, steps, nodes = watched_build(raw, output)
    printed, least = watched(
        [sys.executable, "-m", "benchmarks.builds", *limits, "--floor", str(raw), str(output.root)],
    )
    floor_steps = json.loads(printed)
    with duckdb.connect() as con:
        rows = con.execute(f"select sum(rows) from ({_row_counts(raw)})").fetchall()[0][0]
        web = con.execute(f"select count(*) from '{raw}/web_events/*.parquet'").fetchall()[0][0]
        day_rows = con.execute(f"select sum(rows) from ({_row_counts(day)})").fetchall()[0][0]
    day_build, day_steps, day_nodes = arrived_build(raw, day, output)
    floor_seconds = sum(floor_steps.values())
    return {
        "events": int(web),
        "rows": int(rows),
        **build,
        "rows_per_second": rows / build["seconds"],
        "steps": steps,
        "floor_seconds": floor_seconds,
        "floor_cpu_seconds": least["cpu_seconds"],
        "floor_steps": floor_steps,
        "ratio": build["seconds"] / floor_seconds,
        "cpu_ratio": build["cpu_seconds"] / least["cpu_seconds"],
        "nodes": nodes,
        "day": {**day_build, "rows": int(day_rows), "steps": day_steps, "nodes": day_nodes},
    }


def hold_back_a_day(raw: Path, day: Path) -> None:
    """Put the rows of the last day of full business into files below `day`; what is later goes."""
    with duckdb.connect() as con:
        con.execute("set preserve_insertion_order = false")
        (last,) = con.execute(
            "select max(date) from (select cast(event_at as date) as date, count(*) as events"
            f" from '{raw}/web_events/part*.parquet' group by date)"
            f" where events > (select count(*) / 730 from '{raw}/web_events/part*.parquet')"
        ).fetchall()[0]
        for table in raw_tables().values():
            for file in sorted((raw / table.name).glob("part*.parquet")) if table.own_time else []:
                held, draft = day / table.name / f"day-{file.name}", file.with_suffix(".draft")
                held.parent.mkdir(parents=True, exist_ok=True)
                happened = f"cast({table.own_time} as date)"
                for place, condition in (
                    (held, f"{happened} = date '{last}'"),
                    (draft, f"{happened} < date '{last}' or {happened} is null"),
                ):
                    con.execute(f"copy (from '{file}' where {condition}) to '{place}' (format parquet)")
                draft.replace(file)


def arrived_build(raw: Path, day: Path, output: Output) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """What `watched_build` gives of the run on which the files below `day` have arrived; they are taken away again."""
    arrived = [(file, raw / file.relative_to(day)) for file in sorted(day.glob("*/*.parquet"))]
    try:
        for file, place in arrived:
            shutil.copy(file, place)
        return watched_build(raw, output)
    finally:
        for _, place in arrived:
            place.unlink(missing_ok=True)


def watched_build(raw: Path, output: Output) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """What a build takes (see `watched`), and the seconds of its steps and of its nodes, the slowest first."""
    arguments = ["build", "--raw-dir", str(raw), "--out", str(output.root)]
    printed, build = watched([sys.executable, "-m", "outside_in.cli", *arguments])
    steps = {name: float(seconds) for name, seconds in re.findall(r"^([a-z ]+): ([0-9.]+) s$", printed, re.MULTILINE)}
    done = json.loads((output.dbt / "target" / "run_results.json").read_text("utf-8"))["results"]
    nodes = {node["unique_id"].removeprefix("model.outside_in."): node["execution_time"] for node in done}
    return build, steps, dict(sorted(nodes.items(), key=lambda node: -node[1]))


def watched(command: list[str]) -> tuple[str, dict[str, float]]:
    """Run a command and see what it takes, with all processes it starts.

    Returns:
        What it printed, and `seconds`, `cpu_seconds` and `peak_mb` (resident memory, added up over its processes and
        looked at five times a second).

    Raises:
        RuntimeError: it failed.
    """
    before, started, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    log = Path(f"/proc/self/fd/{os.memfd_create('printed')}")
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.2)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = log.read_text()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{printed[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return printed, {"seconds": time.monotonic() - started, "cpu_seconds": cpu, "peak_mb": peak / 1e6}


def _resident(pid: int) -> int:
    """Bytes in memory of a process and all it has started."""
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
        threads = Path(f"/proc/{pid}/task").iterdir()
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:  # ended meanwhile
        return 0
    return own + sum(_resident(int(child)) for child in children)


def floor(raw: Path, out: Path, memory: str, threads: str) -> dict[str, float]:
    """The least that any build must do, in seconds by step.

    Args:
        raw: the raw folder, of Parquet files.
        out: an output folder with what was published from it.
        memory: DuckDB's limit.
        threads: how many DuckDB may use.
    """
    published, scratch = Output(out).published, out / "floor"
    scratch.mkdir()
    seconds: dict[str, float] = {}
    with duckdb.connect(str(scratch / "floor.duckdb")) as con:
        con.execute(f"set memory_limit = '{memory}'; set threads = {threads}; set preserve_insertion_order = false")
        con.execute(f"attach '{published}' as published (read_only)")
        tables = con.execute("select table_name from duckdb_tables() where database_name = 'published'").fetchall()

        def scan() -> None:
            for folder in sorted(raw.iterdir()):
                scanned = f"read_parquet('{folder}/*.parquet', union_by_name = true)"
                con.execute(f"select max(hash(columns(*))) from {scanned}").fetchall()

        def sort() -> None:
            con.execute(
                "create table sorted as select * from"
                f" read_parquet('{raw}/web_events/*.parquet', union_by_name = true)"
                " order by coalesce(customer_id, visitor_id), event_at"
            )

        def write() -> None:
            for (table,) in tables:
                con.execute(f"create table {table} as from published.marts.{table}")
                con.execute(f"copy {table} to '{scratch}/{table}.parquet' (format parquet)")
            con.execute("checkpoint")

        steps: dict[str, Callable[[], None]] = {"scan": scan, "sort": sort, "write": write}
        for name, step in steps.items():
            started = time.monotonic()
            step()
            seconds[name] = time.monotonic() - started
    shutil.rmtree(scratch)
    return seconds


def _row_counts(raw: Path) -> str:
    folders = sorted(folder for folder in raw.iterdir() if any(folder.glob("*.parquet")))
    return " union all ".join(f"select count(*) as rows from '{folder}/*.parquet'" for folder in folders)


def growth(results: list[dict[str, Any]], seconds: Callable[[dict[str, Any]], float]) -> float | None:
    """How the seconds of the two largest sizes grow: 1 is in proportion to the events, above is worse."""
    if len(results) < 2:
        return None
    small, large = results[-2:]
    return math.log(seconds(large) / max(seconds(small), 1e-3)) / math.log(large["events"] / small["events"])


def report(results: list[dict[str, Any]]) -> str:
    """The tables, as text."""
    lines = [
        "",
        "     events        rows  seconds   CPU s  peak MB   rows/s  floor s  ratio  CPU ratio",
        *(
            f"{run['events']:>11,} {run['rows']:>11,} {run['seconds']:8.1f} {run['cpu_seconds']:7.1f}"
            f" {run['peak_mb']:8,.0f} {run['rows_per_second']:8,.0f} {run['floor_seconds']:8.1f}"
            f" {run['ratio']:6.1f} {run['cpu_ratio']:10.1f}"
            for run in results
        ),
    ]
    last = results[-1]
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in last["steps"].items())
    floor_steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in last["floor_steps"].items())
    lines.append(f"steps: {steps}; floor: {floor_steps}")
    exponent = growth(results, lambda run: run["seconds"])
    if exponent is not None:
        lines.append(
            f"growth exponent: {exponent:.2f}; of the floor: {growth(results, lambda r: r['floor_seconds']):.2f}"
        )
    lines += ["", "day:   rows  seconds   CPU s  peak MB  of a build's CPU"]
    for run in results:
        day = run["day"]
        share = day["cpu_seconds"] / run["cpu_seconds"]
        lines.append(
            f"{day['rows']:>11,} {day['seconds']:8.1f} {day['cpu_seconds']:7.1f} {day['peak_mb']:8,.0f} {share:16.1%}"
        )
    lines.append("its steps: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in last["day"]["steps"].items()))
    lines += ["", f"slowest at {last['events']:,} events  seconds  exponent"]
    for name in list(last["nodes"])[:SLOWEST]:
        exponent = growth(results, lambda run, name=name: run["nodes"].get(name, 0.0))  # type: ignore[misc]
        lines.append(f"{name:<40} {last['nodes'][name]:7.1f} {'' if exponent is None else f'{exponent:9.2f}'}")
    lines += ["", "slowest of the day"]
    lines += [f"{name:<40} {seconds:7.1f}" for name, seconds in list(last["day"]["nodes"].items())[:SLOWEST]]
    return "\n".join(lines)


def chart(results: list[dict[str, Any]]) -> alt.Chart:
    """Seconds over events on logarithmic axes, of the builds, of the floor and of a day's run."""
    rows = [
        {"events": run["events"], "seconds": seconds, "of": name}
        for run in results
        for name, seconds in (
            ("full build", run["seconds"]),
            ("floor", run["floor_seconds"]),
            ("a day's run", run["day"]["seconds"]),
        )
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("events:Q", scale=alt.Scale(type="log"), title="web events"),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log")),
        color=alt.Color("of:N", title=None),
    )
    drawn: alt.Chart = base.mark_line(point=True).properties(width=480, height=320)
    return drawn


if __name__ == "__main__":
    main()
