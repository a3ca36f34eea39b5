{#- The texts of a group in alphabetical order, joined; nulls are left out and nothing at all is null. -#}
{% macro text_list(expression, separator) %}
    {{- adapter.dispatch('text_list')(expression, separator) -}}
{% endmacro %}

{% macro default__text_list(expression, separator) -%}
    string_agg({{ expression }}, '{{ separator }}' order by {{ expression }})
{%- endmacro %}

{% macro spark__text_list(expression, separator) -%}
    nullif(array_join(array_sort(collect_list({{ expression }})), '{{ separator }}'), '')
{%- endmacro %}
