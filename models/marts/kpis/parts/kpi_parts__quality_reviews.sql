-- grain: one row per KPI, part_date, dimension and member that fct_quality_reviews feeds
{{ kpi_parts('fct_quality_reviews') }}  -- noqa: PRS
