{#-
    The accepted rows of a raw table as every later layer reads them: codes in their accepted spelling (others are
    'unknown'), times after as_of not yet known, and nothing personal of customers who asked to be erased.
-#}
{% macro accepted_rows(table) %}
{%- set contract = raw_contract()[table] -%}
{%- set columns = contract.columns -%}
{%- set has_person = 'customer_id' in columns and table != 'customers' -%}
select
    {% for column, type in columns.items() -%}
        {%- if column in contract.codes -%}
            {{ accepted_code('judged.' ~ column, contract.codes[column]) }} as {{ column }},
        {%- elif type == 'timestamp' and column != contract.own_time and column not in times_ahead() -%}
            case when judged.{{ column }} <= run.as_of then judged.{{ column }} end as {{ column }},
        {%- elif has_person and column in personal_columns() and column not in contract.required -%}
            case when erased.customer_id is null then judged.{{ column }} end as {{ column }},
        {%- elif has_person and column == 'customer_id' -%}
            case when erased.customer_id is null then judged.customer_id end as customer_id,
        {%- elif column in typed_texts() -%}
            {{ without_contact('judged.' ~ column) }} as {{ column }},
        {%- else -%}
            judged.{{ column }},
        {%- endif %}
    {% endfor -%}
    {#- A visit or a click leads to a person in other ways, too, which must not make it somebody else's. #}
    {%- if has_person and 'click_id' in columns %}
    erased.customer_id is not null as is_of_erased_customer,
    {%- endif %}
    judged._loaded_at
from {{ ref('base_raw__' ~ table) }} as judged
cross join {{ ref('stg_raw__as_of') }} as run
{%- if has_person or table == 'customers' %}
left join {{ ref('stg_raw__erased_customers') }} as erased on judged.customer_id = erased.customer_id
{%- endif %}
where
    judged.row_verdict = 'accepted'
    {%- if table == 'customers' %}
    and erased.customer_id is null
    {%- endif %}
{% endmacro %}

{% macro accepted_code(column, codes) -%}
    case
        when {{ column }} is null then null
        when lower(trim({{ column }})) in {{ sql_text_list(codes) }} then lower(trim({{ column }}))
        else 'unknown'
    end
{%- endmacro %}

{#- Times that may lie ahead: a promise is known before it is due. -#}
{% macro times_ahead() -%}
    {{ return(['promised_at', 'expires_at']) }}
{%- endmacro %}

{#- Columns that say who somebody is, or hold what they wrote. -#}
{% macro personal_columns() -%}
    {{ return(['visitor_id', 'contact_address', 'subject', 'body', 'comment', 'user_agent', 'identity_value', 'agent_name']) }}
{%- endmacro %}

{#- Columns that are shown, and may hold by accident what a visitor typed or a form put into an address. -#}
{% macro typed_texts() -%}
    {{ return(['page_path', 'page_title', 'referrer', 'search_term', 'query']) }}
{%- endmacro %}

{#-
    A text without the e-mail address or telephone number in it: a page's address is left without its query, and keeps its
    other parts, so that pages stay apart; anything else that holds one is not shown at all. Nine digits make a number, but
    not in paths, where ids are as long. The name of a page may begin with an at sign.
-#}
{% macro without_contact(column) -%}
    {%- set is_path = column.endswith('page_path') or column.endswith('referrer') -%}
    case
        {%- if is_path %}
        when not {{ has_at_sign(column) }} then {{ column }}
        else {{ replaced("split_part(" ~ column ~ ", '?', 1)", '[^/&=#]+(@|%40)[^/&=#]+[.][^/&=#]+', '***') }}
        {%- else %}
        when
            {{ has_at_sign(column) }}
            or length({{ column }}) - length(translate({{ column }}, '0123456789', '')) >= 9
            then '***'
        else {{ column }}
        {%- endif %}
    end
{%- endmacro %}

{#- As it is typed, or as a browser writes it in an address. -#}
{% macro has_at_sign(text) -%}
    (position('@' in {{ text }}) > 0 or position('%40' in {{ text }}) > 0)
{%- endmacro %}

{#- A landed value of a column for people: hidden where the column says who somebody is, or an address has got into it. -#}
{% macro shown_value(column, value) -%}
    case
        when {{ value }} is not null and ({{ column }} in {{ sql_text_list(personal_columns()) }} or {{ has_at_sign(value) }})
            then '***'
        else {{ value }}
    end
{%- endmacro %}
