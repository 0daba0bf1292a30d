// The kinds of panels, as Grafana wants them.
local colors = import 'colors.libsonnet';

function(config)
  local queries = (import 'queries.libsonnet')(config);

  local panel(kind, title, description, targets, unit, options, noValue='No data', defaults={}, overrides=[]) = {
    type: kind,
    title: title,
    description: description,
    datasource: queries.source,
    targets: targets,
    fieldConfig: { defaults: { unit: unit, noValue: noValue } + defaults, overrides: overrides },
    options: options,
  };

  local named(name, properties) = {
    matcher: { id: 'byName', options: name },
    properties: [{ id: each[0], value: each[1] } for each in properties],
  };

  local color(name, fixed) = named(name, [['color', { mode: 'fixed', fixedColor: fixed }]]);

  // [[from, color], …]
  local steps(pairs) = {
    mode: 'absolute',
    steps: [{ color: pair[1], value: pair[0] } for pair in pairs],
  };

  // What Grafana makes of a number of seconds. Its ticks are round decimal numbers, which minutes are on a clock and
  // seconds are not: 16.7 mins, 33.3 mins. So graphs of what takes minutes are asked in minutes.
  local durations = {
    inMinutes(expression): '(%s) / 60' % expression,
    minutes: 'suffix:min',  // 2.5 min
    seconds: 'suffix:s',  // 150 s
    words: 'dtdurations',  // 33 minutes: the largest unit alone
    clock: 'dthms',  // 00:33:20
    daysAndClock: 'dtdhms',  // 1 d 00:33:20
  };

  local lastValue = { calcs: ['lastNotNull'], fields: '', values: false };

  {
    panel: panel,
    durations: durations,
    named: named,
    steps: steps,

    stat(title,
         description,
         target,
         unit='locale',
         thresholds=steps([[null, colors.blue]]),
         noValue='0',
         background=true,
         defaults={}): panel('stat', title, description, [
      target { legendFormat: if target.legendFormat == '' then title else target.legendFormat },
    ], unit, {
      colorMode: if background then 'background' else 'value',
      graphMode: 'none',
      justifyMode: 'center',
      orientation: 'auto',
      textMode: 'auto',
      reduceOptions: lastValue,
    }, noValue, { color: { mode: 'thresholds' }, thresholds: thresholds } + defaults),

    // Words instead of numbers.
    words(mapping): {
      local names = std.objectFields(mapping),
      mappings: [{
        type: 'value',
        options: { [names[i]]: { text: mapping[names[i]], index: i } for i in std.range(0, std.length(names) - 1) },
      }],
    },

    // A line to compare with.
    dashed(name, fixed=colors.grey): named(name, [
      ['custom.lineStyle', { fill: 'dash', dash: [8, 6] }],
      ['custom.fillOpacity', 0],
      ['custom.stacking', { mode: 'none' }],
      ['color', { mode: 'fixed', fixedColor: fixed }],
    ]),

    series(title,
           description,
           targets,
           unit='locale',
           palette={},
           stacked=false,
           extra=[],
           noValue='No data',
           defaults={}): panel('timeseries', title, description, targets, unit, {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    }, noValue, {
      color: { mode: 'palette-classic' },
      min: 0,
      custom: {
        drawStyle: 'line',
        lineWidth: 2,
        fillOpacity: if stacked then 35 else 0,
        showPoints: 'never',
        stacking: { mode: if stacked then 'normal' else 'none', group: 'A' },
      },
    } + defaults, [color(name, palette[name]) for name in std.objectFields(palette)] + extra),

    bars(title, description, target, unit, thresholds, noValue='None'):
      panel('bargauge', title, description, [target], unit, {
        displayMode: 'basic',
        orientation: 'horizontal',
        showUnfilled: true,
        valueMode: 'text',
        minVizHeight: 16,
        maxVizHeight: 26,
        sizing: 'manual',
        namePlacement: 'left',
        reduceOptions: lastValue,
      }, noValue, { color: { mode: 'thresholds' }, min: 0, thresholds: thresholds }),
  }
