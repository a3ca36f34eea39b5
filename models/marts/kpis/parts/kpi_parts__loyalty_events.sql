-- grain: one row per KPI, part_date, dimension and member that fct_loyalty_events feeds
{{ kpi_parts('fct_loyalty_events') }}  -- noqa: PRS
