{#- A text in which everything that fits a regular expression is replaced. No backslashes in it: engines read them apart. -#}
{% macro replaced(text, pattern, by) %}
    {{- adapter.dispatch('replaced')(text, pattern, by) -}}
{% endmacro %}

{% macro default__replaced(text, pattern, by) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ by }}', 'g')
{%- endmacro %}

{% macro spark__replaced(text, pattern, by) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ by }}')
{%- endmacro %}
