// Alerts about retention.
{
  name: 'registry_exporter_retention_alerts',
  rules: [
    {
      comment:: |||
        More than a handful, and far more than the repository's own busiest hour. Or by the day, for what is spread
        over many hours or was hidden by an outage: more than its busiest day by what would be a spike in an hour.
      |||,
      alert: 'RegistryRetentionSpike',
      expr: |||
        (
          max without (instance, pod, window) (swr_retention_deletions_recent{$selector, window="1h"})
            > scalar(registry_exporter:threshold{name="retention_spike_tags"})
          and
          max without (instance, pod, window) (swr_retention_deletions_recent{$selector, window="1h"})
            > scalar(registry_exporter:threshold{name="retention_spike_factor"})
              * registry_repo:swr_retention_deletions:max_recent1h_1w
        )
        or
        (
          max without (instance, pod, window) (swr_retention_deletions_recent{$selector, window="24h"})
            > registry_repo:swr_retention_deletions:max_recent24h_1w
              + scalar(registry_exporter:threshold{name="retention_spike_tags"})
          and
          max without (instance, pod, window) (swr_retention_deletions_recent{$selector, window="24h"})
            > scalar(registry_exporter:threshold{name="retention_spike_day_factor"})
              * registry_repo:swr_retention_deletions:max_recent24h_1w
          and
          max without (instance, pod, window) (swr_retention_deletions_recent{$selector, window="24h"})
            > registry_repo:swr_retention_deletions:max_recent24h_1w
              + scalar(registry_exporter:threshold{name="retention_spike_factor"})
                * registry_repo:swr_retention_deletions:max_recent1h_1w
        )
      |||,
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'Retention deletes unusually many tags of {{ $labels.repo_namespace }}/{{ $labels.repo }}.',
        description: |||
          Retention deleted {{ $value }} tags of {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry
          {{ $labels.registry }} within an hour or a day, far more than in the busiest of the week before.
        |||,
      },
    },
    {
      alert: 'RegistryRetentionTagsLow',
      expr: |||
        max without (instance, pod) (swr_repository_tags{$selector})
          <= scalar(registry_exporter:threshold{name="retention_tags_left"})
        and
        max without (instance, pod) (swr_repository_tags{$selector})
          <= scalar(registry_exporter:threshold{name="retention_tags_left_share"})
            * registry_repo:swr_repository_tags:max_1w
        and
        registry_repo:swr_retention_deletions:max_increase1h_1d > 0
      |||,
      labels: { severity: 'critical' },
      about:: 'repository',
      annotations: {
        summary: 'Retention has almost emptied {{ $labels.repo_namespace }}/{{ $labels.repo }}.',
        description: |||
          {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry {{ $labels.registry }} has {{ $value }}
          tag(s) left, and a rule that does not stop before the last one deleted some within a day.
        |||,
      },
    },
    {
      comment:: |||
        Only where the rules are collected (collect_rules) and one is there; tags pile up meanwhile, beyond what
        there was before: after a spike they only grow back.
      |||,
      alert: 'RegistryRetentionStopped',
      expr: |||
        (
          time() - max without (instance, pod) (swr_last_retention_deletion_timestamp_seconds{$selector})
            > scalar(registry_exporter:threshold{name="retention_pause_factor"})
              * (registry_repo:swr_retention_deletion_pause_seconds:max12d > 0)
          and
          time() - max without (instance, pod) (swr_last_retention_deletion_timestamp_seconds{$selector})
            > scalar(registry_exporter:threshold{name="retention_pause_seconds"})
          and
          max without (instance, pod) (swr_repository_tags{$selector}) > registry_repo:swr_repository_tags:max_2w
          and on (job, registry, repo_namespace, repo)
          swr_retention_rule_info{$selector}
        )
        unless on (job, registry, repo_namespace, repo) registry_exporter_repository_failing{$selector}
      |||,
      'for': '1h',
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'Retention no longer deletes tags of {{ $labels.repo_namespace }}/{{ $labels.repo }}.',
        description: |||
          {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry {{ $labels.registry }} has a retention
          rule that last deleted {{ $value | humanizeDuration }} ago, much longer than usual, and more tags
          than ever in two weeks.
        |||,
      },
    },
    {
      comment:: 'Until one succeeds: what an older release, or the history, showed counts, too.',
      alert: 'RegistryRetentionExecutionFailed',
      expr: 'max without (instance, pod) (swr_last_retention_execution_success{$selector}) == 0',
      labels: { severity: 'warning' },
      about:: 'namespace',
      annotations: {
        summary: 'Retention of {{ $labels.repo_namespace }} failed.',
        description: |||
          The last execution of the retention policy of namespace {{ $labels.repo_namespace }} in registry
          {{ $labels.registry }} failed, none has succeeded since.
        |||,
      },
    },
    {
      comment:: |||
        By the longest pause between successes, where there were some, and while the policy is there. Failed ones have
        an alert of their own.
      |||,
      alert: 'RegistryRetentionMissing',
      expr: |||
        (
          time() - max_over_time(registry_namespace:swr_retention_success_timestamp_seconds:last1h[12d])
            > scalar(registry_exporter:threshold{name="retention_missing_factor"})
              * registry_namespace:swr_retention_success_pause_seconds:max12d
          and
          time() - max_over_time(registry_namespace:swr_retention_success_timestamp_seconds:last1h[12d])
            > scalar(registry_exporter:threshold{name="retention_missing_seconds"})
          and
          max without (instance, pod) (swr_retention_executions_in_progress{$selector})
        )
        unless
        max without (instance, pod) (swr_last_retention_execution_success{$selector}) == 0
        unless on (job, registry, repo_namespace) registry_exporter_repository_failing{$selector, repo=""}
      |||,
      'for': '30m',
      labels: { severity: 'warning' },
      about:: 'namespace',
      annotations: {
        summary: 'Retention of {{ $labels.repo_namespace }} has not run for long.',
        description: |||
          The last successful execution of the retention policy of namespace {{ $labels.repo_namespace }} in
          registry {{ $labels.registry }} became known {{ $value | humanizeDuration }} ago, much longer than is
          usual for it.
        |||,
      },
    },
  ],
}
