-- grain: one row per KPI, part_date, dimension, member and value that fct_returns feeds
{{ kpi_value_counts('fct_returns') }}  -- noqa: PRS
