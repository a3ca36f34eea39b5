-- grain: one row per KPI, part_date, dimension and member that fct_calls feeds
{{ kpi_parts('fct_calls') }}  -- noqa: PRS
