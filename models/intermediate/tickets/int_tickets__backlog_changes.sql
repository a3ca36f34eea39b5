-- grain: one row per ticket, time it was open and age band, and one for leaving each
with

open_spans as (
    select * from {{ ref('int_tickets__open_spans') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

age_bands as (
    {%- for band, first_day, last_day in [
        ('0-1', 0, 1), ('1-3', 1, 3), ('3-7', 3, 7), ('7-30', 7, 30), ('30+', 30, none)
    ] %}
    select
        '{{ band }}' as age_band,
        {{ first_day }} as first_day,
        {{ last_day if last_day is not none else 'cast(null as int)' }} as last_day
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- A ticket that grows older leaves one band and enters the next.
banded_spans as (
    select
        tickets.ticket_id,
        tickets.channel,
        tickets.topic,
        tickets.team,
        tickets.priority,
        age_bands.age_band,
        greatest(open_spans.open_from, tickets.created_at + age_bands.first_day * interval '1' day)
            as band_from,
        least(
            coalesce(open_spans.open_until, cast('9999-12-31' as timestamp)),
            coalesce(
                tickets.created_at + age_bands.last_day * interval '1' day, cast('9999-12-31' as timestamp)
            )
        ) as band_until
    from open_spans
    inner join tickets on open_spans.ticket_id = tickets.ticket_id
    cross join age_bands
),

known_spans as (
    select
        banded_spans.*,
        run.as_of
    from banded_spans
    cross join run
    where banded_spans.band_from < banded_spans.band_until and banded_spans.band_from <= run.as_of
)

select
    ticket_id,
    {{ reporting_date('band_from') }} as moved_date,
    1 as delta,
    channel,
    topic,
    team,
    priority,
    age_band
from known_spans

union all

select
    ticket_id,
    {{ reporting_date('band_until') }} as moved_date,
    -1 as delta,
    channel,
    topic,
    team,
    priority,
    age_band
from known_spans
where band_until <= as_of
