{#- A number of 64 bits for values, equal for equal values and never null; others seldom have the same. -#}
{% macro number_of(values) %}
    {{- return(adapter.dispatch('number_of')(values)) -}}
{% endmacro %}

{% macro default__number_of(values) -%}
    hash({{ values | join(', ') }})
{%- endmacro %}

{% macro spark__number_of(values) -%}
    xxhash64({{ values | join(', ') }})
{%- endmacro %}
