{#-
    Raw columns without which nothing is known of a KPI although its tables are there: it has no rows then, rather than a 0
    or a 1 that nobody counted. Each group is a list of alternatives. The raw tables themselves are the dictionary's `needs`.
-#}
{% macro needed_columns() %}
{%- set score = [['survey_responses.score']] -%}
{%- set solved = [['tickets.status', 'tickets.solved_at', 'tickets.closed_at', 'ticket_events.new_value']] -%}
{%- set solved_when = [['tickets.solved_at', 'tickets.closed_at', 'ticket_events.new_value']] -%}
{%- set solved_anywhere = [solved[0] + ['interactions.outcome', 'interactions.answered_at']] -%}
{%- set response = [['ticket_messages.sent_at', 'interactions.answered_at']] -%}
{%- set outcome = [['interactions.outcome', 'interactions.answered_at', 'interactions.enqueued_at']] -%}
{%- set waiting = [['interactions.queue_seconds', 'interactions.enqueued_at'],
                   ['interactions.queue_seconds', 'interactions.answered_at', 'interactions.ended_at']] -%}
{%- set answered = [['interactions.outcome', 'interactions.answered_at']] -%}
{%- set talk = answered + [['interactions.talk_seconds']] -%}
{%- set agent = [['interactions.agent_id']] -%}
{%- set caller = [['interactions.customer_id', 'interactions.contact_address']] -%}
{%- set contact_customer = [['interactions.customer_id', 'interactions.contact_address', 'tickets.customer_id',
                             'tickets.contact_address']] -%}
{%- set covering = [['knowledge_articles.published_at'], ['knowledge_articles.topic']] -%}
{%- set amount = [['orders.gross_amount']] -%}
{%- set order_customer = [['orders.customer_id', 'orders.visitor_id']] -%}
{%- set any_customer = [['orders.customer_id', 'orders.visitor_id', 'subscription_events.customer_id']] -%}
{%- set any_amount = [['orders.gross_amount', 'subscription_events.mrr_amount']] -%}
{%- set mrr = [['subscription_events.mrr_amount']] -%}
{%- set points = [['loyalty_events.points']] -%}
{%- set support_page = [['web_events.page_type', 'web_events.article_id']] -%}
{%- set web_customer = [['web_events.customer_id', 'customer_identities.customer_id']] -%}
{%- set click = [['ad_events.click_id', 'ad_events.visitor_id', 'ad_events.customer_id']] -%}
{%- set person = [['ad_events.visitor_id', 'ad_events.customer_id', 'ad_events.click_id']] -%}
{{ return({
    'nps': score, 'promoter_share': score, 'passive_share': score, 'detractor_share': score,
    'csat': score, 'csat_mean': score, 'csat_by_aspect': score, 'dissatisfied_share': score,
    'friendliness': score + [['survey_responses.aspect']], 'ces': score, 'ces_easy_share': score,
    'channel_consistency_gap': score + [['survey_responses.channel', 'survey_responses.subject_id']],
    'review_rating': [['reviews.rating']],
    'review_satisfied_share': [['reviews.rating']],
    'review_negative_share': [['reviews.rating', 'reviews.sentiment']],
    'review_reply_rate': [['reviews.replied_at']],
    'survey_response_rate': [['survey_responses.invitation_id']],
    'survey_completion_rate': [['survey_responses.is_complete']],
    'survey_delay_hours': [['survey_invitations.subject_id']]
        + [solved_when[0] + ['interactions.ended_at', 'shipments.delivered_at']],
    'survey_fatigue_rate': [['survey_invitations.customer_id']],
    'survey_minutes': [['survey_responses.started_at'], ['survey_responses.is_complete']],
    'detractor_follow_up_rate': score + [['survey_responses.customer_id']] + contact_customer,
    'detractor_recovery_rate': score + [['survey_responses.customer_id']],
    'first_response_minutes': response, 'first_response_minutes_mean': response,
    'first_response_within_target': response, 'first_response_business_minutes': [['ticket_messages.sent_at']],
    'resolution_hours': solved_when, 'resolution_hours_mean': solved_when,
    'solved_rate': solved, 'one_touch_resolution': solved, 'self_serviceable_share': solved + covering,
    'backlog': solved, 'reopen_rate': solved, 'first_contact_resolution': contact_customer + solved_anywhere,
    'repeat_contact_rate': contact_customer, 'channel_switch_rate': contact_customer,
    'touches_per_issue': contact_customer,
    'speed_of_answer_seconds': outcome + waiting, 'service_level': outcome + waiting,
    'answer_rate': outcome, 'queue_abandonment_rate': outcome, 'queue_abandonment_rate_net': outcome,
    'ivr_abandonment_rate': [['interactions.outcome']], 'disconnected_rate': [['interactions.outcome']],
    'automation_share': outcome,
    'transfer_rate': answered + [['interactions.transfer_count']],
    'handle_seconds': talk, 'handle_seconds_median': talk, 'customer_time_seconds': talk,
    'hold_share': talk + [['interactions.hold_seconds']],
    'occupancy': talk + agent, 'contacts_per_agent_hour': answered + agent,
    'cost_per_contact': talk + agent + [['agents.hourly_cost']],
    'quality_review_coverage': solved_anywhere + [['quality_reviews.interaction_id', 'quality_reviews.ticket_id']],
    'complaint_rate': [['tickets.case_type']],
    'content_gap_share': [['tickets.topic', 'ticket_events.new_value', 'interactions.topic']] + covering,
    'knowledge_contribution_rate': solved_when + [['article_events.actor_id']], 'knowledge_link_rate': solved_when,
    'article_reuse': solved + [['ticket_articles.linked_at'], ['knowledge_articles.published_at']],
    'article_search_visibility': [['search_performance.page_path'], ['knowledge_articles.url_path'],
                                  ['knowledge_articles.published_at']],
    'article_helpfulness': [['web_events.vote']],
    'support_sessions': support_page,
    'self_service_success_rate': support_page + web_customer + contact_customer,
    'support_abandonment_rate': support_page, 'support_leads': support_page,
    'support_assisted_revenue': support_page + amount,
    'organic_support_sessions': support_page + [['web_events.referrer', 'web_events.utm_medium']],
    'site_search_no_result_rate': [['web_events.search_result_count']],
    'language_match_rate': [['web_events.article_id'], ['web_events.language'], ['knowledge_articles.language']],
    'cta_value': [['web_events.value_amount']],
    'page_load_p75_ms': [['web_events.page_load_ms']],
    'lcp_p75_ms': [['web_events.lcp_ms']],
    'inp_p75_ms': [['web_events.inp_ms']],
    'cls_p75': [['web_events.cls']],
    'good_vitals_share': [['web_events.lcp_ms', 'web_events.inp_ms', 'web_events.cls']],
    'mobile_score': [['page_audits.performance_score']],
    'organic_position': [['search_performance.average_position']],
    'digital_to_call_customers': caller, 'digital_to_call_rate': caller, 'calls_after_digital_share': caller,
    'post_click_engaged_rate': click, 'unengaged_click_cost_share': click, 'cost_per_engaged_visit': click,
    'post_click_conversion_rate': person + order_customer, 'view_through_visit_rate': person,
    'view_through_conversion_rate': person + order_customer,
    'delivery_days': [['shipments.delivered_at']],
    'on_time_delivery_rate': [['shipments.delivered_at'], ['shipments.promised_at']],
    'tracking_visibility_rate': [['shipments.delivered_at']],
    'proactive_notice_rate': [['shipments.promised_at'], ['shipment_events.is_customer_notified']],
    'wismo_rate': [['shipments.shipped_at'], ['interactions.order_id', 'tickets.order_id']],
    'return_rate': [['returns.order_id']],
    'defect_rate': [['returns.order_id'], ['returns.reason']],
    'return_resolution_days': [['returns.resolved_at']],
    'average_order_value': amount, 'revenue': amount,
    'customer_retention_rate': any_customer, 'churn_rate': any_customer, 'churn_risk': any_customer,
    'predicted_clv': any_customer + any_amount, 'value_at_risk': any_customer + any_amount,
    'repeat_purchase_rate': order_customer, 'cohort_retention': order_customer,
    'historical_clv': amount + order_customer,
    'historical_margin_clv': amount + order_customer + [['orders.cost_amount']],
    'revenue_churn_rate': mrr, 'net_revenue_retention': mrr, 'gross_revenue_retention': mrr,
    'loyalty_redemption_rate': points, 'points_expiry_rate': points,
}) }}
{% endmacro %}
