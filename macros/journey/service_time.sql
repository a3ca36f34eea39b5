{#- Scopes of a calendar: rows of any schedule; of channels without rows of their own; of any channel. -#}
{% macro any_schedule() %}{{ return('*') }}{% endmacro %}
{% macro other_channel() %}{{ return('-') }}{% endmacro %}
{% macro any_channel() %}{{ return('*') }}{% endmacro %}

{#-
    The calendar that a schedule and channel follow; null means round the clock. `calendars` is a relation with one row
    per calendar (schedule_scope, channel_scope, calendar_id).
-#}
{% macro join_calendar(calendars, schedule_id, channel) -%}
    left join {{ calendars }} as own_channel_calendar
        on own_channel_calendar.schedule_scope = coalesce({{ schedule_id }}, '{{ any_schedule() }}')
        and own_channel_calendar.channel_scope = {{ channel }}
    left join {{ calendars }} as other_channel_calendar
        on other_channel_calendar.schedule_scope = coalesce({{ schedule_id }}, '{{ any_schedule() }}')
        and other_channel_calendar.channel_scope = '{{ other_channel() }}'
{%- endmacro %}

{% macro joined_calendar_id() -%}
    coalesce(own_channel_calendar.calendar_id, other_channel_calendar.calendar_id)
{%- endmacro %}

{#-
    For every row of `moments` (calendar_id, moment): the open microseconds of the calendar up to that moment and whether
    it is open then. The difference of two of them is the open time between, however many years lie between.
-#}
{% macro open_time_at(moments, open_intervals) %}
    select
        calendar_id,
        moment,
        coalesce(
            open_microseconds_before + least({{ microseconds('moment') }}, last_closes) - last_opens, 0
        ) as open_microseconds,
        coalesce({{ microseconds('moment') }} < last_closes, false) as is_open
    from (
        select
            calendar_id,
            moment,
            is_moment,
            -- Merged intervals do not overlap, so the latest of each is the one begun last.
            max(opens) over (partition by calendar_id order by instant_us) as last_opens,
            max(closes) over (partition by calendar_id order by instant_us) as last_closes,
            max(open_before) over (partition by calendar_id order by instant_us) as open_microseconds_before
        from (
            select distinct
                calendar_id,
                moment,
                true as is_moment,
                {{ microseconds('moment') }} as instant_us,
                cast(null as bigint) as opens,
                cast(null as bigint) as closes,
                cast(null as bigint) as open_before
            from {{ moments }}
            where calendar_id is not null and moment is not null

            union all

            select
                calendar_id,
                opens_at as moment,
                false as is_moment,
                {{ microseconds('opens_at') }} as instant_us,
                {{ microseconds('opens_at') }} as opens,
                {{ microseconds('closes_at') }} as closes,
                open_microseconds_before as open_before
            from {{ open_intervals }}
        )
    )
    where is_moment
{% endmacro %}
