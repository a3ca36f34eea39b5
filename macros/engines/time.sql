{#- Instants are naive timestamps in UTC everywhere; these spellings differ between engines. -#}

{#- An instant as wall-clock time in a time zone given as a SQL expression. -#}
{% macro wall_clock(utc_timestamp, timezone) %}
    {{- adapter.dispatch('wall_clock')(utc_timestamp, timezone) -}}
{% endmacro %}

{% macro default__wall_clock(utc_timestamp, timezone) -%}
    ((({{ utc_timestamp }}) at time zone 'UTC') at time zone {{ timezone }})
{%- endmacro %}

{% macro spark__wall_clock(utc_timestamp, timezone) -%}
    from_utc_timestamp({{ utc_timestamp }}, {{ timezone }})
{%- endmacro %}

{#- Wall-clock time in a time zone (a SQL expression) as an instant. -#}
{% macro instant(wall_clock, timezone) %}
    {{- adapter.dispatch('instant')(wall_clock, timezone) -}}
{% endmacro %}

{% macro default__instant(wall_clock, timezone) -%}
    ((({{ wall_clock }}) at time zone {{ timezone }}) at time zone 'UTC')
{%- endmacro %}

{% macro spark__instant(wall_clock, timezone) -%}
    to_utc_timestamp({{ wall_clock }}, {{ timezone }})
{%- endmacro %}

{#- The first instant of a day in a time zone. Where clocks go back over midnight there are two midnights, of which DuckDB takes
    the later and Spark the earlier. -#}
{% macro day_start(date, timezone) %}
    {{- adapter.dispatch('day_start')(date, timezone) -}}
{% endmacro %}

{% macro default__day_start(date, timezone) -%}
    {%- set midnight = 'cast(' ~ date ~ ' as timestamp)' -%}
    least(
        {{ instant(midnight, timezone) }},
        {{ instant(midnight ~ " - interval '1' hour", timezone) }} + interval '1' hour
    )
{%- endmacro %}

{% macro spark__day_start(date, timezone) -%}
    {{ instant('cast(' ~ date ~ ' as timestamp)', timezone) }}
{%- endmacro %}

{#- Whether text is not the name of a time zone that the engine knows; asked to convert by such a one, it stops. -#}
{% macro is_no_timezone(name) %}
    {{- return(adapter.dispatch('is_no_timezone')(name)) -}}
{% endmacro %}

{% macro default__is_no_timezone(name) -%}
    lower(trim({{ name }})) not in (select lower(zones.name) from pg_timezone_names() as zones)
{%- endmacro %}

{#- Spark has no list of them; `try_to_timestamp` reads one that it knows. -#}
{% macro spark__is_no_timezone(name) -%}
    ({{ name }} is not null and try_to_timestamp('2000-01-01 00:00 ' || trim({{ name }}), 'yyyy-MM-dd HH:mm VV') is null)
{%- endmacro %}

{#- Whole microseconds since 1970: the one integer both engines agree on, so differences are exact. -#}
{% macro microseconds(utc_timestamp) %}
    {{- adapter.dispatch('microseconds')(utc_timestamp) -}}
{% endmacro %}

{% macro default__microseconds(utc_timestamp) -%}
    epoch_us({{ utc_timestamp }})
{%- endmacro %}

{% macro spark__microseconds(utc_timestamp) -%}
    unix_micros({{ utc_timestamp }})
{%- endmacro %}

{#- Monday 1 to Sunday 7. -#}
{% macro iso_weekday(date) %}
    {{- adapter.dispatch('iso_weekday')(date) -}}
{% endmacro %}

{% macro default__iso_weekday(date) -%}
    isodow({{ date }})
{%- endmacro %}

{% macro spark__iso_weekday(date) -%}
    (weekday({{ date }}) + 1)
{%- endmacro %}

{#- Whole days from one date to another. -#}
{% macro days_from(first_date, last_date) %}
    {{- adapter.dispatch('days_from')(first_date, last_date) -}}
{% endmacro %}

{% macro default__days_from(first_date, last_date) -%}
    date_diff('day', {{ first_date }}, {{ last_date }})
{%- endmacro %}

{% macro spark__days_from(first_date, last_date) -%}
    cast(datediff({{ last_date }}, {{ first_date }}) as bigint)
{%- endmacro %}

{#- A table of dates from `first_day` to `last_day`, both included, both scalar expressions. -#}
{% macro days_between(first_day, last_day) %}
    {{- adapter.dispatch('days_between')(first_day, last_day) -}}
{% endmacro %}

{% macro default__days_between(first_day, last_day) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval '1' day)) as date)
        as date_day
{%- endmacro %}

{% macro spark__days_between(first_day, last_day) -%}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval '1' day)) as date_day
{%- endmacro %}
