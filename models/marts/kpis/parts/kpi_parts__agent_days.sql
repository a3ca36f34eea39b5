-- grain: one row per KPI, part_date, dimension and member that fct_agent_days feeds
{{ kpi_parts('fct_agent_days') }}  -- noqa: PRS
