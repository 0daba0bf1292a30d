// Alerts about the exporter and the clouds that it reads.
{
  name: 'registry_exporter_health_alerts',
  rules: [
    {
      alert: 'RegistryExporterDown',
      expr: 'up{job="registry_exporter"} == 0 or absent(up{job="registry_exporter"})',
      'for': '5m',
      labels: { severity: 'critical' },
      annotations: {
        summary: 'registry_exporter {{ $labels.instance }} is not scraped.',
        description: |||
          Prometheus can't scrape registry_exporter {{ $labels.instance }}, or has no such target. Nothing is
          lost while the clouds still list the records: they are counted once scrapes work again.
        |||,
      },
    },
    {
      alert: 'RegistryDown',
      expr: |||
        acr_up{$selector} == 0 or swr_up{$selector} == 0
        or
        sum without (state) (registry_exporter_repositories{$selector, state="failing"})
          > scalar(registry_exporter:threshold{name="failing_share"})
            * sum without (state) (registry_exporter_repositories{$selector, state!="dropped"})
      |||,
      'for': '5m',
      labels: { severity: 'critical' },
      annotations: {
        summary: 'Registry {{ $labels.registry }} does not answer, or refuses.',
        description: |||
          The newest call to registry {{ $labels.registry }} was not answered, its credentials were refused,
          or most of its repositories can't be read; its series show the last known values.
        |||,
      },
    },
    {
      alert: 'RegistryCredentialsExpiring',
      expr: |||
        registry_exporter_credentials_expiry_timestamp_seconds{$selector} - time()
          < scalar(registry_exporter:threshold{name="credentials_left_seconds"})
      |||,
      labels: { severity: 'critical' },
      annotations: {
        summary: 'The credentials of registry {{ $labels.registry }} expire and are not renewed.',
        description: |||
          The credentials in use for registry {{ $labels.registry }} expire in
          {{ $value | humanizeDuration }}. The exporter should have renewed them long before.
        |||,
      },
    },
    {
      alert: 'RegistryThrottled',
      expr: |||
        sum without (operation, outcome) (
          increase(registry_exporter_api_requests_total{$selector, outcome="throttled"}[15m])
        )
        /
        sum without (operation, outcome) (increase(registry_exporter_api_requests_total{$selector}[15m]))
          > scalar(registry_exporter:threshold{name="throttled_share"})
      |||,
      'for': '15m',
      labels: { severity: 'warning' },
      annotations: {
        summary: 'Registry {{ $labels.registry }} throttles the exporter.',
        description: |||
          {{ $value | humanizePercentage }} of the calls to registry {{ $labels.registry }} are refused for
          their number, and this has lasted: readings are slower than configured.
        |||,
      },
    },
    {
      alert: 'RegistryDataStale',
      expr: |||
        sum without (state) (registry_exporter_repositories{$selector, state=~"stale|pending"})
        /
        sum without (state) (registry_exporter_repositories{$selector, state!="dropped"})
          > scalar(registry_exporter:threshold{name="stale_share"})
      |||,
      'for': '30m',
      labels: { severity: 'warning' },
      annotations: {
        summary: 'Repositories of registry {{ $labels.registry }} are not read in time.',
        description: |||
          {{ $value | humanizePercentage }} of the repositories of registry {{ $labels.registry }} were not
          read within max_staleness, and this has lasted: their failed builds and deletions show late.
        |||,
      },
    },
    {
      alert: 'RegistryRepositoriesDropped',
      expr: 'registry_exporter_repositories{$selector, state="dropped"} > 0',
      'for': '30m',
      labels: { severity: 'warning' },
      annotations: {
        summary: 'Registry {{ $labels.registry }} has more repositories than the exporter reads.',
        description: |||
          {{ $value }} repositories of registry {{ $labels.registry }} are over max_repositories and are not
          read at all.
        |||,
      },
    },
    {
      comment:: 'A registry that is down has an alert of its own, not one for each of its repositories.',
      alert: 'RegistryRepositoryFailing',
      expr: |||
        registry_exporter_repository_failing{$selector} == 1
        unless on (job, instance, registry) (acr_up{$selector} == 0 or swr_up{$selector} == 0)
        unless on (job, instance, registry) (
          sum without (state) (registry_exporter_repositories{$selector, state="failing"})
            > scalar(registry_exporter:threshold{name="failing_share"})
              * sum without (state) (registry_exporter_repositories{$selector, state!="dropped"})
        )
      |||,
      'for': '30m',
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'Repository {{ $labels.repo_namespace }}/{{ $labels.repo }} can not be read.',
        description: |||
          Reading {{ $labels.repo_namespace }}/{{ $labels.repo }} of registry {{ $labels.registry }} keeps
          failing: {{ $labels.reason }}.
        |||,
      },
    },
    {
      comment:: 'Lists of a whole registry: nothing of them is known meanwhile, and no repository says so.',
      alert: 'RegistryListFailing',
      expr: |||
        registry_exporter_list_failing{$selector} == 1
        unless on (job, instance, registry) (acr_up{$selector} == 0 or swr_up{$selector} == 0)
      |||,
      'for': '30m',
      labels: { severity: 'warning' },
      about:: 'registry',
      annotations: {
        summary: 'The {{ $labels.list }} of registry {{ $labels.registry }} can not be read.',
        description: |||
          Reading the list of {{ $labels.list }} of registry {{ $labels.registry }} keeps failing:
          {{ $labels.reason }}.
        |||,
      },
    },
    {
      alert: 'RegistryHistoryGap',
      expr: 'increase(registry_exporter_history_gaps_total{$selector}[1h]) > 0',
      labels: { severity: 'warning' },
      annotations: {
        summary: 'Records of registry {{ $labels.registry }} may have been missed.',
        description: |||
          In {{ $value | printf "%.0f" }} list(s) of registry {{ $labels.registry }} records may have come and
          gone between two readings; the counters can be too low by these.
        |||,
      },
    },
    {
      alert: 'RegistryLedgerImbalance',
      expr: 'registry_exporter_ledger_imbalance{$selector} != 0',
      labels: { severity: 'critical' },
      annotations: {
        summary: 'The books of registry {{ $labels.registry }} do not balance.',
        description: |||
          {{ $value }} records of registry {{ $labels.registry }} are in no class or in two. The repositories
          concerned are halted, the others go on.
        |||,
      },
    },
    {
      alert: 'RegistryStateNotWritten',
      expr: 'increase(registry_exporter_state_commits_total{$selector, result="error"}[5m]) > 0',
      'for': '10m',
      labels: { severity: 'critical' },
      annotations: {
        summary: 'registry_exporter {{ $labels.instance }} can not write its state.',
        description: |||
          Commits to the state file of {{ $labels.instance }} fail: the last committed values are served, and
          nothing new is counted until writing works again.
        |||,
      },
    },
    {
      alert: 'RegistryStateRecovered',
      expr: 'registry_exporter_state_recovered{$selector} == 1',
      labels: { severity: 'warning' },
      annotations: {
        summary: 'registry_exporter {{ $labels.instance }} found its state damaged and began a new one.',
        description: |||
          The damaged state file of {{ $labels.instance }} was set aside. Counters began again at 0; what the
          clouds listed as finished at that time is not counted.
        |||,
      },
    },
    {
      comment:: 'The numbers of the shards that answer, and one idea of how many there ought to be.',
      alert: 'RegistryShardMissing',
      expr: |||
        count by (job) (count_values by (job) ("shard", registry_exporter_shard_ordinal{$selector}))
          < max by (job) (registry_exporter_total_shards{$selector})
        or
        min by (job) (registry_exporter_total_shards{$selector}) != max by (job) (registry_exporter_total_shards{$selector})
      |||,
      'for': '15m',
      labels: { severity: 'critical' },
      annotations: {
        summary: 'A shard of {{ $labels.job }} is missing.',
        description: |||
          Only {{ $value }} shard(s) of {{ $labels.job }} answer, or they do not agree on how many there are:
          some repositories are read by nobody.
        |||,
      },
    },
    {
      alert: 'RegistryExporterConfigReloadFailed',
      expr: 'registry_exporter_config_last_reload_successful{$selector} == 0',
      'for': '5m',
      labels: { severity: 'warning' },
      annotations: {
        summary: 'registry_exporter {{ $labels.instance }} runs with an old configuration.',
        description: |||
          A changed configuration or web configuration of {{ $labels.instance }} is bad; the one before it is
          still in force.
        |||,
      },
    },
    {
      comment:: 'Without its threshold an alert would stay silent for ever.',
      alert: 'RegistryThresholdsMissing',
      expr: 'absent(registry_exporter:threshold)',
      'for': '5m',
      labels: { severity: 'critical' },
      annotations: {
        summary: 'The thresholds of the registry alerts are not loaded.',
        description: |||
          Prometheus has the alerts of registry_exporter without rules/thresholds.yml: most of them can't
          fire.
        |||,
      },
    },
  ],
}
