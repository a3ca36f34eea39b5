{#-
    The customer that each identity value belongs to, of `identities` that are not unlinked: the latest link wins, an unknown
    link time is the oldest, and customer_id settles the rest.
-#}
{% macro latest_links(identities) -%}
    select
        identity_value,
        customer_id
    from (
        select
            identity_value,
            customer_id,
            row_number() over (
                partition by identity_value order by linked_at desc nulls last, customer_id asc
            ) as link_rank
        from {{ identities }}
    ) as ranked_links
    where link_rank = 1
{%- endmacro %}
