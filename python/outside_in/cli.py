"""The command line: `outside-in sample | validate | build | publish | rollback | states | scorecard | run`."""

from __future__ import annotations

import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from outside_in.building import (
    BuildError,
    BuildResult,
    build,
    built_files,
    explained,
    know_files,
    only_build,
    read_receipt,
    read_vars,
    refuse_changed_files,
    write_receipt,
)
from outside_in.fingerprint import fingerprint
from outside_in.limits import wrong_limit
from outside_in.paths import Output
from outside_in.publishing import KEPT, State, publish, published_state, require_links, tidy
from outside_in.publishing import rollback as roll_back
from outside_in.publishing import states as kept_states

if TYPE_CHECKING:
    from outside_in.validation import ValidationResult

FAILED, CRITICAL = 1, 2
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
console = Console()
errors = Console(stderr=True)

RawDir = Annotated[Path, typer.Option("--raw-dir", envvar="RAW_DIR", help="Folder with one folder per raw table.")]
Out = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for everything that is written.")]
VarsFile = Annotated[Path | None, typer.Option("--vars-file", help="YAML file of dbt vars: as_of, time zone, …")]
Keep = Annotated[int, typer.Option("--keep", min=0, help="Earlier states that stay for a rollback.")]
Force = Annotated[bool, typer.Option("--force", help="Build even where nothing is new, and every table as a whole.")]
DEFAULT_OUT = Path(".outside-in")


@app.command()
def sample(
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="Raw folder to write; it must not exist yet.")],
    customers: Annotated[int, typer.Option(min=1, help="Customers who live in it.")] = 2000,
    days: Annotated[int, typer.Option(min=30, help="Days of their lives.")] = 365,
    scale: Annotated[float, typer.Option(min=0.01, help="How much everybody does.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same data.")] = 7,
) -> None:
    """Write sample data: a company's raw tables, and beside them what was planted in them."""
    from outside_in.sample import generate

    if out.exists() and any(out.iterdir()):
        raise BuildError(f"{out} is there already; name a new folder or remove it first")
    with _progress("sample data") as advance:
        summary = generate(out, customers=customers, days=days, scale=scale, seed=seed, progress=advance)
    console.print(f"{summary.total_rows:,} rows in {len(summary.rows)} tables: {out}  (planted: {summary.truth_path})")


@app.command()
def validate(
    raw_dir: RawDir,
    out: Out = DEFAULT_OUT,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 on warnings.")] = False,
) -> None:
    """Check the raw files. Ends with 0, with 2 on critical findings, with --strict with 1 on warnings."""
    output = Output(out)
    _refuse_settings(raw_dir, output)
    result = _validate(raw_dir, output, strict=strict)
    if result.critical:
        raise typer.Exit(CRITICAL)
    if strict and result.warnings:
        raise typer.Exit(FAILED)


@app.command(name="build")
def build_command(
    raw_dir: RawDir, out: Out = DEFAULT_OUT, vars_file: VarsFile = None, keep: Keep = KEPT, force: Force = False
) -> None:
    """Validate, build, test and publish. What was published before stays up until all of it has succeeded."""
    _build(raw_dir, Output(out), vars_file, keep, force)


@app.command(name="publish")
def publish_command(out: Out = DEFAULT_OUT, keep: Keep = KEPT) -> None:
    """Publish the last build again."""
    output = Output(out)
    with only_build(output):
        _publish(output, read_receipt(output), keep)


@app.command()
def rollback(
    out: Out = DEFAULT_OUT,
    to: Annotated[int | None, typer.Option("--to", help="Number of the state; by default the one before.")] = None,
) -> None:
    """Publish an earlier state again, until the next build publishes its own."""
    output = Output(out)
    with only_build(output):
        state = roll_back(output, to)
    console.print(f"[green]published[/] {_described(state)}", highlight=False)


@app.command()
def states(out: Out = DEFAULT_OUT) -> None:
    """List the kept states; the published one is marked."""
    output = Output(out)
    now, kept = published_state(output), kept_states(output)
    if not kept:
        console.print(f"no state in {escape(str(out))}; `outside-in build` publishes the first", highlight=False)
    for state in kept:
        console.print(f"{'*' if state == now else ' '} {_described(state)}", highlight=False)


@app.command()
def scorecard(out: Out = DEFAULT_OUT) -> None:
    """Write the HTML scorecard of the published marts and print its short form."""
    _scorecard(Output(out))


@app.command()
def run(
    raw_dir: Annotated[
        Path | None,
        typer.Option("--raw-dir", help="Folder with one folder per raw table; sample data if not given."),
    ] = None,
    out: Out = DEFAULT_OUT,
    vars_file: VarsFile = None,
    keep: Keep = KEPT,
    force: Force = False,
) -> None:
    """Everything: sample data where no --raw-dir is given, validation, build, tests, publishing, scorecard."""
    output = Output(out)
    if raw_dir is None:
        raw_dir = out / "sample" / "raw"
        if not raw_dir.exists():
            _make_sample(raw_dir)
    _build(raw_dir, output, vars_file, keep, force)
    _scorecard(output)


