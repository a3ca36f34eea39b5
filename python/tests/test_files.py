"""Files as they come: broken, cut, growing, gone, on a full disk; and what one delivery has in common with the last."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest

from outside_in.building import BuildError, built_files, refuse_changed_files
from outside_in.contract import raw_tables
from outside_in.landing import landing
from outside_in.paths import Output
from outside_in.publishing import publish
from outside_in.validation import inspect_files, inspection, validate
from outside_in.validation.inspection import RawFile, read_files, scan, write_files
from outside_in.validation.views import landed, view
from tests.conftest import outside_in
from tests.publishing_cases import seen, write_build

HEADER = "ticket_id,created_at,channel,team\n"
LANDED_HEADER = "ticket_id,created_at,channel,team,_loaded_at\n"


def deliver(raw: Path, name: str, text: str) -> Path:
    """A file of tickets."""
    path = raw / "tickets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def batch(day: int, channel: str = "email", team: str = "blue", rows: int = 200) -> str:
    """Rows that landed on a day."""
    at = datetime(2026, 1, 1) + timedelta(days=day)
    lines = (f"{day}-{n},{at},{channel},{team if n % 2 else ''},{at + timedelta(hours=1)}\n" for n in range(rows))
    return LANDED_HEADER + "".join(lines)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A raw directory with one good file of tickets."""
    deliver(tmp_path / "raw", "good.csv", HEADER + "1,2026-01-01,email,blue\n")
    return tmp_path / "raw"


def test_a_file_that_is_gone_before_it_is_read_is_named(raw: Path) -> None:
    (raw / "tickets" / "gone.csv").symlink_to(raw / "nowhere.csv")
    (finding,) = inspect_files(raw).findings()
    assert (finding.where, finding.set_aside) == ("tickets/gone.csv", True)
    assert finding.what == "the file cannot be read: no such file or directory"


