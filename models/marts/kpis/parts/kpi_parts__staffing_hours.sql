-- grain: one row per KPI, part_date, dimension and member that fct_staffing_hours feeds
{{ kpi_parts('fct_staffing_hours') }}  -- noqa: PRS
