// A table: one row for each repository (or whatever the labels say), one column for each query.
function(config)
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local named = panels.named;

  local refs = std.stringChars('ABCDEFGHIJ');
  local labels = {
    registry: 'Registry',
    repo_namespace: 'Namespace',
    repo: 'Repository',
    policy: 'Policy',
    list: 'List',
    alertname: 'Alert',
    severity: 'Severity',
    template: 'Rule',
    keep: 'Keep',
    version: 'Version',
    reason: 'Reason',
    instance: 'Instance',
  };
  local first = ['alertname', 'severity', 'instance', 'version', 'repo_namespace', 'repo', 'policy', 'list'] +
                ['template', 'keep', 'reason'];

  // Of a column of numbers: its title with the arrow of the order, and its longest value where that is wider.
  local longest = { dateTimeFromNow: 130, dthms: 88 };
  local widthOf(name, unit, isOrdered) =
    local title = 46 + 5 * std.max(6, std.length(name)) + (if isOrdered then 20 else 0);
    std.max(title, if std.objectHas(longest, unit) then longest[unit] else 0);

  // `columns`: [[name, expression], …]. The first says which rows there are; if it is a ranking, the others are asked
  // for its rows alone. `sort`: [[column, descending], …].
  function(title, description, columns, sort, units={}, marks={}, texts=[], noValue='', links={}, widths={}, on='<repo>')
    local rows = columns[0][1];
    local isRanking = std.startsWith(rows, 'topk(') || std.startsWith(rows, 'bottomk(');
    local indexes = std.range(0, std.length(columns) - 1);
    local names = [column[0] for column in columns];
    local ordered = [each[0] for each in sort];
    // A single query's value is called Value, those of several Value #A, …
    local values = [if std.length(names) > 1 then 'Value #' + refs[i] else 'Value' for i in indexes];
    local order = first + values + ['registry'];
    // What is left over is the last name's.
    local unitOf(name) = if std.objectHas(units, name) then units[name] else '';
    local allWidths = { Registry: 68, Severity: 84 } + (if on == '<repo>' then { Namespace: 94 } else {}) + widths;

    panels.panel('table', title, description, [
      queries.row(
        if isRanking && i > 0 then '(%s) and on (%s) %s' % [columns[i][1], on, rows] else columns[i][1], refs[i]
      )
      for i in indexes
    ], 'locale', {
      showHeader: true,
      cellHeight: 'sm',
      sortBy: [{ displayName: each[0], desc: each[1] } for each in sort],
    }, noValue, {
      color: { mode: 'thresholds' },
      thresholds: panels.steps([[null, 'text']]),
      custom: { align: 'auto', filterable: false, minWidth: 80 },
    }, [
      named(name, [['unit', units[name]]])
      for name in std.objectFields(units)
    ] + [
      named(name, [['custom.cellOptions', { type: 'color-text' }], ['thresholds', marks[name]]])
      for name in std.objectFields(marks)
    ] + [
      named(name, [['noValue', '–'], ['custom.width', widthOf(name, unitOf(name), std.member(ordered, name))]])
      for name in names
    ] + [
      named(name, [['noValue', '–']])
      for name in ['Namespace', 'Repository', 'Registry', 'Rule', 'Keep', 'Policy', 'List']
    ] + [
      named(name, [['custom.width', allWidths[name]]])
      for name in std.objectFields(allWidths)
    ] + [
      named(name, [['links', [links[name]]]])
      for name in std.objectFields(links)
    ] + texts) {
      transformations: [
        { id: 'merge', options: {} },
        { id: 'organize', options: {
          excludeByName: { Time: true },
          indexByName: { [order[i]]: i for i in std.range(0, std.length(order) - 1) },
          renameByName: labels + { [values[i]]: names[i] for i in indexes },
        } },
      ],
    }
