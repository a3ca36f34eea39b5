"""The dbt project keeps its own rules: layers, documents, names and types, one registry, portable SQL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from outside_in.contract import kpis
from outside_in.paths import PROJECT
from tests.conftest import Built

MODELS = sorted((PROJECT / "models").rglob("*.sql"))
SOURCES = [*MODELS, *(path for path in (PROJECT / "macros").rglob("*.sql") if "engines" not in path.parts)]
KINDS = {"share", "mean", "nps", "count", "sum", "ratio", "median", "p75"}

# Which folder may read which: staging -> intermediate -> core -> kpis, and nothing back.
LAYERS = {"staging": 0, "intermediate": 1, "core": 2, "predictions": 3, "kpis": 4, "quality": 4}
# Dimensions are conformed: whoever joins steps below the facts may look a customer, agent or article up in them.
# These steps stand on a fact as well, because what the fact derives is not split off it yet. The list may only shrink.
STANDS_ON_A_FACT = {
    "int_ads__orders",
    "int_availability__channels",
    "int_carts__outcomes",
    "int_contacts__contacts",
    "int_contacts__later_contacts",
    "int_customers__active_spans",
    "int_knowledge__uses",
    "int_loyalty__memberships",
    "int_surveys__company_touches",
    "int_tickets__backlog_changes",
    "int_tickets__first_responses",
    "int_tickets__open_spans",
}

SUFFIX_TYPES = {
    "_id": {"VARCHAR"},
    "_at": {"TIMESTAMP"},
    "_date": {"DATE"},
    "_count": {"BIGINT"},
    "_share": {"DOUBLE"},
    "_rate": {"DOUBLE"},
    "_minutes": {"DOUBLE"},
    "_seconds": {"DOUBLE"},
    "_hours": {"DOUBLE"},
}


def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The project's models by name."""
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def layer(path: str) -> str:
    """The layer of a model, from its folder."""
    return next(part for part in Path(path).parts[1:] if part in LAYERS)


def test_what_a_mart_stands_on_can_be_built_alone(built_sample: Built) -> None:
    """`dbt build --select +kpi_values` runs every test of what it builds, also one that asks for something else too."""
    nodes, above = built_sample.manifest["nodes"], built_sample.manifest["parent_map"]
    waiting, needed = ["model.outside_in.kpi_values"], set[str]()
    while waiting:
        if (node := waiting.pop()) not in needed:
            needed.add(node)
            waiting += above[node]
    tests = {name: set(above[name]) for name, node in nodes.items() if node["resource_type"] == "test"}
    assert not {name: parents - needed for name, parents in tests.items() if parents & needed and parents - needed}


def test_nothing_points_back(built_sample: Built) -> None:
    nodes = built_sample.manifest["nodes"]
    wrong, on_facts = [], set()
    for node in models(built_sample.manifest).values():
        for parent in node["depends_on"]["nodes"]:
            if nodes.get(parent, {}).get("resource_type") != "model":
                continue
            above, below = layer(node["original_file_path"]), layer(nodes[parent]["original_file_path"])
            if LAYERS[below] <= LAYERS[above] or nodes[parent]["name"].startswith("dim_"):
                continue
            if above == "intermediate" and below == "core":
                on_facts.add(node["name"])
            else:
                wrong.append(f"{node['name']} ({above}) reads {nodes[parent]['name']} ({below})")
    assert not wrong
    assert on_facts == STANDS_ON_A_FACT


def test_only_staging_reads_raw_tables(built_sample: Built) -> None:
    readers = {
        node["name"]
        for node in models(built_sample.manifest).values()
        if any(parent.startswith("source.") for parent in node["depends_on"]["nodes"])
    }
    allowed = {name for name in readers if name.startswith(("base_raw__", "stg_raw__"))}
    assert readers - allowed == {"data_quality_reconciliation"}


def test_documented_columns_are_the_built_columns(built_sample: Built) -> None:
    with built_sample.warehouse as con:
        built: dict[str, dict[str, str]] = {}
        for name, column, kind in con.execute(
            "select table_name, column_name, data_type from information_schema.columns order by ordinal_position"
        ).fetchall():
            built.setdefault(name, {})[column] = kind
    wrong = []
    for name, node in models(built_sample.manifest).items():
        columns = {column["name"]: column for column in node["columns"].values()}
        if list(columns) != list(built[name]):
            wrong.append(f"{name}: {set(columns) ^ set(built[name]) or 'another order'}")
        for column, entry in columns.items():
            if not entry["description"] or entry["description"] == "TODO":
                wrong.append(f"{name}.{column} has no description")
            if (entry["data_type"] or "").upper() != built[name].get(column, "").upper():
                wrong.append(f"{name}.{column} is {built[name].get(column)}, documented as {entry['data_type']}")
        if not node["description"] or node["description"] == "TODO":
            wrong.append(f"{name} has no description")
    assert not wrong, "\n".join(wrong)


def test_public_models_have_an_enforced_contract(built_sample: Built) -> None:
    for name, node in models(built_sample.manifest).items():
        if node["schema"] == "marts":
            assert node["config"]["contract"]["enforced"], name


def test_a_columns_name_says_its_type(built_sample: Built) -> None:
    with built_sample.marts as con:
        columns = con.execute(
            "select table_name, column_name, data_type from information_schema.columns where table_schema = 'marts'"
        ).fetchall()
    wrong = []
    for table, column, kind in columns:
        if column.startswith(("is_", "has_", "in_")):
            wanted = {"BOOLEAN"}
        elif column.endswith("_amount"):
            wanted = {"DECIMAL(28,8)", "DECIMAL(18,4)", "DOUBLE"}
        else:
            wanted = next((types for suffix, types in SUFFIX_TYPES.items() if column.endswith(suffix)), {kind})
        if kind not in wanted:
            wrong.append(f"{table}.{column} is {kind}")
    assert not wrong


