// A monitoring mixin: alerts, recorded rules and dashboards from one configuration.
(import 'config.libsonnet') {
  local config =
    local unknown = std.setDiff(std.objectFields($._config), std.objectFields((import 'config.libsonnet')._config));
    assert unknown == [] : '_config: there is no ' + std.join(', ', unknown);
    // Wherever it is needed, and not only in the thresholds themselves.
    assert (import 'rules/thresholds.libsonnet').known($._config.thresholds);
    $._config,
  local dashboards = {
    overview: import 'dashboards/overview.libsonnet',
    builds: import 'dashboards/builds.libsonnet',
    retention: import 'dashboards/retention.libsonnet',
    synchronisation: import 'dashboards/synchronisation.libsonnet',
    exporter: import 'dashboards/exporter.libsonnet',
  },
  local select = (import 'lib/select.libsonnet')(config),

  prometheusAlerts+:: { groups+: (import 'alerts/alerts.libsonnet')(config) },

  prometheusThresholds+:: { groups+: (import 'rules/thresholds.libsonnet').groups(config.thresholds) },

  prometheusRecordings+:: {
    groups+: [
      group { rules: [rule { expr: select(super.expr) } for rule in super.rules] }
      for group in (import 'rules/teams.libsonnet')(config) + (import 'rules/recording.libsonnet')(config)
    ],
  },

  prometheusRules+:: { groups+: $.prometheusThresholds.groups + $.prometheusRecordings.groups },

  grafanaDashboards+:: {
    [config.dashboardUids[name] + '.json']: dashboards[name](config)
    for name in std.objectFields(dashboards)
  },
}
