{#- Time arithmetic that reads the same on every engine. -#}

{#- An instant as wall-clock time of the reports. UTC needs no conversion, and most conversions are of many rows. -#}
{% macro reporting_time(utc_timestamp) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        {{ utc_timestamp }}
    {%- else -%}
        {{ wall_clock(utc_timestamp, sql_text(var('reporting_timezone'))) }}
    {%- endif -%}
{%- endmacro %}

{#- The day of the reports in which an instant lies. -#}
{% macro reporting_date(utc_timestamp) -%}
    cast({{ reporting_time(utc_timestamp) }} as date)
{%- endmacro %}

{% macro reporting_hour(utc_timestamp) -%}
    cast(extract(hour from {{ reporting_time(utc_timestamp) }}) as bigint)
{%- endmacro %}

{% macro reporting_weekday(utc_timestamp) -%}
    cast({{ iso_weekday(reporting_date(utc_timestamp)) }} as bigint)
{%- endmacro %}

{#- The first instant of a day of the reports. -#}
{% macro first_instant(date) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ date }} as timestamp)
    {%- else -%}
        {{ day_start(date, sql_text(var('reporting_timezone'))) }}
    {%- endif -%}
{%- endmacro %}

{#- Every quarter of an hour of the dates in a CTE: at one of them every hour of any clock begins. -#}
{% macro quarter_hours(days) -%}
    select cast({{ days }}.date_day as timestamp) + quarters.quarter_number * 15 * interval '1' minute as quarter_at
    from {{ days }}
    cross join (
        {%- for quarter in range(96) %}
        {{ 'union all ' if not loop.first }}select {{ quarter }} as quarter_number
        {%- endfor %}
    ) as quarters
{%- endmacro %}

{% macro seconds_between(first, last) -%}
    (({{ microseconds(last) }} - {{ microseconds(first) }}) / 1e6)
{%- endmacro %}

{#- The same; unknown where the first comes after the last. -#}
{% macro seconds_in_order(first, last) -%}
    case when {{ last }} >= {{ first }} then {{ seconds_between(first, last) }} end
{%- endmacro %}

{#- Seconds of all rows together: whole microseconds add up to the same bits in any order. -#}
{% macro total_seconds(first, last) -%}
    (sum({{ microseconds(last) }} - {{ microseconds(first) }}) / 1e6)
{%- endmacro %}

{% macro minutes_between(first, last) -%}
    (({{ microseconds(last) }} - {{ microseconds(first) }}) / 6e7)
{%- endmacro %}

{% macro hours_between(first, last) -%}
    (({{ microseconds(last) }} - {{ microseconds(first) }}) / 3.6e9)
{%- endmacro %}

{#- Elapsed days of 24 hours. -#}
{% macro days_elapsed(first, last) -%}
    (({{ microseconds(last) }} - {{ microseconds(first) }}) / 8.64e10)
{%- endmacro %}

{#- Calendar months from one date to another. -#}
{% macro months_between(first_date, last_date) -%}
    ((year({{ last_date }}) - year({{ first_date }})) * 12 + month({{ last_date }}) - month({{ first_date }}))
{%- endmacro %}
