{#-
    The optional values of a raw table that cannot be, by column, each with the condition that says so: negative
    durations and counts, an end before its start, a score off its scale, a time zone that there is none of. Only these orders of times are checked; other
    pairs may stand in any order (a parcel is sometimes delivered before the carrier scans it).
-#}
{% macro impossible_values(table) %}
{%- set contract = raw_contract()[table] -%}
{%- set found = {} -%}
{%- for column, type in contract.columns.items() if column not in contract.required -%}
    {%- if column.endswith('_seconds') or column.endswith('_ms') or column.endswith('_count') -%}
        {%- do found.update({column: column ~ ' < 0'}) -%}
    {%- endif -%}
{%- endfor -%}
{%- do found.update({
    'interactions': {'answered_at': 'answered_at < started_at', 'ended_at': 'ended_at < started_at'},
    'tickets': {'solved_at': 'solved_at < created_at', 'closed_at': 'closed_at < created_at'},
    'survey_responses': {
        'started_at': 'started_at > responded_at',
        'score': 'score < ' ~ scale_end('min') ~ ' or score > ' ~ scale_end('max'),
    },
    'reviews': {'rating': 'rating < coalesce(scale_min, 1) or rating > coalesce(scale_max, 5)'},
    'page_audits': {
        'performance_score': 'performance_score < 0 or performance_score > 1',
        'accessibility_score': 'accessibility_score < 0 or accessibility_score > 1',
    },
    'agent_status_events': {'ended_at': 'ended_at < started_at'},
    'agents': {'ended_on': 'ended_on < started_on'},
    'campaigns': {'ended_on': 'ended_on < started_on'},
    'service_hours': {'valid_to': 'valid_to < valid_from', 'timezone': is_no_timezone('timezone')},
    'customers': {'timezone': is_no_timezone('timezone')},
    'customer_identities': {'unlinked_at': 'unlinked_at < linked_at'},
}.get(table, {})) -%}
{{ return(found) }}
{% endmacro %}

{#-
    Required values that can be of no use, by column, each with the condition that says so: the row is rejected. Opening
    hours of an unknown hour or weekday would be none, and the company closed.
-#}
{% macro unusable_values(table) %}
{%- set clock_time = '([01]?[0-9]|2[0-3]):[0-5][0-9]' -%}
{{ return({
    'service_hours': {
        'weekday': 'weekday not between 1 and 7',
        'opens_at': is_no_clock_time('opens_at', clock_time),
        'closes_at': is_no_clock_time('closes_at', clock_time ~ '|24:00'),
    },
}.get(table, {})) }}
{% endmacro %}

{#- Whether a text is no wall time of the form `HH:MM`, with or without seconds. -#}
{% macro is_no_clock_time(text, form) -%}
    (trim({{ text }}) = '' or {{ replaced('trim(' ~ text ~ ')', '^(' ~ form ~ ')(:[0-5][0-9])?$', '') }} <> '')
{%- endmacro %}

{#- An end of a survey score's scale: the row's own, else the usual one of its type (none for `other`). -#}
{% macro scale_end(which) -%}
    {%- set usual = {'min': {'nps': 0, 'csat': 1, 'ces': 1}, 'max': {'nps': 10, 'csat': 5, 'ces': 7}}[which] -%}
    coalesce(scale_{{ which }}, case lower(trim(survey_type))
        {%- for type, end in usual.items() %} when '{{ type }}' then {{ end }}{% endfor %} end)
{%- endmacro %}
