{#-
    What becomes of every landed row of a raw table. Nothing is lost here: each row gets one `row_verdict`
      rejected    a required column is missing or unreadable; `reject_reason` says which
      future      its own time is after as_of; it waits
      superseded  a later version of its key is there
      deleted     it is the latest version of its key and a tombstone
      accepted    everything else
    Values that are unreadable or impossible are null here and kept in `removed_values`, a JSON object. A blank text is
    null too, and nothing is lost by it. Codes of currencies are of one spelling.
-#}
{% macro judged_rows(table) %}
{%- set landed = source('raw', table) -%}
with

{#- Few keys come twice, so only those rows are put in order: a window over all rows would sort the whole table. Keys are
    counted by a number made of them, which takes a third of their room. Two keys of one number do no harm: their rows are
    put in order too, key by key. #}
repeated_keys as (
    select {{ key_number(table) }} as key_number
    from {{ landed }}
    where {{ row_problem(table) }} is null
    group by {{ key_number(table) }}
    having count(*) > 1
),

versions as (
    select
        *,
        {{ version_rank(table) }} as version_rank
    from (
        {{ cleaned_rows(table, landed) }}
        where {{ key_number(table) }} in (select key_number from repeated_keys)
    ) as cleaned

    union all

    select
        *,
        1 as version_rank
    from (
        {{ cleaned_rows(table, landed) }}
        where {{ key_number(table) }} not in (select key_number from repeated_keys)
    ) as cleaned
)

{{ verdicts(table, 'versions') }}
{% endmacro %}

{#- Landed rows with their problem, and without values that cannot be; those are kept aside. A WHERE may follow. -#}
{% macro cleaned_rows(table, landed) %}
{%- set contract = raw_contract()[table] -%}
{%- set impossible = impossible_values(table) -%}
select
    {% for column in contract.columns -%}
        {%- if column in impossible -%}
            case when {{ impossible[column] }} then null else {{ column }} end as {{ column }},
        {%- elif column in contract.key and key_value(table, column) != column -%}
            {{ key_value(table, column) }} as {{ column }},
        {%- elif column == 'currency' -%}
            nullif({{ currency_code(column) }}, '') as {{ column }},
        {%- elif is_optional_text(contract, column) -%}
            {{ unless_blank(column) }} as {{ column }},
        {%- else -%}
            {{ column }},
        {%- endif %}
    {% endfor -%}
    _loaded_at,
    _deleted,
    _file,
    {{ removed_values(dict(impossible, **unusable_values(table))) }} as removed_values,
    {{ row_problem(table) }} as row_problem
from {{ landed }} as landed
{%- endmacro %}

{#- Texts that may be null. A blank one says as little, as in CSV, which cannot tell the two apart: whatever stands in for a
    null has to stand in for it. -#}
{% macro is_optional_text(contract, column) -%}
    {{ return(
        contract.columns[column] == 'varchar' and column not in contract.key and column not in contract.required
    ) }}
{%- endmacro %}

{#- A currency's code as ISO 4217 spells it; payment providers write it in lower case. -#}
{% macro currency_code(text) -%}
    upper(trim({{ text }}))
{%- endmacro %}

{#- A text, or null where it is blank. Hardly any begins with a space, so nearly none is trimmed. -#}
{% macro unless_blank(column) -%}
    case when {{ column }} >= '!' or trim({{ column }}) <> '' then {{ column }} end
{%- endmacro %}

{#- Which version of its key a cleaned row is, the latest first. Equal _loaded_at is settled by what base holds of the
    rows, so neither the order of files matters nor whether they came at once. -#}
{% macro version_rank(table) -%}
{%- set contract = raw_contract()[table] -%}
row_number() over (
    partition by {{ contract.key | join(', ') }}, row_problem is null
    order by
        _loaded_at desc nulls last, _deleted desc nulls last
        {%- for column in contract.columns if column not in contract.key %}, {{ column }} desc nulls last{% endfor -%}
        , removed_values desc nulls last, _file desc nulls last
)
{%- endmacro %}

{#- What base holds of cleaned rows that know their problem and rank. -#}
{% macro verdicts(table, versions) -%}
select
    {{ raw_contract()[table].columns | join(',\n    ') }},
    _loaded_at,
    _deleted,
    _file,
    case
        when row_problem = 'future' then 'future'
        when row_problem is not null then 'rejected'
        when version_rank > 1 then 'superseded'
        when _deleted then 'deleted'
        else 'accepted'
    end as row_verdict,
    case when row_problem <> 'future' then row_problem end as reject_reason,
    removed_values
from {{ versions }}
{%- endmacro %}

{#- Why a landed row cannot be accepted: the first required column without a usable value, or `future`; null for none.
    A tombstone needs no more than its key. -#}
{% macro row_problem(table) %}
{%- set contract = raw_contract()[table] -%}
case
    {%- for column in contract.required %}
    when {{ column }} is null {{ 'and _deleted is not true ' if column not in contract.key }}then
        case
            when _unreadable like '%"{{ column }}":%' then '{{ column }} is unreadable'
            else '{{ column }} is missing'
        end
    {%- endfor %}
    {%- for column, condition in unusable_values(table).items() %}
    when {{ condition }} then '{{ column }} is unreadable'
    {%- endfor %}
    {%- if contract.own_time %}
    when {{ own_instant(contract) }} > (select as_of from {{ ref('stg_raw__as_of') }}) then 'future'
    {%- endif %}
{%- if not contract.required and not contract.own_time %}
    when false then ''
{%- endif %}
end
{%- endmacro %}

{#- The instant at which a row happened: its own time, or the first instant of its own date. -#}
{% macro own_instant(contract) -%}
    {%- if contract.columns[contract.own_time] == 'date' -%}
        {{ first_instant(contract.own_time) }}
    {%- else -%}
        {{ contract.own_time }}
    {%- endif -%}
{%- endmacro %}

{#- A key column's value; a response without question_id is told apart by what it asks, a review without criterion is of
    the whole, and codes are of one spelling. -#}
{% macro key_value(table, column) -%}
    {%- if table == 'survey_responses' and column == 'question_id' -%}
        coalesce(question_id, lower(trim(survey_type)) || ':' || coalesce(lower(trim(aspect)), 'overall'))
    {%- elif table == 'quality_reviews' and column == 'criterion' -%}
        coalesce(criterion, 'overall')
    {%- elif column in raw_contract()[table].codes or column == 'channel' -%}
        lower(trim({{ column }}))
    {%- elif column.endswith('_currency') -%}
        {{ currency_code(column) }}
    {%- else -%}
        {{ column }}
    {%- endif -%}
{%- endmacro %}

{#- A row's key as text for people: its values joined by |, without those that say who somebody is. -#}
{% macro masked_key(keys) -%}
    {%- for key in keys -%}
        {%- if key in personal_columns() -%}
            '***'
        {%- else -%}
            coalesce(cast({{ key }} as {{ dbt.type_string() }}), '')
        {%- endif -%}
        {{ " || '|' || " if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro key_number(table) -%}
    {%- set values = [] -%}
    {%- for key in raw_contract()[table].key -%}{%- do values.append(key_value(table, key)) -%}{%- endfor -%}
    {{ number_of(values) }}
{%- endmacro %}

{% macro removed_values(impossible) %}
{%- if not impossible -%}
    _unreadable
{%- else -%}
    '{' || nullif(concat_ws(
        ',',
        substr(_unreadable, 2, length(_unreadable) - 2)
        {%- for column, condition in impossible.items() %},
        case when {{ condition }} then '"{{ column }}":' || {{ json_text(column) }} end
        {%- endfor %}
    ), '') || '}'
{%- endif -%}
{% endmacro %}
