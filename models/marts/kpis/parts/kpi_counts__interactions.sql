-- grain: one row per KPI, part_date, dimension, member and value that fct_interactions feeds
{{ kpi_value_counts('fct_interactions') }}  -- noqa: PRS
