{#- Business predicates of answers that somebody should act on. -#}

{#- Unhappy is wider than dissatisfied: a neutral answer is not, the lower half is. -#}
{% macro is_csat_unhappy(place) -%}
    {{ place }} < 0.5
{%- endmacro %}

{% macro is_ces_hard(place) -%}
    {{ place }} <= 1e0 / 3e0
{%- endmacro %}
