// The alerts with what all have: the runbook, the dashboard, the team.
function(config)
  local select = (import '../lib/select.libsonnet')(config);
  local text = import '../lib/text.libsonnet';

  local groups = [
    { dashboard: 'builds', group: import 'builds.libsonnet' },
    { dashboard: 'retention', group: import 'retention.libsonnet' },
    { dashboard: 'synchronisation', group: import 'syncs.libsonnet' },
    { dashboard: 'exporter', group: import 'health.libsonnet' },
  ];

  // With the team's label where there is one, else as it is.
  local teams = {
    repository: { labels: 'registry, repo_namespace, repo', teams: 'registry_repo_team' },
    namespace: { labels: 'registry, repo_namespace', teams: 'registry_namespace_team' },
  };
  local withTeam(expression, about) =
    local on = teams[about];
    local own = '(\n%s\n)' % text.indent(text.trimmed(expression));
    |||
      %(own)s
      * on (%(labels)s) group_left (%(team)s) %(teams)s:registry_exporter_repository_labels:last15m
      or on (%(labels)s)
      %(own)s
    ||| % (on { own: own, team: config.teamLabel });

  local links(alert, dashboard) = {
    runbook_url: '%s#%s' % [config.runbookBase, std.asciiLower(alert.alert)],
  } + if config.dashboardBase == '' then {} else {
    local query = {
      repository: '&var-namespace={{ $labels.repo_namespace | urlquery }}&var-repository={{ $labels.repo | urlquery }}',
      namespace: '&var-namespace={{ $labels.repo_namespace | urlquery }}',
      registry: '',
    },
    dashboard_url: '%s/d/%s/' % [config.dashboardBase, config.dashboardUids[dashboard]] +
                   if std.objectHasAll(alert, 'about')
                   then '?var-registry={{ $labels.registry | urlquery }}' + query[alert.about] else '',
  };

  local complete(alert, dashboard) =
    local hasTeam = config.teamLabel != '' && std.objectHasAll(alert, 'about') && std.objectHas(teams, alert.about);
    local description = alert.annotations.description;
    alert {
      expr: if hasTeam then withTeam(select(super.expr), alert.about) else select(super.expr),
      annotations+: { description: text.oneLine(description) } + links(alert, dashboard),
      written:: { annotations: { description: description } },
    };

  [
    each.group { rules: [complete(alert, each.dashboard) for alert in super.rules] }
    for each in groups
  ]
