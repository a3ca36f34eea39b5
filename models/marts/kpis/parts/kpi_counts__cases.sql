-- grain: one row per KPI, part_date, dimension, member and value that fct_cases feeds
{{ kpi_value_counts('fct_cases') }}  -- noqa: PRS
