{#- The place of a link among those of its identity value: the latest wins, an unknown time is the oldest, and customer_id
    settles the rest. -#}
{% macro link_rank() -%}
    row_number() over (partition by identity_value order by linked_at desc nulls last, customer_id asc)
{%- endmacro %}
