// What a platform may want otherwise. See docs/alerts.md for each.
{
  _config+:: {
    // Further matchers of every selector, in alerts, rules and dashboards, such as `cluster="prod"`.
    selector: '',

    // The scrape job, for the alert that it is gone.
    jobSelector: 'job="registry_exporter"',

    // Where the runbook is read: alerts link to its sections.
    runbookBase: 'https://registry-exporter.invalid/docs/operations.md',

    // Grafana's own address, such as `https://grafana.example.org`. Alerts then link to the dashboard. Without it,
    // dashboards link to each other by path, which every Grafana understands, and alerts do not link to them.
    dashboardBase: '',
    dashboardTags: ['registry_exporter'],
    dashboardUids: {
      overview: 'registry-exporter-overview',
      builds: 'registry-exporter-builds',
      retention: 'registry-exporter-retention',
      synchronisation: 'registry-exporter-synchronisation',
      exporter: 'registry-exporter-exporter',
    },

    // Alerts about a repository carry this label where metrics.repository_labels gives it to the repository; ''
    // for none.
    teamLabel: 'team',

    // Whether durations are also looked for in native histograms. VictoriaMetrics, which stores none, needs false: it
    // refuses histogram_sum() and histogram_count().
    nativeHistograms: true,

    // By the names of rules/thresholds.libsonnet, as PromQL.
    thresholds: {
      build_failures_in_a_row: '3',
      build_failures_in_a_row_age_seconds: '7 * 86400',
      build_success_ratio: '0.8',
      build_success_ratio_builds: '10',
      build_success_objective: '0.95',
      build_burn_fast: '10',
      build_burn_slow: '4',
      build_burn_repositories: '3',
      build_burn_builds: '10',
      build_stuck_seconds: '2 * 3600',
      build_slow_factor: '1.5',
      build_slow_extra_seconds: '60',
      build_pause_factor: '4',
      build_pause_seconds: '3 * 86400',
      build_usual_per_week: '5',
      build_usual_per_day: '10',
      build_registry_share: '0.5',
      retention_spike_factor: '3',
      retention_spike_tags: '20',
      retention_spike_day_factor: '2',
      retention_tags_left: '2',
      retention_tags_left_share: '0.5',
      retention_pause_factor: '3',
      retention_pause_seconds: '2 * 86400',
      retention_missing_factor: '2',
      retention_missing_seconds: '86400',
      sync_failures: '3',
      sync_failure_share: '0.3',
      sync_stuck_seconds: '2 * 3600',
      replication_failures: '2',
      replication_failure_share: '0.5',
      failing_share: '0.5',
      stale_share: '0.01',
      throttled_share: '0.1',
      credentials_left_seconds: '300',
    },
  },
}
