"""What is read of a validation: a terminal summary, a JSON file, and Data Docs that load nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from rich.console import Console
from rich.markup import escape as plain
from rich.table import Table

from outside_in.validation.findings import Finding, ValidationResult

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

SHOWN_FINDINGS = 25
STYLES = {"critical": "bold red", "warning": "yellow", "note": "dim"}
# What is left of the stylesheets that Great Expectations' pages would load from elsewhere.
CSS = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1.4rem }
th, td { border-bottom: 1px solid #dde3ea; padding: .3rem .6rem; text-align: left; vertical-align: top }
h5 { font-size: 1.1rem; margin: 1.6rem 0 .3rem } h6 { margin: .6rem 0 0 } a { color: #0b5cad }
.critical, .text-danger { color: #b3261e } .warning { color: #8a5a00 } .note { color: #5b6875 }
.text-success { color: #1b7f3b } .fa-check-circle::before { content: "\\2714" }
.fa-times::before, .fa-times-circle::before { content: "\\2716" }
.fa-exclamation-triangle::before { content: "\\26A0" }
.number { text-align: right } [hidden], .collapse, [data-toggle=collapse] { display: none }
"""


def write_json(result: ValidationResult, path: Path) -> None:
    """Write the machine-readable result."""
    path.write_text(json.dumps(result.as_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")


def print_summary(result: ValidationResult, console: Console) -> None:
    """Print the tables, then the findings with what to do, the worst first."""
    tables = Table(box=None, header_style="bold")
    tables.add_column("table")
    for title in ("files", "rows", "checks", "not met"):
        tables.add_column(title, justify="right")
    for name, table in result.tables.items():
        failed = sum(not check.success for check in table.checks)
        tables.add_row(name, f"{table.files:,}", f"{table.rows:,}", f"{len(table.checks):,}", f"{failed or ''}")
    console.print(tables)
    for severity, findings in (
        ("critical", result.critical),
        ("warning", result.warnings),
        ("note", result.notes),
    ):
        shown = findings if severity == "critical" else findings[:SHOWN_FINDINGS]
        for finding in shown:
            console.print(f"[{STYLES[severity]}]{severity}[/] {plain(_sentence(finding))}", soft_wrap=True)
        if len(findings) > len(shown):
            console.print(f"[dim]… and {len(findings) - len(shown)} more: see validation.json[/]")
    counts = f"{len(result.critical)} critical, {len(result.warnings)} warnings, {len(result.notes)} notes"
    verdict = "[bold red]The build stops here[/]" if result.stops else "[bold green]The raw files can be built[/]"
    if result.critical and not result.stops:
        verdict = "[bold yellow]The raw files can be built, without those set aside[/]"
    console.print(f"{verdict}: {counts} ({result.seconds:.1f} s)")


def write_junit(result: ValidationResult, path: Path, *, strict: bool) -> None:
    """Write the result as JUnit XML, which CI systems show: a suite per table, a test case per check.

    Args:
        result: what to write; without times, so that the same input gives the same file.
        path: the file.
        strict: whether a warning fails its test case; else it is told in the test case's output.
    """
    suites = ElementTree.Element("testsuites", name="raw data")
    names = dict.fromkeys([*(finding.table for finding in result.findings), *result.tables])
    for name in names:
        suite = ElementTree.SubElement(suites, "testsuite", name=name or "raw directory")
        for finding in result.findings:
            if finding.table == name and finding.severity != "note":
                case = ElementTree.SubElement(
                    suite,
                    "testcase",
                    classname=suite.attrib["name"],
                    name=_printable(f"{finding.what} {finding.where}".strip()),
                )
                fails = finding.severity == "critical" or strict
                told = ElementTree.SubElement(case, "failure" if fails else "system-out")
                if fails:
                    told.set("type", finding.severity)
                    told.set("message", _printable(finding.what))
                told.text = _sentence(finding)
        for check in result.tables[name].checks if name in result.tables else ():
            if check.success:
                ElementTree.SubElement(suite, "testcase", classname=suite.attrib["name"], name=check.claim)
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    ElementTree.indent(suites)
    path.write_bytes(ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n")


def write_data_docs(
    result: ValidationResult, documents: Mapping[str, ExpectationSuiteValidationResult], folder: Path
) -> None:
    """Write Great Expectations' Data Docs: an index and a page per table, complete in themselves.

    Args:
        result: for the index.
        documents: the outcome of each table's suite.
        folder: where the pages go; pages of earlier runs are removed.
    """
    # Heavy to load, and needed nowhere else.
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaSectionView

    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.html"):
        old.unlink()
    renderer = ValidationResultsPageRenderer()
    section_view: Any = DefaultJinjaSectionView()
    for name, document in documents.items():
        body = ""
        for number, section in enumerate(renderer.render(document).sections, start=1):
            # What folds needs a script, and holds only versions and the clock.
            blocks = [block for block in section.content_blocks if block.content_block_type != "collapse"]
            shown = {**section.to_json_dict(), "content_blocks": [block.to_json_dict() for block in blocks]}
            body += section_view.render({"section": shown, "section_loop": {"index": number}})
        # Links to pages that only a whole Data Docs site has.
        body = re.sub(r'<a href="\.\./[^"]*"[^>]*>(.*?)</a>', r"\1", body, flags=re.DOTALL)
        back = '<p><a href="index.html">All tables</a></p>'
        (folder / f"{name}.html").write_text(_page(name, f"{back}<h1>{name}</h1>{body}"), "utf-8")
    (folder / "index.html").write_text(_page("Raw data validation", _index(result)), "utf-8")


def _index(result: ValidationResult) -> str:
    rows = []
    for name, table in result.tables.items():
        failed = sum(not check.success for check in table.checks)
        cells = "".join(f'<td class="number">{n:,}</td>' for n in (table.files, table.rows, len(table.checks), failed))
        rows.append(f'<tr><td><a href="{name}.html">{name}</a></td>{cells}</tr>')
    found = [
        f'<tr><td class="{finding.severity}">{finding.severity}<td>{escape(_sentence(finding))}</tr>'
        for finding in [*result.critical, *result.warnings, *result.notes]
    ]
    head = "<tr><th>table<th>files<th>rows<th>checks<th>not met</tr>"
    verdict = "The build stops: see the critical findings." if result.stops else "The raw files can be built."
    return (
        f"<h1>Raw data validation</h1><p>{verdict}</p><table>{''.join(found)}</table>"
        f"<h5>Tables</h5><table>{head}{''.join(rows)}</table>"
    )


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{CSS}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _sentence(finding: Finding) -> str:
    """A finding in one line: table, what, how many, where, what to do."""
    where = f", in {finding.where}" if finding.where else ""
    first = "first rows" if len(finding.rows) > 1 else "row"
    rows = f" ({first} {', '.join(map(str, finding.rows))})" if finding.rows else ""
    unit = ("row" if finding.rows else "time") + "s" * (finding.count > 1)
    count = f": {finding.count:,} {unit}" if finding.count > 1 or finding.rows else ""
    table = f"{finding.table}: " if finding.table else ""
    advice = f" → {finding.advice}" if finding.advice else ""
    return _printable(f"{table}{finding.what}{count}{where}{rows}{advice}")


def _printable(text: str) -> str:
    """A file's name may hold what steers a terminal, turns the direction of writing, or is not allowed in XML."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
