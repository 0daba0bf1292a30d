// What all dashboards have: their variables, the links between them, the places of the panels.
function(config)
  local queries = (import 'queries.libsonnet')(config);

  local titles = {
    overview: 'Overview',
    builds: 'Builds',
    retention: 'Retention',
    synchronisation: 'Synchronisation',
    exporter: 'Exporter',
  };
  local path(name) = '%s/d/%s/' % [config.dashboardBase, config.dashboardUids[name]];

  local variable(name, label, values, all='.*', hide=0) = {
    name: name,
    label: label,
    type: 'query',
    datasource: queries.source,
    definition: queries.fill(values),
    query: { query: queries.fill(values), refId: 'Prometheus-' + name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: all,
    current: { selected: true, text: ['All'], value: ['$__all'] },
    options: [],
    regex: '',
    hide: hide,
    skipUrlSync: false,
  };

  local lastRead = 'registry_exporter_repository_last_read_timestamp_seconds';
  local repositories = 'registry_exporter_repositories';
  local all = if config.selector == '' then '' else '{%s}' % config.selector;
  local further = if config.selector == '' then '' else config.selector + ', ';
  local variables = [
    {
      name: 'datasource',
      label: 'Data source',
      type: 'datasource',
      query: 'prometheus',
      options: [],
      refresh: 1,
      regex: '',
      hide: 0,
      includeAll: false,
      multi: false,
      skipUrlSync: false,
    },
    variable('job', 'Job', 'label_values(%s%s, job)' % [repositories, all], '.+', 2),
    variable('instance', 'Instance', 'label_values(%s{%sjob=~"$job"}, instance)' % [repositories, further], '.+', 2),
    variable('registry', 'Registry', 'label_values(%s{<target>}, registry)' % repositories),
    variable('namespace', 'Namespace', 'label_values(%s{<registry>}, repo_namespace)' % lastRead),
    variable('repository', 'Repository', 'label_values(%s{<registry>, repo_namespace=~"$namespace"}, repo)' % lastRead),
  ];

  local sum(numbers) = std.foldl(function(a, b) a + b, numbers, 0);

  // Rows of panels one below the other: [[height, [[width, panel], …]], …]; widths sum up to 24.
  local placed(rows) = std.flattenArrays([
    local cells = rows[r][1];
    local widths = [cell[0] for cell in cells];
    assert sum(widths) == 24 : 'a row is %d wide: %s' % [sum(widths), cells[0][1].title];
    [
      cells[c][1] {
        id: 1 + c + sum([std.length(row[1]) for row in rows[:r]]),
        gridPos: { x: sum(widths[:c]), y: sum([row[0] for row in rows[:r]]), w: widths[c], h: rows[r][0] },
      }
      for c in std.range(0, std.length(cells) - 1)
    ]
    for r in std.range(0, std.length(rows) - 1)
  ]);

  {
    // To one repository on another dashboard.
    repositoryLink(name, title): {
      title: title,
      targetBlank: false,
      url: path(name) + '?${datasource:queryparam}&${registry:queryparam}&var-namespace=${__data.fields.Namespace}' +
           '&var-repository=${__data.fields.Repository}&${__url_time_range}',
    },

    dashboard(name, description, rows): {
      id: null,
      uid: config.dashboardUids[name],
      title: 'Registry exporter / ' + titles[name],
      description: description,
      tags: config.dashboardTags,
      schemaVersion: 42,
      version: 1,
      editable: false,
      graphTooltip: 1,
      timezone: 'browser',
      refresh: '1m',
      time: { from: 'now-24h', to: 'now' },
      annotations: { list: [{
        name: 'Exporter restarts',
        datasource: queries.source,
        enable: true,
        hide: false,
        iconColor: 'blue',
        target: {
          refId: 'Anno',
          expr: 'changes(registry_exporter_config_last_reload_success_timestamp_seconds{%sjob=~"$job"}[2m]) > 0' % further,
          interval: '60s',
        },
        titleFormat: 'Exporter started or reloaded',
      }] },
      links: [
        {
          type: 'link',
          title: titles[other],
          icon: 'dashboard',
          url: path(other),
          keepTime: true,
          includeVars: true,
          targetBlank: false,
          asDropdown: false,
          tags: [],
          tooltip: '',
        }
        for other in ['overview', 'builds', 'retention', 'synchronisation', 'exporter']
        if other != name
      ],
      templating: { list: variables },
      panels: placed(rows),
    },
  }
