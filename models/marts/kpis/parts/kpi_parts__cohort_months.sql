-- grain: one row per KPI, part_date, dimension and member that fct_cohort_months feeds
{{ kpi_parts('fct_cohort_months') }}  -- noqa: PRS