def _make_sample(raw_dir: Path) -> None:
    """Write the sample beside its place first, so that an interrupted run leaves no half of one."""
    draft = raw_dir.with_name(raw_dir.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    sample(draft)
    truth = draft.with_name(draft.name + ".truth.json")
    if truth.exists():
        truth.replace(raw_dir.with_name(raw_dir.name + ".truth.json"))
    draft.replace(raw_dir)


def _refuse_settings(raw_dir: Path, output: Output) -> None:
    """Stop before anything is written, where the folders or limits cannot be meant so."""
    if wrong := wrong_limit():
        raise BuildError(wrong)
    if not raw_dir.is_dir():
        raise BuildError(f"{raw_dir} is no folder; --raw-dir wants one folder per raw table in it")
    if output.root.resolve().is_relative_to(raw_dir.resolve()):
        raise BuildError(f"{output.root} lies in {raw_dir}: what a run writes would be new files; choose another --out")


def _validate(raw_dir: Path, output: Output, *, strict: bool = False, copies: Path | None = None) -> ValidationResult:
    from outside_in.validation import print_summary
    from outside_in.validation import validate as validate_files

    built = {file.name for file in built_files(output)}
    with _progress("validating") as advance:
        result = validate_files(raw_dir, output.validation, strict=strict, progress=advance, built=built, copies=copies)
    print_summary(result, console)
    return result


def _build(raw_dir: Path, output: Output, vars_file: Path | None, keep: int, force: bool) -> None:
    started = time.monotonic()
    _refuse_settings(raw_dir, output)
    dbt_vars = read_vars(vars_file)
    with only_build(output):
        require_links(output)
        tidy(output, keep)
        made_from = fingerprint(raw_dir, dbt_vars)
        now = published_state(output)
        if now and now.fingerprint and now.fingerprint == made_from and not force:
            console.print(f"nothing new: published is {_described(now)}", highlight=False)
            return
        if _validate(raw_dir, output, copies=output.copies.resolve()).stops:
            raise typer.Exit(CRITICAL)
        know_files(output)
        result = _dbt_build(raw_dir, output, dbt_vars, afresh=force)
        for line in result.warnings:
            console.print(f"[yellow]warning[/] {escape(line)}", highlight=False)
        refuse_changed_files(output)
        if not result.ok:
            for line in result.failures:
                errors.print(f"[red]failed[/] {escape(line)}", highlight=False, soft_wrap=True)
            log = escape(str(output.dbt / "logs" / "dbt.log"))
            errors.print(f"Nothing was published; what was there stays up. dbt's log: {log}", soft_wrap=True)
            raise typer.Exit(FAILED)
        if fingerprint(raw_dir, dbt_vars) != made_from:
            console.print("[yellow]warning[/] files arrived during the build; the next run takes them in")
            made_from = ""
        write_receipt(output, made_from)
        _publish(output, made_from, keep)
    console.print(f"done in {time.monotonic() - started:.0f} s", highlight=False)


def _publish(output: Output, made_from: str, keep: int) -> None:
    with _progress("publishing"):
        state, forgotten = publish(output, made_from, keep)
    if forgotten:
        console.print(
            f"earlier states were removed ({', '.join(str(state.number) for state in forgotten)}): "
            "customers asked to be erased since",
            highlight=False,
        )
    where = escape(str(output.published))
    console.print(f"[green]published[/] {_described(state)}: {where}", highlight=False, soft_wrap=True)


def _described(state: State) -> str:
    return f"state {state.number}, {state.tables} marts as of {state.as_of or 'no date'}"


def _dbt_build(raw_dir: Path, output: Output, dbt_vars: dict[str, Any], *, afresh: bool) -> BuildResult:
    with _progress("building and testing") as advance:

        def follow(done: int, total: int, node: str) -> None:
            advance(done / total if total else 0.0, node)

        return build(raw_dir, output, dbt_vars, follow, afresh=afresh)


def _scorecard(output: Output) -> None:
    from outside_in.scorecard import print_scorecard, write_scorecard

    if not output.published.exists():
        raise BuildError(f"{output.published} is not there; run `outside-in build` first")
    with _progress("scorecard"):
        write_scorecard(output.published, output.scorecard)
    print_scorecard(output.published, console)
    console.print(f"scorecard: {escape(str(output.scorecard.resolve()))}", highlight=False, soft_wrap=True)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[float, str], None]]:
    """A progress bar for one step; on what is no terminal, a line at its end."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description:<21}"), BarColumn(30), TaskProgressColumn(),
        TimeElapsedColumn(), TextColumn("[dim]{task.fields[detail]}"),
    )  # fmt: skip
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=1.0, detail="")

        def advance(done: float, detail: str) -> None:
            bar.update(task, completed=done, detail=detail)

        yield advance
    console.print(f"{label}: {time.monotonic() - started:.1f} s", highlight=False)


def main() -> None:
    """Run the command line; an error is one message, not a traceback, which could hold values of rows."""
    # Nothing phones home, whatever a library's own default is.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    try:
        app(standalone_mode=True)
    except BuildError as error:
        errors.print(f"[red]error[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(CRITICAL)
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        errors.print(f"[red]error[/] {escape(about)}{error.strerror}", highlight=False, soft_wrap=True)
        sys.exit(FAILED)
    except duckdb.Error as error:
        errors.print(f"[red]error[/] {escape(explained(str(error)))}", highlight=False, soft_wrap=True)
        sys.exit(FAILED)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        errors.print(f"[red]error[/] this should not happen ({type(error).__name__}, {where}): please report it")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
