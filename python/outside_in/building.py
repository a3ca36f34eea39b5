"""Run dbt for one output directory and say in plain words what happened."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any

import duckdb
import yaml

from outside_in.contract import raw_tables
from outside_in.fingerprint import project_fingerprint
from outside_in.paths import PROJECT, Output
from outside_in.validation.inspection import FILES, RawFile, read_files

if sys.platform != "win32":
    import fcntl

# Set from the data where nobody sets them, so dbt_project.yml has no default for them.
OPTIONAL_VARS = ("as_of", "reporting_currency")
# Vars that count something, with the least and the most that make sense.
COUNTED = {
    "fiscal_year_start_month": (1, 12),
    "clv_horizon_months": (1, 120),
    "churn_horizon_days": (1, 3650),
    "activity_window_days": (1, 36500),
    "clv_fitted_customers": (100, 10_000_000),  # fewer are fitted no model
    "minimum_sample": (0, 1_000_000),
}
# Vars that map the same words always, to whole numbers; one of them may be given alone. The others map channels.
FIXED_MAPS = {"survey_fatigue"}
DISK_FULL = "the disk is full: make room and run again"
Progress = Callable[[int, int, str], None]


class BuildError(Exception):
    """A build that cannot go on; its text says what, where and what to do."""


@dataclass
class BuildResult:
    """What dbt did: whether all is well, how many nodes ran, and each failure and warning in one line."""

    ok: bool = True
    nodes: int = 0
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_vars(file: Path | None) -> dict[str, Any]:
    """The dbt vars of a YAML file.

    Args:
        file: a YAML map of var names to values; None for no vars.

    Returns:
        The vars; times are text, as dbt wants them.

    Raises:
        BuildError: the file is no YAML map, names a var that the project does not have, or gives one a value it cannot
            have.
    """
    if file is None:
        return {}
    try:
        loaded = yaml.safe_load(file.read_text("utf-8")) or {}
    except OSError as error:
        raise BuildError(f"{file}: cannot be opened ({error.strerror}); --vars-file wants a YAML file") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise BuildError(f"{file}: cannot be read as YAML{where}; write one `name: value` a line") from error
    if not isinstance(loaded, dict):
        raise BuildError(f"{file}: holds no map of vars; write one `name: value` a line")
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))
    known = {*project["vars"], *OPTIONAL_VARS}
    unknown = sorted(str(name) for name in loaded if name not in known)
    if unknown:
        meant = {close for name in unknown for close in get_close_matches(name, known, n=1)}
        hint = f"did you mean {', '.join(sorted(meant))}" if meant else f"known are {', '.join(sorted(known))}"
        raise BuildError(f"{file}: unknown var {', '.join(unknown)}; {hint}")
    given: dict[str, Any] = {
        name: value if isinstance(value, str | int | float | bool | list | dict) else str(value)
        for name, value in loaded.items()
    }
    wanted = {name: _wanted(name, value, project["vars"].get(name)) for name, value in given.items()}
    if wrong := [f"{name} must be {text}" for name, text in wanted.items() if text]:
        raise BuildError(f"{file}: {'; '.join(wrong)}")
    if "as_of" in given:
        given["as_of"] = _in_utc(str(given["as_of"]))
    for name in FIXED_MAPS & given.keys():
        given[name] = {**project["vars"][name], **given[name]}
    return given


def _in_utc(text: str) -> str:
    """A time as text in UTC; without an offset it is in UTC already."""
    moment = datetime.fromisoformat(text)
    return str(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)


def _wanted(name: str, value: Any, default: Any) -> str:
    """What a var must be, where its value is not that; empty where it is. Models write vars into their SQL."""
    if name == "as_of":
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            return "a time like 2026-01-31 12:00:00, in UTC"
    elif name == "reporting_currency":
        return "" if re.fullmatch("[A-Z]{3}", str(value)) else "a currency's code of three letters, like EUR"
    elif name == "reporting_timezone":
        known = duckdb.execute("select count(*) from pg_timezone_names() where name = ?", [str(value)]).fetchall()
        return "" if known[0][0] else "a time zone of the IANA list, like Europe/Berlin"
    elif isinstance(default, dict):
        words = tuple(default) if name in FIXED_MAPS else raw_tables()["interactions"].codes["channel"]
        is_number, kind = (_is_count, "whole numbers") if name in FIXED_MAPS else (_is_amount, "numbers")
        if not isinstance(value, dict) or not all(key in words and is_number(each) for key, each in value.items()):
            return f"a map of {', '.join(words)} to {kind} of at least 0, like {default}"
    elif isinstance(default, list):
        if not isinstance(value, list) or not all(map(_is_word, value)):
            return f"a list of words, like {default}"
    elif name in COUNTED:
        least, most = COUNTED[name]
        if not _is_count(value) or not least <= value <= most:
            return f"a whole number from {least} to {most}, like {default}"
    elif isinstance(default, int | float) and not _is_amount(value):
        return f"a number of at least 0, like {default}"
    return ""


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\w+", value) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


@contextmanager
def only_build(output: Output) -> Iterator[None]:
    """Hold the output directory's lock; processes started meanwhile hold it with this one.

    Raises:
        BuildError: another build holds it.
    """
    output.root.mkdir(parents=True, exist_ok=True)
    with output.lock.open("w") as file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BuildError(f"another build is running in {output.root}; wait for it to end") from error
            os.set_inheritable(file.fileno(), True)
        yield


def build(
    raw_dir: Path, output: Output, dbt_vars: dict[str, Any], progress: Progress | None = None, *, afresh: bool = False
) -> BuildResult:
    """Build and test every model from the files of `raw_dir` into the private database of `output`.

    Tables are kept from the last build, finished or not, and follow what has changed since (macros/kept).

    Args:
        raw_dir: folder with one folder per raw table.
        output: where everything is written.
        dbt_vars: vars that override the project's defaults.
        progress: called with (nodes done, nodes in all, node name) as nodes finish.
        afresh: make every table as a whole; also done where another version of the project made them.

    Returns:
        What happened; `ok` is False when a model or test failed.
    """
    output.built.parent.mkdir(parents=True, exist_ok=True)
    _prepare(output, afresh)
    command = [
        sys.executable, "-m", "outside_in.dbt_process", "--no-version-check", "build",
        "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--target-path", str((output.dbt / "target").resolve()), "--log-path", str((output.dbt / "logs").resolve()),
        "--exclude-resource-type", "unit_test", "--vars", json.dumps(dbt_vars),
    ]  # fmt: skip
    environment = os.environ | {
        "RAW_DIR": str(raw_dir.resolve()),
        "OUTSIDE_IN_DATABASE": str(output.built.resolve()),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    result = BuildResult()
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        close_fds=False,  # dbt holds the lock too
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        _follow(process.stdout, result, progress)
        process.wait()  # before its input is closed, which ends it
    if DISK_FULL in result.failures:
        result.failures = [DISK_FULL]  # whichever models met it
    if process.returncode != 0:
        result.ok = False
        if not result.failures:
            result.failures.append(f"dbt ended with code {process.returncode}; see {output.dbt / 'logs' / 'dbt.log'}")
    return result


def know_files(output: Output) -> None:
    """Hand what the validation found out about the files to the build, which then reads none of them to judge it."""
    output.built.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(output.validation / FILES, _known(output))


def built_files(output: Output) -> list[RawFile]:
    """The files that the last build read, as they were then; none before the first build."""
    if not output.built.exists():
        return []
    return [file for file in read_files(_known(output)) if not file.problem]


def refuse_changed_files(output: Output) -> None:
    """See that the files are still what the build began with.

    Raises:
        BuildError: one has changed or is gone: some models may have read it before, some after.
    """
    for file in built_files(output):
        if not file.is_unchanged():
            raise BuildError(
                f"{file.name}: changed or vanished during the build; nothing published; run again when it is complete"
            )


def _known(output: Output) -> Path:
    return output.built.with_suffix(f".duckdb.{FILES}")


def explained(text: str) -> str:
    """An error of dbt or DuckDB without what it quotes, which may be the value of a row."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)  # dbt's colours
    if "No space left" in text or "not enough disk space" in text.lower():
        return DISK_FULL
    if "Compilation Error" in text:  # of the project, before any row is read
        return " ".join(text.split())
    text = re.sub(r"(LINE \d+:|compiled code at).*", "", " ".join(text.split()))
    return re.sub(r"'[^']*'", "'…'", text)


