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

{#- How many keys a JSON object has; null for null. -#}
{% macro json_key_count(json) %}
    {{- adapter.dispatch('json_key_count')(json) -}}
{% endmacro %}

{% macro default__json_key_count(json) -%}
    len(json_keys({{ json }}))
{%- endmacro %}

{% macro spark__json_key_count(json) -%}
    cardinality(json_object_keys({{ json }}))
{%- endmacro %}

{#- The value of a key of a JSON object as text. -#}
{% macro json_value(json, key) %}
    {{- adapter.dispatch('json_value')(json, key) -}}
{% endmacro %}

{% macro default__json_value(json, key) -%}
    json_extract_string({{ json }}, '$."' || {{ key }} || '"')
{%- endmacro %}

{% macro spark__json_value(json, key) -%}
    from_json({{ json }}, 'map<string, string>')[{{ key }}]
{%- endmacro %}

{#- A relation with one row per key of the JSON object `json` of each row of `rows`: its columns, json_key, json_value. -#}
{% macro json_entries(rows, json) %}
    {{- adapter.dispatch('json_entries')(rows, json) -}}
{% endmacro %}

{% macro default__json_entries(rows, json) -%}
    select
        keyed.*,
        {{ json_value('keyed.' ~ json, 'keyed.json_key') }} as json_value
    from (select {{ rows }}.*, unnest(json_keys({{ rows }}.{{ json }})) as json_key from {{ rows }}) as keyed
{%- endmacro %}

{% macro spark__json_entries(rows, json) -%}
    select
        {{ rows }}.*,
        entries.json_key,
        entries.json_value
    from {{ rows }}
    lateral view explode(from_json({{ rows }}.{{ json }}, 'map<string, string>')) entries as json_key, json_value
{%- endmacro %}

{#- A row as JSON text, personal columns masked. -#}
{% macro masked_row(columns) %}
    {{- adapter.dispatch('masked_row')(columns) -}}
{% endmacro %}

{% macro default__masked_row(columns) -%}
    cast(to_json(struct_pack(
        {%- for column in columns %}
        {{ column }} := {{ "case when " ~ column ~ " is not null then '***' end" if column in personal_columns() else column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    )) as varchar)
{%- endmacro %}

{% macro spark__masked_row(columns) -%}
    to_json(named_struct(
        {%- for column in columns %}
        '{{ column }}', {{ "case when " ~ column ~ " is not null then '***' end" if column in personal_columns() else column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}
