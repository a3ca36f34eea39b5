{#- What churn is looked at with: its moments, its sample, and its features as of any moment. -#}

{#- Whole months between moments, about a third of a horizon: one quarter's luck does not decide. -#}
{% macro churn_step_months() %}
    {{- return((var('churn_horizon_days') + 91) // 92) -}}
{% endmacro %}

{#- Past moments whose outcome is known: four to judge by, and a horizon before each of them enough to learn from. -#}
{% macro churn_past_moments() %}
    {{- return(12) -}}
{% endmacro %}

{#- Customers to learn from: with more of them a model of this size gets no better, only slower. -#}
{% macro churn_training_customers() %}
    {{- return(25000) -}}
{% endmacro %}

{#- What counts as recent, and how long an answer, a return or a late parcel is held against the company. -#}
{% macro churn_recent_days() %}
    {{- return(90) -}}
{% endmacro %}

{% macro churn_memory_days() %}
    {{- return(365) -}}
{% endmacro %}

{#- A wait in the queue that a customer remembers. -#}
{% macro churn_long_wait_minutes() %}
    {{- return(3) -}}
{% endmacro %}

{#-
    Features from events: of which kind, over how many days before the moment, how. `recorded` names the kind that says
    whether anybody kept such records by then: without them a feature is null, with them no event is 0.
-#}
{% macro churn_event_features() %}
    {%- set recent, memory = churn_recent_days(), churn_memory_days() -%}
    {{- return([
        {'name': 'recent_order_count', 'kind': 'order', 'how': 'count', 'days': recent},
        {'name': 'mean_order_amount', 'kind': 'order', 'how': 'mean', 'days': memory},
        {'name': 'contact_count', 'kind': 'contact', 'how': 'count', 'days': recent},
        {'name': 'longest_wait_minutes', 'kind': 'wait', 'how': 'max', 'days': recent},
        {'name': 'long_wait_count', 'kind': 'wait', 'how': 'count', 'days': recent,
         'above': churn_long_wait_minutes()},
        {'name': 'abandoned_count', 'kind': 'abandoned', 'how': 'count', 'days': recent, 'recorded': 'wait'},
        {'name': 'mean_ces', 'kind': 'ces', 'how': 'mean', 'days': memory},
        {'name': 'mean_csat', 'kind': 'csat', 'how': 'mean', 'days': memory},
        {'name': 'mean_nps', 'kind': 'nps', 'how': 'mean', 'days': memory},
        {'name': 'late_since_order_count', 'kind': 'late_delivery', 'how': 'count', 'days': memory,
         'since_order': true, 'recorded': 'delivery'},
        {'name': 'mean_delivery_days', 'kind': 'delivery', 'how': 'mean', 'days': memory},
        {'name': 'return_count', 'kind': 'return', 'how': 'count', 'days': memory},
        {'name': 'session_count', 'kind': 'session', 'how': 'count', 'days': recent},
        {'name': 'support_session_count', 'kind': 'support_session', 'how': 'count', 'days': recent,
         'recorded': 'session'},
        {'name': 'days_since_session', 'kind': 'session', 'how': 'days_since', 'days': memory},
        {'name': 'earned_points', 'kind': 'points_earned', 'how': 'sum', 'days': memory},
        {'name': 'redemption_count', 'kind': 'points_redeemed', 'how': 'count', 'days': memory,
         'recorded': 'points_earned'},
        {'name': 'pause_count', 'kind': 'pause', 'how': 'count', 'days': memory,
         'recorded': 'subscription'},
    ]) -}}
{% endmacro %}

{#- An event counts at a moment when it was over and known to be the customer's by then: a link of an identity that
    came later must not reach back, for only who comes back is ever linked. At the moment itself is after it. -#}
{% macro churn_known_before(events, moment) -%}
    {{ events }}.happened_at < {{ moment }} and coalesce({{ events }}.linked_at, {{ events }}.happened_at) <= {{ moment }}
{%- endmacro %}

{#- A feature's value over the events of one customer known before one moment. -#}
{% macro churn_feature(feature) -%}
    {%- set counts -%}
        events.kind = '{{ feature.kind }}'
        and events.happened_at >= customers.snapshot_at - {{ feature.days }} * interval '1' day
        {%- if feature.since_order is defined %} and events.happened_at >= customers.last_ordered_at{% endif %}
        {%- if feature.above is defined %} and events.value >= {{ feature.above }}{% endif %}
    {%- endset -%}
    {%- if feature.how == 'count' -%}
        count(case when {{ counts }} then 1 end)
    {%- elif feature.how == 'days_since' -%}
        {{ days_elapsed('max(case when ' ~ counts ~ ' then events.happened_at end)', 'customers.snapshot_at') }}
    {%- elif feature.how == 'mean' -%}
        cast(sum(case when {{ counts }} then events.value end) as double)
        / nullif(count(case when {{ counts }} then events.value end), 0)
    {%- else -%}
        cast({{ feature.how }}(case when {{ counts }} then events.value end) as double)
    {%- endif -%}
{%- endmacro %}

{#- Bands of a churn probability; the lower end is in. -#}
{% macro risk_band(probability) -%}
    case
        when {{ probability }} < 0.3 then 'low'
        when {{ probability }} < 0.7 then 'medium'
        when {{ probability }} is not null then 'high'
    end
{%- endmacro %}