def write_receipt(output: Output, fingerprint: str) -> None:
    """Note that the private database is complete and tested, and what it was built from (empty where not known)."""
    draft = output.receipt.with_suffix(".draft")
    draft.write_text(json.dumps({"fingerprint": fingerprint}) + "\n", "utf-8")
    draft.replace(output.receipt)


def read_receipt(output: Output) -> str:
    """What the private database was built from.

    Raises:
        BuildError: there is none, or its build did not succeed.
    """
    try:
        return str(json.loads(output.receipt.read_text("utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError) as error:
        raise BuildError(f"{output.built}: not there, or its build failed; run `outside-in build` first") from error


def _prepare(output: Output, afresh: bool) -> None:
    """Make the private database one to go on with: a table of a model that is gone must not get into the next state."""
    output.receipt.unlink(missing_ok=True)
    shutil.rmtree(output.built.with_name(output.built.name + ".tmp"), ignore_errors=True)
    project = project_fingerprint()
    if afresh or not _is_made_by(output, project):
        for path in (output.project, output.built, output.built.with_name(output.built.name + ".wal")):
            path.unlink(missing_ok=True)
        output.project.write_text(project, "utf-8")


def _is_made_by(output: Output, project: str) -> bool:
    """Whether the project made the private database, and it can be opened: a stopped run may have left its log."""
    try:
        if output.project.read_text("utf-8") != project:
            return False
        duckdb.connect(str(output.built)).close()
    except (OSError, duckdb.Error):
        return False
    return True


def _follow(lines: IO[str], result: BuildResult, progress: Progress | None) -> None:
    for line in lines:
        try:
            told = json.loads(line)
        except json.JSONDecodeError:  # what a library printed
            continue
        if "failure" in told:
            result.failures.append(explained(told["failure"]))
        elif "node" in told:
            result.nodes += 1
            if progress:
                progress(told["done"] or result.nodes, told["in_all"], told["node"])
            if told["status"].startswith("warn"):
                result.warnings.append(f"{told['node']}: {told['found']} rows")
