{#-
    What a model says of itself to be kept from run to run, see `kept`. Each macro leaves a comment in the compiled SQL,
    which stays what a full refresh runs; a run that works on few keys reads the comments.
-#}

{#-
    An import of which only the rows of touched keys are needed. `keys` are the columns, or expressions of them, that
    correspond to the model's unique_key, where they have another name.
-#}
{% macro touched(name, keys=none) -%}
    {{ touched_rows(ref(name), keys) }}
{%- endmacro %}

{#- The same of a CTE that had to read more. -#}
{% macro touched_rows(rows, keys=none) -%}
    {%- set keys = ([keys] if keys is string else (keys or unique_keys())) | join(', ') -%}
    {{ rows }} /* touched by {{ modules.re.sub('\\s+', ' ', keys) }} */
{%- endmacro %}

{#-
    The keys that a change of another import touches: the block selects them. It may read `changes(name)`, the rows of
    that import before and after, and other imports as they are now. An import of which nothing is said is read as a
    whole, so any change of it makes the model anew.
-#}
{% macro touched_when(name) -%}
    /* touched when {{ name }} changes: {{ modules.re.sub('\\s+', ' ', caller()) | trim }} */
{%- endmacro %}

{#-
    The keys of an import's rows whose visitor is somebody else now, or whose customer is described otherwise: what
    `int_identity__links` and `dim_customers` touch where rows are known by both.
-#}
{% macro touched_by_visitor(name, key) -%}
{% call touched_when('int_identity__links') -%}
    select {{ key }} from {{ ref(name) }}
    where visitor_id in (select identity_value from {{ changes('int_identity__links') }})
{%- endcall %}
{% call touched_when('dim_customers') -%}
    select {{ key }} from {{ ref(name) }}
    where
        customer_id in (select customer_id from {{ changes('dim_customers') }})
        or visitor_id in (
            select identity_value from {{ ref('int_identity__links') }}
            where customer_id in (select customer_id from {{ changes('dim_customers') }})
        )
{%- endcall %}
{%- endmacro %}

{#-
    The keys of a survey's rows whose subject changed: `subject` is what kind of thing it is, `changed` the table of these
    things, `id` its column that the survey knows them by.
-#}
{% macro touched_by_subject(name, key, subject, changed, id) -%}
{% call touched_when(changed) -%}
    select {{ key }} from {{ ref(name) }}
    where subject_type = '{{ subject }}' and subject_id in (select {{ id }} from {{ changes(changed) }})
{%- endcall %}
{%- endmacro %}

{#- No key: of an import, the model reads nothing that such a change could alter. Whoever says so says why. -#}
{% macro touched_by_none(name) -%}
{% call touched_when(name) -%}
    select {{ unique_keys() | join(', ') }} from {{ this }} where false
{%- endcall %}
{%- endmacro %}

{#-
    Keys whose rows in an import share a value of `column`, or did before, are touched together. `key` is the import's
    column that corresponds to the model's unique_key; `rows` is a condition on the import's rows; `changed` is the table
    that has its changes, where the import is a view.
-#}
{% macro touched_together(name, column, key, rows='true', changed=none) -%}
    /* touched together in {{ changed or name }} by {{ column }}: {{ ref(name) }} {{ key }} where {{ rows }} */
{%- endmacro %}

{% macro changes(name) -%}
    changes.{{ name }}
{%- endmacro %}

{% macro unique_keys() -%}
    {%- set keys = config.get('unique_key') or [] -%}
    {{ return([keys] if keys is string else keys) }}
{%- endmacro %}
