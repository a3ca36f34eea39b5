{#- A value as a SQL text literal: whatever a var or a file name holds, it stays text. -#}
{% macro sql_text(value) -%}
    '{{ value | string | replace("'", "''") }}'
{%- endmacro %}


{% macro sql_text_list(values) -%}
    ({% for value in values %}{{ sql_text(value) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
