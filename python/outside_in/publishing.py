"""Publish what a build made, keep the states before it, and go back to one of them.

    published -> states/7               what readers open: one link, replaced in one step
    states/7/warehouse.duckdb           schema `marts`
    states/7/parquet/<mart>.parquet     the same tables, for tools that read Parquet
    states/7/state.json                 what the state is of
    states/7/versions.json              which versions of the tables it has, for the next state to begin from
    states/.<anything>                  unfinished or on its way out; the next run removes it

A state is complete and on disk before the link names it, and nobody changes it afterwards. So whatever stops a run
between two steps, readers see one whole state, and the next run only has to remove what is unfinished.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from outside_in.building import BuildError
from outside_in.paths import Output
from outside_in.state_files import MARTS, write_files

KEPT = 3


@dataclass(frozen=True)
class State:
    """One published state.

    Attributes:
        number: the name of its folder; the state after it has the next number.
        as_of: the instant its numbers are of, as ISO text in UTC; empty where there are no data.
        tables: how many marts it has.
        fingerprint: what it was built from; empty where that is not known for sure.
        erased: a digest of who had asked to be erased.
    """

    number: int
    as_of: str
    tables: int
    fingerprint: str
    erased: str


def publish(output: Output, fingerprint: str = "", keep: int = KEPT) -> tuple[State, list[State]]:
    """Make the marts of the last build the published state, as a DuckDB file and as Parquet files.

    Only schema `marts` is published: staging holds what the marts leave out on purpose. What has not changed since a
    kept state is taken from there (see `state_files`). Readers that have a file open keep it; whoever opens the path
    after the switch sees the new state.

    Args:
        output: where the build is, closed by its writer, and where states go.
        fingerprint: what the build was made from.
        keep: how many earlier states stay for a rollback.

    Returns:
        The new state, and the earlier ones that had to go because somebody asked to be erased since.

    Raises:
        BuildError: the build has no marts, or the link cannot be made.
        duckdb.Error, OSError: a copy failed, of a full disk for example; nothing has changed for readers.
    """
    before = _published_number(output)
    tidy(output, keep)
    output.states.mkdir(parents=True, exist_ok=True)
    draft = output.states / ".draft"
    number = (before or 0) + 1
    try:
        state = _write_state(output, draft, number, fingerprint)
        _sync_tree(draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # gives the space back
        raise
    # Newer than what is published are only a state that was rolled back and one whose run was cut short.
    for left in _numbers(output):
        if left >= number:
            _drop(output, left)
    draft.rename(_folder(output, number))
    _sync(output.states)
    _point(output, number)
    return state, tidy(output, keep)


def rollback(output: Output, to: int | None = None) -> State:
    """Publish a kept state again.

    Args:
        output: where the states are.
        to: its number; by default the one before what is published.

    Returns:
        What is published now.

    Raises:
        BuildError: there is no such state, or the link cannot be made.
    """
    kept = {state.number: state for state in states(output)}
    if to is None:
        now = _published_number(output)
        to = max((number for number in kept if now is None or number < now), default=None)
    if to is None or to not in kept:
        known = ", ".join(map(str, kept)) or "none"
        raise BuildError(f"there is no {'earlier state' if to is None else f'state {to}'} to go back to; kept: {known}")
    _point(output, to)
    return kept[to]


def states(output: Output) -> list[State]:
    """The kept states, the oldest first."""
    return [state for number in _numbers(output) if (state := _read_state(output, number))]


def published_state(output: Output) -> State | None:
    """What readers see; None where nothing is published."""
    number = _published_number(output)
    return None if number is None else _read_state(output, number)


def tidy(output: Output, keep: int = KEPT) -> list[State]:
    """Remove what a stopped run left, and the earlier states that are not to be kept.

    Returns:
        The earlier states that went because they may show somebody who asked to be erased since.
    """
    for leftover in output.states.glob(".*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    now = published_state(output)
    if now is None:
        return []
    earlier = [state for state in states(output) if state.number < now.number]
    forgotten = [state for state in earlier if may_show_erased(state, now)]
    for state in {*forgotten, *earlier[: max(len(earlier) - keep, 0)]}:
        _drop(output, state.number)
    return forgotten


def may_show_erased(earlier: State, now: State) -> bool:
    """Whether an earlier state may show somebody who is erased now.

    Asking who exactly would mean keeping their names, so any difference between the two counts.
    """
    return earlier.erased != now.erased


def require_links(output: Output) -> None:
    """See, before hours of work, that what was built can be published.

    Raises:
        BuildError: the output directory's file system has no symbolic links, or `published` is something else.
    """
    _published_number(output)
    output.root.mkdir(parents=True, exist_ok=True)
    _make_link(output, 0).unlink()


def _folder(output: Output, number: int) -> Path:
    return output.states / str(number)


def _numbers(output: Output) -> list[int]:
    return sorted(int(folder.name) for folder in output.states.glob("*") if folder.name.isdecimal())


def _published_number(output: Output) -> int | None:
    link = output.link
    if not link.is_symlink():
        if link.exists():
            raise BuildError(f"{link} is no link to a published state; move it away, readers will find a link there")
        return None
    name = link.readlink().name
    return int(name) if name.isdecimal() else None


def _read_state(output: Output, number: int) -> State | None:
    try:
        return State(number, **json.loads((_folder(output, number) / "state.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _drop(output: Output, number: int) -> None:
    """Remove a state: first its name, so that a half-removed one is never taken for a state."""
    leaving = output.states / f".dropped-{number}"
    _folder(output, number).rename(leaving)
    shutil.rmtree(leaving)


def _point(output: Output, number: int) -> None:
    _make_link(output, number).replace(output.link)
    _sync(output.root)


def _make_link(output: Output, number: int) -> Path:
    draft = output.root / ".published"
    draft.unlink(missing_ok=True)
    try:
        draft.symlink_to(_folder(output, number).relative_to(output.root), target_is_directory=True)
    except (OSError, NotImplementedError) as error:
        raise BuildError(
            f"{output.root} cannot hold the symbolic link that publishing is ({error}); choose another --out"
        ) from error
    return draft


def _write_state(output: Output, draft: Path, number: int, fingerprint: str) -> State:
    draft.mkdir()
    written = write_files(output.built, draft, (_folder(output, number) for number in reversed(_numbers(output))))
    if not written.tables:
        raise BuildError(f"{output.built} has no tables in schema {MARTS}: build it first")
    state = State(number, written.as_of, written.tables, fingerprint, written.erased)
    about = {name: value for name, value in asdict(state).items() if name != "number"}
    (draft / "state.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    return state


def _sync_tree(folder: Path) -> None:
    """Bring a folder's files to the disk, and then what the folder knows about them."""
    for path in folder.iterdir():
        if path.is_dir():
            _sync_tree(path)
        else:
            _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
