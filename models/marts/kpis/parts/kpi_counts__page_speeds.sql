-- grain: one row per KPI, part_date, dimension, member and value that fct_page_speeds feeds
{{ kpi_value_counts('fct_page_speeds') }}  -- noqa: PRS
