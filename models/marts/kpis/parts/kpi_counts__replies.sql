-- grain: one row per KPI, part_date, dimension, member and value that fct_replies feeds
{{ kpi_value_counts('fct_replies') }}  -- noqa: PRS
