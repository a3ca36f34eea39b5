{#- A value as JSON text, quoted and escaped. -#}
{% macro json_text(expression) %}
    {{- adapter.dispatch('json_text')(expression) -}}
{% endmacro %}

{% macro default__json_text(expression) -%}
    cast(to_json(cast({{ expression }} as varchar)) as varchar)
{%- endmacro %}

{% macro spark__json_text(expression) -%}
    ('"' || replace(replace(cast({{ expression }} as string), '\\', '\\\\'), '"', '\\"') || '"')
{%- endmacro %}
