// Named level:metric:operations. The instance and the pod are summed away (or the largest taken), so that an exporter that
// comes back under a new address goes on with the same series.
local histograms = import '../lib/durations.libsonnet';

local successful(config, part) =
  local both = histograms(config).part(
    'acr_build_duration_seconds', part, '$selector, status="success"', 'increase(%s[6h])'
  );
  'sum without (instance, pod, status) (\n  %s\n)' % std.strReplace(both, ' or ', '\n  or\n  ');

function(config) [
  {
    comment:: |||
      What fires, with the time since when, as the dashboards show it. Alerts that are about no single exporter
      belong to all of them there.
    |||,
    name: 'registry_exporter_alerts_shown',
    rules: [
      {
        record: 'registry_exporter:alerts',
        expr: |||
          label_replace(
            label_replace(
              ALERTS_FOR_STATE{alertname=~"Registry.*"}
              and ignoring (alertstate)
              ALERTS{alertname=~"Registry.*", alertstate="firing"},
              "instance", "all", "instance", ""
            ),
            "job", "all", "job", ""
          )
        |||,
      },
    ],
  },
  {
    name: 'registry_exporter_builds',
    rules: [
      {
        comment:: |||
          15 minutes: longer than the 5 minutes without a scrape after which the exporter shows the old
          value once more, so that builds which ended in an outage of any length are seen here.
        |||,
        record: 'registry_repo_status:acr_builds:increase15m',
        expr: 'sum without (instance, pod) (increase(acr_builds_total{$selector}[15m]))',
      },
      {
        record: 'registry_namespace:acr_builds_failed:ratio15m',
        expr: |||
          sum without (repo, status) (registry_repo_status:acr_builds:increase15m{status="failed"})
          /
          sum without (repo, status) (registry_repo_status:acr_builds:increase15m{status=~"success|failed"})
        |||,
      },
      {
        record: 'registry_namespace:acr_builds_failed:ratio1h',
        expr: |||
          sum without (instance, pod, repo, status, window) (acr_builds_recent{$selector, window="1h", status="failed"})
          /
          sum without (instance, pod, repo, status, window) (acr_builds_recent{$selector, window="1h", status=~"success|failed"})
        |||,
      },
      {
        record: 'registry_namespace:acr_builds_failed:ratio24h',
        expr: |||
          sum without (instance, pod, repo, status, window) (acr_builds_recent{$selector, window="24h", status="failed"})
          /
          sum without (instance, pod, repo, status, window) (acr_builds_recent{$selector, window="24h", status=~"success|failed"})
        |||,
      },
    ],
  },
  {
    comment:: 'These look far back for every repository: more often would cost more than it tells.',
    name: 'registry_exporter_past',
    interval: '5m',
    rules: [
      {
        comment:: |||
          Failures that Prometheus itself slept through while somebody else scraped the exporter (a second
          Prometheus, a person): the value against the last one that is at least 15 minutes old.
        |||,
        record: 'registry_repo_status:acr_builds:delta15m',
        expr: |||
          max without (instance, pod) (
            acr_builds_total{$selector, status="failed"}
            - last_over_time(acr_builds_total{$selector, status="failed"}[12h] offset 15m)
          )
        |||,
      },
      {
        comment:: 'By their number, for namespaces that build too seldom for an hour to tell.',
        record: 'registry_repo_status:acr_builds:increase3h',
        expr: 'round(sum without (instance, pod) (increase(acr_builds_total{$selector, status=~"success|failed"}[3h])))',
      },
      {
        record: 'registry_namespace:acr_builds_failed:ratio3h',
        expr: |||
          sum without (repo, status) (registry_repo_status:acr_builds:increase3h{status="failed"})
          /
          sum without (repo, status) (registry_repo_status:acr_builds:increase3h)
        |||,
      },
      {
        comment:: |||
          The mean of 6 hours with at least three successful builds, and the slowest such 6 hours of the week
          before; that only where there is a past to go by.
        |||,
        record: 'registry_repo:acr_build_duration_seconds:mean6h',
        expr: '%s\n/\n(round(%s) >= 3)\n' % [successful(config, 'sum'), successful(config, 'count')],
      },
      {
        record: 'registry_repo:acr_build_duration_seconds:max_mean6h_1w',
        expr: |||
          max_over_time(registry_repo:acr_build_duration_seconds:mean6h[1w] offset 6h)
          and
          count_over_time(registry_repo:acr_build_duration_seconds:mean6h[1w:6h] offset 6h) >= 6
        |||,
      },
      {
        record: 'registry_repo:acr_build_success_pause_seconds:max2w',
        expr: 'max_over_time(registry_repo:acr_build_success_timestamp_seconds:delta1h[2w])',
      },
      {
        comment:: |||
          The busiest hour and day of the week: retention runs daily or weekly, so means and quantiles would be
          near 0. Not the newest ones, so that a spike isn't measured against itself. Where nothing was deleted before
          the last six days, as in a repository that only now has as many tags as its rule keeps, what will be
          deleted is what is pushed: its busiest day. Nothing where there are less than three days to go by.
        |||,
        record: 'registry_repo:swr_retention_deletions:max_recent1h_1w',
        expr: |||
          (
            max_over_time(registry_repo:swr_retention_deletions:recent1h[1w] offset 2h)
            and
            max_over_time(registry_repo:swr_retention_deletions:recent24h[4d] offset 6d) > 0
          )
          or
          (
            (
              max_over_time(registry_repo:swr_repository_tags:pushed24h[1w] offset 1d)
              or
              max_over_time(registry_repo:swr_retention_deletions:recent1h[1w] offset 2h)
            )
            and
            present_over_time(registry_repo:swr_retention_deletions:recent24h[4d] offset 3d)
          )
        |||,
      },
      {
        record: 'registry_repo:swr_retention_deletions:max_recent24h_1w',
        expr: 'max_over_time(registry_repo:swr_retention_deletions:recent24h[1w] offset 1d)',
      },
      {
        record: 'registry_repo_template:swr_retention_deletions:increase1h',
        expr: 'sum without (instance, pod) (increase(swr_retention_deletions_total{$selector}[1h]))',
      },
      {
        comment:: 'Whether a rule that may take the last tag (a tag_rule always keeps some) has deleted in 24 hours.',
        record: 'registry_repo:swr_retention_deletions:max_increase1h_1d',
        expr: |||
          max without (template) (
            max_over_time(registry_repo_template:swr_retention_deletions:increase1h{template!="tag_rule"}[1d])
          )
        |||,
      },
      {
        record: 'registry_repo:swr_repository_tags:max_1w',
        expr: 'max_over_time(registry_repo:swr_repository_tags:max[1w] offset 1d)',
      },
      {
        record: 'registry_repo:swr_repository_tags:max_2w',
        expr: 'max_over_time(registry_repo:swr_repository_tags:max[2w] offset 1d)',
      },
      {
        comment:: |||
          Shorter than the past of the tags above: as long as a pause is remembered, so are the tags before it. Not
          before a weekend is in it.
        |||,
        record: 'registry_repo:swr_retention_deletion_pause_seconds:max12d',
        expr: |||
          max_over_time(registry_repo:swr_retention_deletion_timestamp_seconds:delta1h[12d])
          and
          present_over_time(registry_repo:swr_retention_deletion_timestamp_seconds:delta1h[5d] offset 1w)
        |||,
      },
      {
        comment:: 'Few repositories are synchronised: the others have no series.',
        record: 'registry_repo_status:syncs:increase6h',
        expr: |||
          round(sum without (instance, pod) (
            increase(acr_syncs_total{$selector, status=~"success|failed"}[6h])
            or
            increase(swr_syncs_total{$selector, status=~"success|failed"}[6h])
          ))
        |||,
      },
    ] + [
      {
        record: 'registry_policy_status:swr_replication_executions:increase' + window,
        expr: |||
          round(sum without (instance, pod) (
            increase(swr_replication_executions_total{$selector, status=~"success|failed"}[%s])
          ))
        ||| % window,
      }
      for window in ['1h', '6h']
    ] + [
      {
        comment:: |||
          The clouds tell when the last execution of retention succeeded, the exporter that one did: the time of this
          rule, for an hour after a success became known. By how much it moves on from one to the next is the
          pause in between. The longest, where there are three at least.
        |||,
        record: 'registry_namespace:swr_retention_success_timestamp_seconds:last1h',
        expr: |||
          time() + 0 * (
            sum without (instance, pod, status) (increase(swr_retention_executions_total{$selector, status="success"}[1h]))
            > 0
          )
        |||,
      },
      {
        record: 'registry_namespace:swr_retention_success_timestamp_seconds:delta1h',
        expr: |||
          registry_namespace:swr_retention_success_timestamp_seconds:last1h
          -
          max_over_time(registry_namespace:swr_retention_success_timestamp_seconds:last1h[12d] offset 1h)
        |||,
      },
      {
        record: 'registry_namespace:swr_retention_success_pause_seconds:max12d',
        expr: |||
          max_over_time(registry_namespace:swr_retention_success_timestamp_seconds:delta1h[12d])
          and
          count_over_time(registry_namespace:swr_retention_success_timestamp_seconds:delta1h[12d:1h]) >= 3
        |||,
      },
    ],
  },
  {
    comment:: 'What the group above looks back at, sampled seldom: weeks of it are read at once.',
    name: 'registry_exporter_samples',
    interval: '15m',
    rules: [
      {
        comment:: |||
          By how much the time of the last success (deletion) moved on within an hour: where that is more than an
          hour, a pause of this length has ended.
        |||,
        record: 'registry_repo:acr_build_success_timestamp_seconds:delta1h',
        expr: |||
          max without (instance, pod, status) (acr_last_build_end_timestamp_seconds{$selector, status="success"})
          -
          max without (instance, pod, status) (acr_last_build_end_timestamp_seconds{$selector, status="success"} offset 1h)
        |||,
      },
      {
        record: 'registry_repo:swr_retention_deletion_timestamp_seconds:delta1h',
        expr: |||
          max without (instance, pod) (swr_last_retention_deletion_timestamp_seconds{$selector})
          -
          max without (instance, pod) (swr_last_retention_deletion_timestamp_seconds{$selector} offset 1h)
        |||,
      },
      {
        comment:: 'By the time of the deletions, not of their discovery: an outage moves nothing.',
        record: 'registry_repo:swr_retention_deletions:recent1h',
        expr: 'max without (instance, pod, window) (swr_retention_deletions_recent{$selector, window="1h"})',
      },
      {
        record: 'registry_repo:swr_retention_deletions:recent24h',
        expr: 'max without (instance, pod, window) (swr_retention_deletions_recent{$selector, window="24h"})',
      },
      {
        record: 'registry_repo:swr_repository_tags:max',
        expr: 'max without (instance, pod) (swr_repository_tags{$selector})',
      },
      {
        record: 'registry_repo:swr_repository_tags:pushed24h',
        expr: |||
          max without (instance, pod) (swr_repository_tags{$selector})
          -
          max without (instance, pod) (swr_repository_tags{$selector} offset 1d)
          +
          max without (instance, pod, window) (swr_retention_deletions_recent{$selector, window="24h"})
        |||,
      },
    ],
  },
]
