{#- Business predicates of answers that somebody should act on. -#}

{#- Unhappy is wider than dissatisfied: a neutral answer is not, the lower half is. -#}
{% macro is_csat_unhappy(place) -%}
    {{ place }} < 0.5
{%- endmacro %}

{#- A detractor can recover by an answer of the year after. -#}
{% macro recovery_days() -%}
    365
{%- endmacro %}

{% macro is_ces_hard(place) -%}
    {{ place }} <= 1e0 / 3e0
{%- endmacro %}
