// Alerts about image synchronisation, and replication of SWR Enterprise Edition.
{
  name: 'registry_exporter_sync_alerts',
  rules: [
    {
      comment:: |||
        The newest one that ended failed; or, where several rules take turns and one of them always fails, many of
        those that ended. A failure that was history before counting began is not meant.
      |||,
      alert: 'RegistrySyncsFailing',
      expr: |||
        (
          sum without (status) (registry_repo_status:syncs:increase6h{status="failed"}) > 0
          and
          max without (instance, pod) (acr_last_sync_success{$selector} or swr_last_sync_success{$selector}) == 0
        )
        or
        (
          sum without (status) (registry_repo_status:syncs:increase6h{status="failed"})
            >= scalar(registry_exporter:threshold{name="sync_failures"})
          and
          sum without (status) (registry_repo_status:syncs:increase6h{status="failed"})
            > scalar(registry_exporter:threshold{name="sync_failure_share"})
              * sum without (status) (registry_repo_status:syncs:increase6h)
        )
      |||,
      'for': '15m',
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'Synchronisations of {{ $labels.repo_namespace }}/{{ $labels.repo }} fail.',
        description: |||
          {{ $value }} image synchronisation(s) of {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry
          {{ $labels.registry }} failed within six hours, the newest among them or a large part.
        |||,
      },
    },
    {
      comment:: "A list that can't be read would show its last known synchronisation for ever: left out.",
      alert: 'RegistrySyncStuck',
      expr: |||
        time() - max without (instance, pod) (
          acr_sync_oldest_in_progress_start_timestamp_seconds{$selector}
          unless on (job, instance, registry) registry_exporter_list_failing{$selector, list="syncs"}
          or
          swr_sync_oldest_in_progress_start_timestamp_seconds{$selector}
          unless on (job, instance, registry, repo_namespace, repo) registry_exporter_repository_failing{$selector}
        ) > scalar(registry_exporter:threshold{name="sync_stuck_seconds"})
      |||,
      'for': '5m',
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'A synchronisation of {{ $labels.repo_namespace }}/{{ $labels.repo }} does not end.',
        description: |||
          The oldest image synchronisation in progress of {{ $labels.repo_namespace }}/{{ $labels.repo }} in
          registry {{ $labels.registry }} was created {{ $value | humanizeDuration }} ago.
        |||,
      },
    },
    {
      comment:: |||
        More than half, so that one failure among successes is none: within an hour where there are several, else
        within six.
      |||,
      alert: 'RegistryReplicationFailing',
      expr: |||
        sum without (status) (registry_policy_status:swr_replication_executions:increase6h{status="failed"})
          > scalar(registry_exporter:threshold{name="replication_failure_share"})
            * sum without (status) (registry_policy_status:swr_replication_executions:increase6h)
        or
        (
          sum without (status) (registry_policy_status:swr_replication_executions:increase1h{status="failed"})
            >= scalar(registry_exporter:threshold{name="replication_failures"})
          and
          sum without (status) (registry_policy_status:swr_replication_executions:increase1h{status="failed"})
            > scalar(registry_exporter:threshold{name="replication_failure_share"})
              * sum without (status) (registry_policy_status:swr_replication_executions:increase1h)
        )
      |||,
      labels: { severity: 'warning' },
      about:: 'registry',
      annotations: {
        summary: 'Replication by {{ $labels.policy }} fails.',
        description: |||
          {{ $value }} execution(s) of the replication policy {{ $labels.policy }} in registry
          {{ $labels.registry }} failed within hours, more than half of those that ended.
        |||,
      },
    },
  ],
}