def test_every_model_says_its_grain_first() -> None:
    wrong = [
        str(path.relative_to(PROJECT))
        for path in MODELS
        if not re.match(r"(\{\{ config\(.*\) \}\}\n)?-- grain: ", path.read_text("utf-8"))
    ]
    assert not wrong


def test_registry_entries_are_whole(built_sample: Built) -> None:
    found = 0
    for name, node in models(built_sample.manifest).items():
        columns = set(node["columns"])
        for kpi, entry in node["config"].get("meta", {}).get("kpis", {}).items():
            found += 1
            assert kpi in kpis(), f"{name}: {kpi} is not in the dictionary"
            assert entry["kind"] in KINDS, f"{name}: {kpi} is of an unknown kind"
            used = {entry[key] for key in ("date", "measure", "numerator", "denominator") if key in entry}
            assert used <= columns, f"{name}: {kpi} uses {used - columns}, which the fact does not have"
            assert set(entry.get("by", [])) <= set(kpis()[kpi].by), f"{name}: {kpi} has a dimension of its own"
    assert found > 30


# What Spark SQL reads differently or not at all; each was seen live on both engines.
NOT_PORTABLE = {
    "qualify": r"\bqualify\b",
    "cast by ::": r"::",
    "as-of join": r"\basof\b",
    "select * exclude/replace": r"\*\s+(exclude|replace|except)\s*\(",
    "integer division //": r"[\w)]\s*//\s*[\w(]",
    "list subscript": r"\w\[\d+\]",
    "filter with over": r"filter\s*\([^()]*\)\s*over",
    "unquoted interval": r"\binterval\s+\d",
    "group by all": r"group by all\b",
    "distinct on": r"\bdistinct on\b",
    "union by name": r"\bby name\b",
    "numbering without an order": r"\bover\s*\(\s*\)\s*as\s+\w*(rank|number)",
    "null handling of windows": r"\bignore nulls\b",
    "first match only": r"\bregexp_replace\s*\(",
    "nulls in concat": r"\bconcat\s*\(",
    "decimal division": r"/\s*\d+\.\d+\b(?!e)|\b\d+\.\d+\b(?!e)\s*/",
    "two logarithms": r"\blog\s*\(",
    "weekday names and numbers": r"\b(dayofweek|dayname|monthname|weekday|isodow)\s*\(",
    "time spelled per engine": r"\b(epoch\w*|make_timestamp|str[fp]time|date_?diff|age)\s*\(",
    "time zone": r"\bat time zone\b",
    "rows from lists": r"\b(unnest|generate_series|range|sequence|explode)\s*\(",
    "ordered aggregates": r"\b(string_agg|listagg|array_agg|list)\s*\(",
    "structs and JSON": r"\b(struct_pack|json_\w+|to_json|from_json|map)\s*\(",
    "another engine's max_by": r"\b(arg_max|arg_min|argmax|argmin)\s*\(",
    "hash": r"\bhash\s*\(",
}


def bare_sql(text: str) -> str:
    """SQL without comments, text literals and the quoted names that dbt writes for relations."""
    text = re.sub(r"\{#.*?#\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"--[^\n]*", " ", text)
    text = re.sub(r"(interval '[^']*')|'(?:[^']|'')*'", lambda match: match.group(1) or "''", text)
    return re.sub(r'"\w+"\."\w+"\."\w+"', "relation", text).lower()


@pytest.mark.parametrize("name", NOT_PORTABLE)
def test_sql_is_portable(name: str) -> None:
    """The sources: what differs between engines is spelled in macros/engines only."""
    pattern = re.compile(NOT_PORTABLE[name])
    wrong = []
    for path in SOURCES:
        # Jinja's own expressions are Python: lists, // and map() mean something else there.
        text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", bare_sql(path.read_text("utf-8")), flags=re.DOTALL)
        wrong += [f"{path.relative_to(PROJECT)}: {match.group()!r}" for match in pattern.finditer(text)]
    assert not wrong


def test_compiled_sql_is_portable_but_for_the_engine_macros(built_sample: Built) -> None:
    """The compiled SQL: whatever is not portable there must come from macros/engines."""
    spellings = [bare_sql(path.read_text("utf-8")) for path in (PROJECT / "macros" / "engines").glob("*.sql")]
    from_engines = {
        name for name, pattern in NOT_PORTABLE.items() if any(re.search(pattern, text) for text in spellings)
    }
    wrong = []
    for name, node in models(built_sample.manifest).items():
        if node["language"] == "python":
            continue
        text = bare_sql(node["compiled_code"])
        for rule, pattern in NOT_PORTABLE.items():
            if rule not in from_engines and re.search(pattern, text):
                wrong.append(f"{name}: {rule}")
        if re.search(r'"\w', text):
            wrong.append(f"{name}: a double-quoted name")
    assert not wrong


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t qualify row_number() over (order by a) = 1",
        "select a::int from t",
        "select * exclude (a) from t",
        "select 1.0 / 3",
        "select interval 1 day",
        "select epoch(a) from t",
    ],
)
def test_the_portability_rules_can_fail(sql: str) -> None:
    assert any(re.search(pattern, bare_sql(sql)) for pattern in NOT_PORTABLE.values())


def test_no_machine_is_named_in_the_project() -> None:
    """No registry host, download address or home path in what is committed."""
    wrong = []
    for path in [*PROJECT.glob("*.lock"), *PROJECT.glob("*.toml"), *PROJECT.glob("*.yml"), *SOURCES]:
        text = path.read_text("utf-8")
        if re.search(r"https?://(files|pypi|registry)|/(root|home)/\w", text):
            wrong.append(path.name)
    assert not wrong
