-- grain: one row per agent, channel and time [span_from, span_until) online or busy on one day of the reports
with

spans as (
    select
        status_spans.*,
        {{ reporting_date('status_spans.span_from') }} as first_date
    from {{ ref('int_availability__agent_status_spans') }} as status_spans
    inner join {{ ref('int_availability__channels') }} as channels
        on status_spans.channel is not distinct from channels.channel
    where channels.is_worked
),

-- A span of 24 hours can touch three days: the spring day has 23.
day_offsets as (
    {%- for offset in range(3) %}
    select {{ offset }} as day_offset
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

day_spans as (
    select
        spans.agent_id,
        spans.channel,
        spans.first_date + day_offsets.day_offset as staffed_date,
        greatest(
            spans.span_from, {{ first_instant('spans.first_date + day_offsets.day_offset') }}
        ) as span_from,
        least(
            spans.span_until, {{ first_instant('spans.first_date + day_offsets.day_offset + 1') }}
        ) as span_until
    from spans
    cross join day_offsets
)

select * from day_spans
where span_from < span_until
