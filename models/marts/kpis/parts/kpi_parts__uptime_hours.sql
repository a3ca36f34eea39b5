-- grain: one row per KPI, part_date, dimension and member that fct_uptime_hours feeds
{{ kpi_parts('fct_uptime_hours') }}  -- noqa: PRS
