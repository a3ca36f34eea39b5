"""Publishing: one whole state or another, kept states, the way back, and nobody in them who asked to be erased."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from outside_in import cli
from outside_in.building import BuildError, BuildResult
from outside_in.fingerprint import fingerprint
from outside_in.paths import PROJECT, Output
from outside_in.publishing import publish, published_state, require_links, rollback, states, tidy
from outside_in.validation import ValidationResult
from tests.conftest import outside_in
from tests.publishing_cases import contents, seen, write_build, write_kept_build


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(tmp_path / "out")


def publish_values(output: Output, *values: int, keep: int = 3) -> None:
    for value in values:
        write_build(output, value)
        publish(output, f"made from {value}", keep)


def numbers(output: Output) -> list[int]:
    return [state.number for state in states(output)]


def test_readers_keep_the_old_state_and_new_ones_see_the_new(output: Output) -> None:
    publish_values(output, 1)
    reader = duckdb.connect(str(output.published), read_only=True)
    publish_values(output, 2, 3, keep=0)
    assert reader.execute("select max(value) from marts.kpi_values").fetchall() == [(1,)]
    reader.close()
    assert seen(output.link) == 3


def test_only_marts_are_published_with_their_comments(output: Output) -> None:
    publish_values(output, 1)
    with duckdb.connect(str(output.published), read_only=True) as con:
        assert con.execute("select distinct schema_name from duckdb_tables()").fetchall() == [("marts",)]
        comments = con.execute("select comment from duckdb_columns() where comment is not null").fetchall()
    assert comments == [("What it's worth.",)]
    files = {path.name for path in (output.link / "parquet").iterdir()}
    assert files == {"run_context.parquet", "kpi_values.parquet", "fct_orders.parquet"}


def orders_of(output: Output) -> list[tuple[int, int]]:
    contents(output.published)
    with duckdb.connect(str(output.published), read_only=True) as con:
        return con.execute("from marts.fct_orders order by all").fetchall()


def test_a_state_takes_from_the_one_before_what_has_not_changed(output: Output) -> None:
    write_kept_build(output, {1: 10, 2: 20, 3: 30}, version=4)
    publish(output)
    files = {path.name: path.stat().st_ino for path in (output.link / "parquet").iterdir()}
    # Only what is said to have changed is looked at: the wrong 99 shows it.
    write_kept_build(output, {1: 99, 2: 21, 4: 40}, version=5, changed=[2, 3, 4])
    publish(output)
    assert orders_of(output) == [(1, 10), (2, 21), (4, 40)]
    now = {path.name: path.stat().st_ino for path in (output.link / "parquet").iterdir()}
    assert [name for name in files if now[name] == files[name]] == ["kpi_values.parquet"]
    write_kept_build(output, {1: 98, 5: 50}, version=5)
    publish(output)
    assert orders_of(output) == [(1, 10), (2, 21), (4, 40)]


@pytest.mark.parametrize("version", [3, 6, 7])
def test_a_table_that_is_not_one_step_further_is_written_anew(output: Output, version: int) -> None:
    write_kept_build(output, {1: 10, 2: 20}, version=4)
    publish(output)
    write_kept_build(output, {1: 11, 3: 30}, version=version, changed=[3])
    publish(output)
    assert orders_of(output) == [(1, 11), (3, 30)]


def test_a_state_begins_from_one_of_the_same_database(output: Output) -> None:
    write_kept_build(output, {1: 10, 2: 20}, version=4)
    publish(output)
    output.built.unlink()
    write_kept_build(output, {1: 11, 2: 20}, version=4)
    publish(output)
    assert orders_of(output) == [(1, 11), (2, 20)]


def test_nothing_is_taken_from_a_file_that_may_hold_somebody_erased(output: Output) -> None:
    write_kept_build(output, {1: 10, 2: 20}, version=4)
    publish(output)
    with duckdb.connect(str(output.built)) as con:
        con.execute("insert into staging.stg_raw__erased_customers values ('C1')")
    write_kept_build(output, {1: 11, 2: 20}, version=4)
    publish(output)
    assert orders_of(output) == [(1, 11), (2, 20)]


def test_a_state_after_a_rollback_begins_from_what_it_is_a_step_from(output: Output) -> None:
    for version, value in enumerate((10, 11, 12)):
        write_kept_build(output, {1: value, 2: 20}, version=version, changed=[1])
        publish(output)
    rollback(output, 1)
    write_kept_build(output, {1: 13, 2: 20}, version=3, changed=[1])
    publish(output)
    assert orders_of(output) == [(1, 13), (2, 20)] and numbers(output) == [1, 2]


def test_a_file_with_much_free_room_is_not_gone_on_with(output: Output) -> None:
    sizes = []
    for version, rows in enumerate((1_000_000, 10, 10)):
        write_kept_build(output, {1: 10}, version)
        with duckdb.connect(str(output.built)) as con:
            con.execute(f"create or replace table marts.kpi_values as select random() as value from range({rows})")
            con.execute(f"update kept.nodes set version = {2 * version} where name like '%kpi_values'")
        publish(output)
        sizes.append(output.published.stat().st_size)
    assert sizes[2] < sizes[0] / 5, sizes


def test_both_forms_hold_the_same_rows(output: Output) -> None:
    publish_values(output, 1)
    with duckdb.connect(str(output.published), read_only=True) as con:
        parquet = f"'{output.link / 'parquet' / 'kpi_values.parquet'}'"
        for one, other in (("marts.kpi_values", parquet), (parquet, "marts.kpi_values")):
            assert con.execute(f"from {one} except all from {other}").fetchall() == []


def test_the_last_states_are_kept(output: Output) -> None:
    publish_values(output, 1, 2, 3, 4, 5, 6, keep=2)
    assert numbers(output) == [4, 5, 6]
    assert [state.fingerprint for state in states(output)] == ["made from 4", "made from 5", "made from 6"]
    assert published_state(output) == states(output)[-1]


def test_back_and_forth_between_states(output: Output) -> None:
    publish_values(output, 1, 2, 3)
    assert rollback(output).number == 2 and seen(output.link) == 2
    assert rollback(output).number == 1 and seen(output.link) == 1
    assert rollback(output, 3).number == 3 and seen(output.link) == 3
    rollback(output, 1)
    with pytest.raises(BuildError, match="no earlier state"):
        rollback(output)
    with pytest.raises(BuildError, match="no state 9 to go back to; kept: 1, 2, 3"):
        rollback(output, 9)


def test_the_build_after_a_rollback_takes_the_place_of_what_was_rolled_back(output: Output) -> None:
    publish_values(output, 1, 2, 3)
    rollback(output, 2)
    publish_values(output, 4)
    assert numbers(output) == [1, 2, 3] and seen(output.link) == 4


def test_states_that_may_show_somebody_erased_since_are_removed(output: Output) -> None:
    publish_values(output, 1, 2)
    write_build(output, 3, erased=["c1"])
    _, forgotten = publish(output)
    assert [state.number for state in forgotten] == [1, 2] and numbers(output) == [3]
    write_build(output, 4, erased=["c1"])
    assert publish(output)[1] == [] and numbers(output) == [3, 4]
    write_build(output, 5, erased=["c2"])  # as many, but somebody else
    publish(output)
    assert numbers(output) == [5]


def test_a_state_holds_no_name_of_who_was_erased(output: Output) -> None:
    write_build(output, 1, erased=["customer-4711"])
    publish(output)
    assert not [path for path in output.states.rglob("*.json") if "4711" in path.read_text("utf-8")]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="which file is synced is seen in /proc")
def test_all_of_a_state_is_on_the_disk_before_the_link_names_it(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut may lose is what was not synced, and what was done to a folder after it was synced."""
    publish_values(output, 1)
    synced: list[str] = []
    switches = 0
    sync, replace = os.fsync, Path.replace

    def record_sync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        sync(descriptor)

    def check_and_replace(self: Path, target: Any) -> Path:
        nonlocal switches
        if target == output.link:
            switches += 1
            assert seen(output.link) == 1
            draft = str(output.states / ".draft")
            in_draft = {path.replace(draft, str(output.states / "2")) for path in synced if path.startswith(draft)}
            assert in_draft == {str(output.states / "2"), *map(str, (output.states / "2").rglob("*"))}
            assert synced[-1] == str(output.states), "the state's own name comes last"
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(Path, "replace", check_and_replace)
    publish_values(output, 2)
    assert switches == 1 and synced[-1] == str(output.root)


