-- grain: one row per referrer of a page view that has a host
with

events as (
    select * from {{ ref('int_web__events') }}
    where event_name = 'page_view'
),

search_engines as (
    select * from {{ ref('search_engines') }}
),

hosts as (
    select
        referrer,
        {{ web_host('referrer') }} as host,
        {{ without_www(web_host('referrer')) }} as bare_host
    from (select distinct referrer from events) as referrers
    where referrer is not null
),

own_hosts as (
    select distinct {{ without_www(web_host('site')) }} as bare_host
    from (select distinct site from events) as sites
),

search_hosts as (
    select distinct hosts.bare_host
    from hosts
    inner join search_engines on hosts.bare_host like search_engines.host_pattern
)

select
    hosts.referrer,
    hosts.host,
    -- A search engine that shows a page of ours from its cache, or translated, does not become ours by that.
    own_hosts.bare_host is null or search_hosts.bare_host is not null as is_external,
    search_hosts.bare_host is not null as is_search_engine
from hosts
left join own_hosts on hosts.bare_host = own_hosts.bare_host
left join search_hosts on hosts.bare_host = search_hosts.bare_host
where hosts.host is not null