def test_a_folder_that_may_not_be_opened_is_named_and_stops_the_build(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_folder = Path.iterdir

    def refuse(folder: Path) -> Any:
        if folder.name == "tickets":
            raise PermissionError(13, "Permission denied")
        return list_folder(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    (finding,) = inspect_files(raw).findings()
    assert (finding.where, finding.severity, finding.set_aside) == ("tickets", "critical", False)
    assert "cannot be opened (Permission denied)" in finding.what


def test_a_file_that_may_not_be_read_is_named_with_what_to_do(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: Path, *_: object, **__: object) -> Any:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "open", refuse)
    (finding,) = inspect_files(raw).findings()
    assert finding.what == "the file cannot be read: permission denied"
    assert finding.advice.startswith("let the user who builds read it")


def test_a_file_that_grows_while_it_is_checked_is_not_used(raw: Path) -> None:
    path = deliver(raw, "growing.csv", HEADER + "2,2026-01-01,email,blue\n")

    def grow(share: float, what: str) -> None:
        if what == "checking tickets":
            path.write_text(path.read_text() + "3,2026-01-02,email,blue\n")

    result = validate(raw, raw.parent / "out", data_docs=False, progress=grow)
    (finding,) = result.critical
    assert (finding.where, finding.set_aside) == ("tickets/growing.csv", True)
    assert "changed while it was checked" in finding.what


def test_a_file_that_changes_during_the_build_keeps_it_from_publishing(raw: Path, tmp_path: Path) -> None:
    output = Output(tmp_path / "out")
    output.built.parent.mkdir(parents=True)
    output.built.touch()
    write_files(inspect_files(raw).files, output.built.with_suffix(".duckdb.files.json"))
    assert [file.name for file in built_files(output)] == ["tickets/good.csv"]
    refuse_changed_files(output)
    deliver(raw, "good.csv", HEADER)
    with pytest.raises(BuildError, match=r"tickets/good\.csv: changed or vanished"):
        refuse_changed_files(output)


def test_a_second_look_reads_only_what_has_changed(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(inspect_files(raw).files, tmp_path / "files.json")
    deliver(raw, "new.csv", HEADER + "2,2026-01-01,email,blue\n")
    looked: list[str] = []

    def spy(files: list[RawFile], *options: str) -> str:
        looked.extend(file.name for file in files)
        return scan(files, *options)

    monkeypatch.setattr(inspection, "scan", spy)
    report = inspect_files(raw, known=read_files(tmp_path / "files.json"))
    assert {file.name: file.rows for file in report.files} == {"tickets/good.csv": 1, "tickets/new.csv": 1}
    assert looked == ["tickets/new.csv"]


def test_the_text_of_a_file_is_read_once(raw: Path, tmp_path: Path) -> None:
    """Once it is copied, its text is needed no more."""
    report = inspect_files(raw, copies=tmp_path)
    (file,) = report.files
    assert file.copy and file.copy.exists()
    path = raw / "tickets" / "good.csv"
    seen: list[str] = []

    def take_away(share: float, what: str) -> None:
        seen.append(what)
        if what == "reading customers":  # the first table, after all files have been looked at
            path.rename(path.with_suffix(".away"))
        if what.startswith("checking"):
            path.with_suffix(".away").rename(path)

    result = validate(raw, tmp_path / "out", data_docs=False, progress=take_away)
    assert result.findings == [] and result.tables["tickets"].rows == 1 and "checking tickets" in seen


def test_a_copy_is_kept_as_long_as_its_file(raw: Path, tmp_path: Path) -> None:
    copies, known = tmp_path / "copies", tmp_path / "files.json"

    def look() -> Path:
        report = inspect_files(raw, copies=copies, known=read_files(known))
        write_files(report.files, known)
        (copy,) = copies.iterdir()
        assert [file.copy for file in report.files] == [copy]
        return copy

    first = look()
    written = first.stat().st_mtime_ns
    assert look() == first and first.stat().st_mtime_ns == written
    path = raw / "tickets" / "good.csv"
    before = path.stat()
    path.write_text(HEADER + "9,2026-01-01,email,blue\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # of the same name, size and time
    second = look()
    assert second != first and not first.exists()
    assert duckdb.sql(f"select ticket_id from '{second}'").fetchall() == [("9",)]
    second.unlink()
    assert look() == second
    path.unlink()
    assert inspect_files(raw, copies=copies, known=read_files(known)).files == []
    assert list(copies.iterdir()) == []


def test_dbt_reads_the_copy_in_place_of_the_text(raw: Path, tmp_path: Path) -> None:
    known = tmp_path / "files.json"
    write_files(inspect_files(raw, copies=tmp_path / "copies").files, known)
    (copy,) = (tmp_path / "copies").iterdir()
    found = landing(raw, known)
    assert str(copy) in found["rows"]["tickets"] and "good.csv" not in found["rows"]["tickets"]
    assert [(file["file_name"], file["file_path"]) for file in found["files"]] == [("tickets/good.csv", str(copy))]
    copy.unlink()
    assert "good.csv" in landing(raw, known)["rows"]["tickets"]


@pytest.mark.parametrize("copied", [False, True])
def test_an_id_that_a_text_writes_as_a_float_is_the_whole_number(tmp_path: Path, copied: bool) -> None:
    folder = tmp_path / "raw" / "ticket_events"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text(
        "event_at,event_id,ticket_id,field_name,new_value\n2026-01-01,1.0,20.0,1.0,0.0\n2026-01-01,1.00,01.0,1.0,v1.0\n"
    )
    (folder / "b.json").write_text(
        '[{"event_at": "2026-01-01", "event_id": 7.0, "ticket_id": 1.5, "field_name": "team"}]'
    )
    parquet = "select timestamp '2026-01-01' as event_at, '1.0' as event_id, '2.0' as ticket_id, 'team' as field_name"
    duckdb.execute(f"copy ({parquet}) to '{folder}/d.parquet'")
    files = inspect_files(tmp_path / "raw", copies=tmp_path / "copies" if copied else None).files
    files = [file.read_as for file in files]
    for select in (view(raw_tables()["ticket_events"], files), landed(raw_tables()["ticket_events"], files)):
        assert set(duckdb.sql(f"select event_id, ticket_id, field_name, new_value from ({select})").fetchall()) == {
            ("1", "20", "1.0", "0"),
            ("1.00", "01.0", "1.0", "v1.0"),
            ("7", "1.5", "team", None),
            ("1.0", "2.0", "team", None),  # in Parquet a text is a text
        }


def test_a_narrow_float_is_what_it_is_written_as(tmp_path: Path) -> None:
    path = tmp_path / "raw" / "survey_responses" / "narrow.parquet"
    path.parent.mkdir(parents=True)
    duckdb.execute(
        "copy (select 'r' as response_id, 'csat' as survey_type, now()::timestamp as responded_at, 4.1::float as score)"
        f" to '{path}' (format parquet)"
    )
    (file,) = inspect_files(tmp_path / "raw").files
    for select in (view(raw_tables()[file.table], [file]), landed(raw_tables()[file.table], [file])):
        assert duckdb.sql(f"select score from ({select})").fetchall() == [(4.1,)]


@pytest.mark.parametrize(("command", "limit"), [("validate", 2_000), ("build", 500_000)])
def test_a_full_disk_is_one_message_and_nothing_is_published(
    raw: Path, tmp_path: Path, command: str, limit: int
) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "outside_in.cli", command, "--raw-dir", raw, "--out", tmp_path / "out"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, preexec_fn=no_room,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout and ("File too large" in done.stdout or "failed" in done.stdout)
    assert not list((tmp_path / "out").glob("published*"))


# A mount of one's own needs no rights where user namespaces are allowed.
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]


def test_a_disk_that_fills_up_inside_dbt_is_one_message_and_the_next_run_repairs(raw: Path, tmp_path: Path) -> None:
    output = Output(tmp_path / "out")
    folder = output.built.parent
    write_build(output, 1)
    publish(output, "made from 1")
    small = f'mount -t tmpfs -o size=512k none "{folder}"'
    try:
        subprocess.run([*OWN_MOUNTS, small], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small disk of their own")
    build = [sys.executable, "-m", "outside_in.cli", "build", "--raw-dir", str(raw), "--out", str(output.root)]
    done = subprocess.run(
        [*OWN_MOUNTS, f'{small}; exec "$@"', "sh", *build], text=True, capture_output=True, check=False
    )
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("failed")] == [
        "failed the disk is full: make room and run again"
    ]
    assert seen(output.link) == 1 and not output.receipt.exists()
    assert outside_in(*build[3:]).returncode == 0
    with duckdb.connect(str(output.published), read_only=True) as con:
        assert con.execute("select count(*) from marts.fct_tickets").fetchall() == [(1,)]


def test_exit_codes_and_reports_of_validate(raw: Path, tmp_path: Path) -> None:
    def ends_with(*options: str) -> tuple[int, int]:
        done = outside_in("validate", "--raw-dir", raw, "--out", tmp_path / "out", *options)
        assert "Traceback" not in done.stdout
        suites = ElementTree.parse(tmp_path / "out" / "validation" / "junit.xml").getroot()
        return done.returncode, sum(int(suite.attrib["failures"]) for suite in suites)

    assert ends_with("--strict") == (0, 0)
    deliver(raw, "odd.csv", HEADER + "2,2026-01-01,fax,blue\n")
    assert ends_with() == (0, 0)
    assert ends_with("--strict") == (1, 1)
    deliver(raw, "broken\x1b[31m.csv", "ticket_id\n1\n")
    assert ends_with() == (2, 1)
    assert (tmp_path / "out" / "validation" / "data_docs" / "index.html").exists()


def drift(raw: Path, out: Path) -> list[str]:
    """What is not as in the runs before."""
    result = validate(raw, out, data_docs=False)
    return [finding.what for finding in result.warnings if "not as in the runs before" in finding.what]


def test_a_change_in_the_export_is_seen_when_it_arrives(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for day in range(5):
        deliver(raw, f"{day}.csv", batch(day))
        assert drift(raw, out) == []
    deliver(raw, "5.csv", batch(5, channel="fax", team="", rows=900))
    (told,) = drift(raw, out)
    assert "share of team that is filled, now 0, before 0.5" in told
    assert "share of channel that is unknown, now 1, before 0" in told
    assert "rows landed since the run before, now 900, before 200" in told
    stored = (out / "history.json").read_bytes()
    assert drift(raw, out) == [told], "the same data again is the same run again"
    assert (out / "history.json").read_bytes() == stored


def test_rows_that_vanish_are_seen(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for day in range(3):
        deliver(raw, f"{day}.csv", batch(day))
    drift(raw, out)
    (raw / "tickets" / "0.csv").unlink()
    deliver(raw, "3.csv", batch(3, rows=100))
    assert drift(raw, out) == ["not as in the runs before (rows in all, now 500, before 600)"]
    for path in (raw / "tickets").iterdir():
        path.unlink()
    gone = validate(raw, out, data_docs=False).warnings
    assert [finding.what for finding in gone] == ["the table had rows in the last run and has no readable file now"]