def test_a_state_on_its_way_out_is_no_state_any_more(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_values(output, 1)
    remove = shutil.rmtree

    def stop(folder: Path, ignore_errors: bool = False) -> None:
        if folder.name != ".spilled":
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", stop)
    with pytest.raises(KeyboardInterrupt):
        publish_values(output, 2, keep=0)
    assert numbers(output) == [2] and seen(output.link) == 2
    monkeypatch.setattr(shutil, "rmtree", remove)
    tidy(output)
    assert [path.name for path in output.states.iterdir()] == ["2"]


def test_what_a_stopped_run_left_is_removed(output: Output) -> None:
    publish_values(output, 1)
    (output.states / ".draft" / "parquet").mkdir(parents=True)
    (output.states / ".dropped-0").mkdir()
    shutil.copytree(output.states / "1", output.states / "2")  # complete, but the link never came to name it
    (output.root / ".published").symlink_to("states/2")
    publish_values(output, 2)
    assert {path.name for path in output.states.iterdir()} == {"1", "2"} and seen(output.link) == 2


def test_a_build_without_marts_is_refused_and_leaves_nothing(output: Output) -> None:
    publish_values(output, 1)
    output.built.unlink()
    duckdb.connect(str(output.built)).close()
    with pytest.raises(BuildError, match="no tables in schema marts"):
        publish(output)
    assert seen(output.link) == 1 and [path.name for path in output.states.iterdir()] == ["1"]


def test_something_else_in_the_links_place_is_left_alone(output: Output) -> None:
    output.published.parent.mkdir(parents=True)
    output.published.write_text("mine")
    for act in (require_links, publish, tidy, published_state):
        with pytest.raises(BuildError, match="is no link to a published state"):
            act(output)
    assert output.published.read_text() == "mine"


def test_a_place_without_symbolic_links_is_refused_before_the_build(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Any, target_is_directory: bool = False) -> None:
        raise OSError("Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(BuildError, match="cannot hold the symbolic link"):
        require_links(output)


def test_publishing_again_needs_a_build_that_succeeded(output: Output) -> None:
    write_build(output, 1)
    done = outside_in("publish", "--out", output.root)
    assert done.returncode == 2 and "run `outside-in build` first" in done.stdout
    assert not output.link.exists()


def test_the_command_line_lists_states_and_goes_back(output: Output) -> None:
    publish_values(output, 1, 2)
    listed = outside_in("states", "--out", output.root).stdout.splitlines()
    assert listed == ["  state 1, 3 marts as of 2026-01-02 00:00:00", "* state 2, 3 marts as of 2026-01-03 00:00:00"]
    assert outside_in("rollback", "--out", output.root).returncode == 0
    assert seen(output.link) == 1
    done = outside_in("rollback", "--out", output.root, "--to", "7")
    assert done.returncode == 2 and "no state 7" in done.stdout


def test_publishing_keeps_to_the_memory_limit(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    write_build(output, 1)
    monkeypatch.setenv("OUTSIDE_IN_MEMORY", "100kB")
    with pytest.raises(duckdb.OutOfMemoryException):
        publish(output, "made from 1", keep=3)
    assert published_state(output) is None


def test_a_full_disk_leaves_what_is_published(tmp_path: Path) -> None:
    """On a small file system of its own where one can be mounted, else with a limit on the size of files."""
    script = [sys.executable, "-m", "tests.publishing_cases", "fill_the_disk", str(tmp_path)]
    small = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=96m tmpfs "$0" && exec "$@"']
    can_mount = shutil.which("unshare") and not subprocess.run([*small, tmp_path, "true"], check=False).returncode
    done = subprocess.run(
        [*small, tmp_path, *script] if can_mount else script,
        cwd=PROJECT / "python",
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused: " in done.stdout and "published with room" in done.stdout


def test_a_fingerprint_tells_what_a_build_depends_on(tmp_path: Path) -> None:
    file = tmp_path / "raw" / "orders" / "1.csv"
    file.parent.mkdir(parents=True)
    file.write_text("order_id\n1\n")
    raw, times = tmp_path / "raw", (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    first = fingerprint(raw, {})
    assert fingerprint(raw, {}) == first
    assert fingerprint(raw, {"minimum_sample": 5}) != first
    file.write_text("order_id\n2\n")
    os.utime(file, ns=times)
    assert fingerprint(raw, {}) != first, "same name, size and time of change, other content"
    file.unlink()
    without = fingerprint(raw, {})
    (raw / "orders" / "gone.csv").symlink_to(raw / "nowhere")
    assert without != first and fingerprint(raw, {}) == "", "what cannot be looked at is not known to be the same"


def test_what_arrives_during_a_build_is_left_to_the_next_and_then_nothing_is_new(
    output: Output, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = output.root.parent / "raw"
    (raw / "orders").mkdir(parents=True)
    arriving = ["late.csv"]
    builds = 0

    def build_while_a_file_arrives(*_: Any, **__: Any) -> BuildResult:
        nonlocal builds
        builds += 1
        write_build(output, builds)
        for name in arriving:
            (raw / "orders" / name).write_text("order_id\n1\n")
        arriving.clear()
        return BuildResult()

    monkeypatch.setattr(cli, "_validate", lambda *_, **__: ValidationResult())
    monkeypatch.setattr(cli, "know_files", lambda _: None)
    monkeypatch.setattr(cli, "_dbt_build", build_while_a_file_arrives)
    for expected_builds, said in (
        (1, "files arrived during the build"),
        (2, "state 2"),
        (2, "nothing new"),
        (2, "nothing"),
    ):
        cli.build_command(raw, output.root)
        assert builds == expected_builds and said in capsys.readouterr().out
    assert [bool(state.fingerprint) for state in states(output)] == [False, True]
    cli.build_command(raw, output.root, force=True)
    assert builds == 3
    rollback(output, 1)
    cli.build_command(raw, output.root)
    assert builds == 4, "after a rollback the next run publishes again"
