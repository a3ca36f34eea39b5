-- grain: one row per KPI, part_date, dimension and member that fct_search_performance feeds
{{ kpi_parts('fct_search_performance') }}  -- noqa: PRS
