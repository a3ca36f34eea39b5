{{ config(unique_key=['part_grain', 'part_date']) }}
-- grain: one row per KPI, part_date, dimension and member that fct_survey_submission_types feeds
{{ kpi_parts('fct_survey_submission_types') }}  -- noqa: PRS
