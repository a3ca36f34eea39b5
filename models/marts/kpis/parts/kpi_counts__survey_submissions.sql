-- grain: one row per KPI, part_date, dimension, member and value that fct_survey_submissions feeds
{{ kpi_value_counts('fct_survey_submissions') }}  -- noqa: PRS
