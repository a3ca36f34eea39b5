{#- Period grains, finest first. Quarters and years follow fiscal_year_start_month; `all` is one period. -#}
{% macro period_grains() -%}
    {{ return(['day', 'week', 'month', 'quarter', 'year', 'all']) }}
{%- endmacro %}

{#- The first day of the period in which a date lies. -#}
{% macro period_start(date, grain) -%}
    {%- set shift = var('fiscal_year_start_month') - 1 -%}
    {%- if grain == 'all' -%}
        cast('1900-01-01' as date)
    {%- elif grain == 'day' -%}
        {{ date }}
    {%- elif grain in ('quarter', 'year') and shift -%}
        cast(date_trunc('{{ grain }}', {{ date }} - interval '{{ shift }}' month) + interval '{{ shift }}' month as date)
    {%- else -%}
        cast(date_trunc('{{ grain }}', {{ date }}) as date)
    {%- endif -%}
{%- endmacro %}

{#- The first day after a period that starts on `start`; as_of's own day ends the period `all`. -#}
{% macro next_period_start(start, grain) -%}
    {%- if grain == 'day' -%}
        {{ start }} + 1
    {%- elif grain == 'week' -%}
        {{ start }} + 7
    {%- elif grain == 'quarter' -%}
        cast({{ start }} + interval '3' month as date)
    {%- else -%}
        cast({{ start }} + interval '1' {{ grain }} as date)
    {%- endif -%}
{%- endmacro %}

{#- The first day of the period before. -#}
{% macro previous_period_start(start, grain) -%}
    {%- if grain == 'day' -%}
        {{ start }} - 1
    {%- elif grain == 'week' -%}
        {{ start }} - 7
    {%- elif grain == 'quarter' -%}
        cast({{ start }} - interval '3' month as date)
    {%- else -%}
        cast({{ start }} - interval '1' {{ grain }} as date)
    {%- endif -%}
{%- endmacro %}
