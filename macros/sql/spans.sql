{#-
    Spans of time, those of one `key` that overlap or touch merged into one. `rows` is a CTE with the columns `key`,
    `span_from` and `span_until`; spans of no length are left out.
-#}
{% macro merged_spans(rows, key, span_from, span_until) -%}
    select
        {{ key }},
        min({{ span_from }}) as {{ span_from }},
        max({{ span_until }}) as {{ span_until }}
    from (
        select
            *,
            sum(starts_span) over (
                partition by {{ key }} order by {{ span_from }}, {{ span_until }}
                rows between unbounded preceding and current row
            ) as span_number
        from (
            select
                *,
                case
                    when {{ span_from }} <= max({{ span_until }}) over (
                            partition by {{ key }} order by {{ span_from }}, {{ span_until }}
                            rows between unbounded preceding and 1 preceding
                        )
                        then 0
                    else 1
                end as starts_span
            from {{ rows }}
            where {{ span_from }} < {{ span_until }}
        ) as flagged_spans
    ) as numbered_spans
    group by {{ key }}, span_number
{%- endmacro %}
