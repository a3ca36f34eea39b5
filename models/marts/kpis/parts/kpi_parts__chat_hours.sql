-- grain: one row per KPI, part_date, dimension and member that fct_chat_hours feeds
{{ kpi_parts('fct_chat_hours') }}  -- noqa: PRS
