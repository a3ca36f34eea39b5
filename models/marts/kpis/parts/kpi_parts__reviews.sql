-- grain: one row per KPI, part_date, dimension and member that fct_reviews feeds
{{ kpi_parts('fct_reviews') }}  -- noqa: PRS
