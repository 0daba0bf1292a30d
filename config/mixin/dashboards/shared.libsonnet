// Panels that stand on more than one dashboard, and what they are made of.
local colors = import 'colors.libsonnet';

function(config)
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local table = (import 'table.libsonnet')(config);
  local dashboards = (import 'dashboard.libsonnet')(config);
  local durations = (import '../lib/durations.libsonnet')(config);
  local builds = 'acr_build_duration_seconds';
  local successful = 'status="success", <chosen>';
  local recent = queries.recent;
  local deleted = queries.deleted;
  local steps = panels.steps;
  local inMinutes = panels.durations.inMinutes;
  local clock = panels.durations.clock;
  local hint = 'Needs the shipped rules (config/prometheus/rules).';

  // An alert need not be about a registry, or a repository.
  local firing =
    'registry_exporter:alerts{<target>, registry=~"$registry|", repo_namespace=~"$namespace|", repo=~"$repository|"}';

  local busiest =
    'max by (<repo>) (max_over_time(swr_retention_deletions_recent{window="24h", <chosen>}[6d:1h] offset 1d))';

  local byRule(template) =
    'round(sum by (<repo>) (increase(swr_retention_deletions_total{template="%s", <chosen>}[24h])))' % template;

  // The mean of three builds or more between two moments, given as offsets. Differences, not increase(): over days it is
  // far dearer, and these counters survive restarts. What is younger than `older` began at 0.
  local meanDuration(newer, older) =
    local at(part, moment) =
      'max by (<repo>) (%s)' % durations.part(builds, part, successful, '%s' + moment);
    local total(part) = '(%s - (%s or 0 * %s))' % [at(part, newer), at(part, older), at(part, newer)];
    '(%s / (%s >= 3))' % [total('sum'), total('count')];
  local meanNow = meanDuration('', ' offset 1d');
  local meanBefore = meanDuration(' offset 1d', ' offset 1w');

  local quantile(share, offset='') =
    durations.quantile(share, builds, successful, 'increase(%s[1h]' + offset + ')');

  local buildsLink = dashboards.repositoryLink('builds', 'Builds of this repository');
  local retentionLink = dashboards.repositoryLink('retention', 'Retention of this repository');

  {
    hint: hint,
    firing: firing,
    busiest: busiest,
    buildsLink: buildsLink,
    retentionLink: retentionLink,
    ratio24h: 'sum(' + recent('success') + ') / sum(' + recent('success|failed') + ')',

    failingTable(title): table(
      title,
      'Failed builds by the time they ended. New: many in the last 24 hours, none the day before. In a row: ' +
      'failures since the last success; 0 means that it has recovered.',
      [
        ['Failed 24 h', 'topk(20, max by (<repo>) (' + recent('failed') + ') > 0)'],
        ['Day before', 'max by (<repo>) (' + recent('failed', offset=' offset 1d') + ')'],
        ['Succeeded', 'max by (<repo>) (' + recent('success') + ')'],
        ['In a row', 'max by (<repo>) (acr_consecutive_failed_builds{<chosen>})'],
        [
          'Last failure',
          'max by (<repo>) (acr_last_build_end_timestamp_seconds{status="failed", <chosen>}) * 1000',
        ],
      ],
      [['Failed 24 h', true]],
      { 'Last failure': 'dateTimeFromNow' },
      {
        'Failed 24 h': steps([[null, 'text'], [1, colors.orange], [10, colors.red]]),
        'In a row': steps([[null, colors.green], [1, colors.orange], [3, colors.red]]),
      },
      noValue='No build failed within 24 hours',
      links={ Repository: buildsLink },
    ),

    deletionsTable(title): table(
      title,
      'Tags deleted within 24 hours, by the time of the deletion, against the busiest 24 hours of the six days ' +
      'before (ten tags at least). Twice as much is worth a look; what is a spike for the alert ' +
      'RegistryRetentionSpike depends on the hours, too. date_rule (by age), tag_rule (by number), other: which kind of ' +
      'rule deleted what became known within 24 hours, which is more after an outage.',
      [
        ['Deleted 24 h', 'topk(20, ' + deleted() + ' > 0)'],
        ['Busiest day', busiest],
        ['Of busiest', '(' + deleted() + ' > 0) / clamp_min(' + busiest + ', 10)'],
      ] + [[template, byRule(template)] for template in ['date_rule', 'tag_rule', 'other']] + [
        ['Tags left', 'max by (<repo>) (swr_repository_tags{<chosen>})'],
      ],
      [['Of busiest', true]],
      { 'Of busiest': 'percentunit' },
      {
        'Of busiest': steps([[null, 'text'], [1.5, colors.orange], [2, colors.red]]),
        'Tags left': steps([[null, colors.red], [3, 'text']]),
      },
      noValue='Retention deleted nothing within 24 hours',
      links={ Repository: retentionLink },
    ),

    alertTable: table(
      'What is wrong now, where, since when',
      'Alerts that fire, newest first. Where it is about a policy or a list, its name stands for the repository. ' + hint,
      [[
        'Since',
        'max by (alertname, severity, <repo>) (label_join(' + firing + ', "repo", "", "repo", "policy", "list")) * 1000',
      ]],
      [['Severity', false], ['Since', true]],
      { Since: 'dateTimeFromNow' },
      widths={ Alert: 208 },
      texts=[panels.named('Severity', [
        ['mappings', [{ type: 'value', options: {
          critical: { text: 'critical', color: colors.red, index: 0 },
          warning: { text: 'warning', color: colors.orange, index: 1 },
        } }]],
        ['custom.cellOptions', { type: 'color-text' }],
      ])],
      noValue='No alert fires (or the rules are not loaded)',
      links={ Repository: buildsLink },
    ),

    registries: panels.stat(
      'Registries',
      'Whether the newest call to each cloud was answered and accepted the credentials.',
      queries.now('min by (registry) (acr_up{<registry>} or swr_up{<registry>})', '{{registry}}'),
      'none',
      steps([[null, colors.red], [1, colors.green]]),
      'No registry',
      defaults=panels.words({ '0': 'down', '1': 'up' })
    ) { options+: { textMode: 'value_and_name' } },

    fresh: panels.stat(
      'Data fresh',
      'The share of repositories that were read within ten minutes. Below 100 %, what is behind shows ' +
      'late; the dashboard Exporter tells which and why.',
      queries.now(
        'avg(time() - max by (<repo>) ' +
        '(registry_exporter_repository_last_read_timestamp_seconds{<chosen>}) < bool 600)'
      ),
      'percentunit',
      steps([[null, colors.red], [0.9, colors.orange], [0.99, colors.green]]),
      'No repository',
      defaults={ min: 0, max: 1, decimals: 0 }
    ),

    missed: panels.stat(
      'Missed',
      'In 24 hours: lists in which records may have come and gone unseen, and records that were late, ' +
      'vanished while running, or could not be used. 0: every number is whole.',
      queries.now(
        'round(sum(increase(registry_exporter_history_gaps_total{<registry>}[24h])) + ' +
        'sum(increase(registry_exporter_records_total{class=~"late|vanished|rejected", <registry>}[24h])))'
      ),
      thresholds=steps([[null, colors.green], [1, colors.orange]])
    ),

    buildsPerHour: panels.series(
      'Builds per hour by status',
      'Builds that became known as finished within the hour before each point.',
      [queries.hourly('sum by (status) (increase(acr_builds_total{<chosen>}[1h]))', '{{status}}')],
      palette=colors.status,
      stacked=true,
      defaults={ decimals: 0 }
    ),

    duration: panels.series(
      'Build duration',
      'Of successful builds that ended in the hour before each point. Dashed: the same a week earlier.',
      [
        queries.hourly(inMinutes(quantile('0.95')), '95 % are quicker than', 'A'),
        queries.hourly(inMinutes(quantile('0.5')), 'Half are quicker than', 'B'),
        queries.hourly(inMinutes(quantile('0.95', ' offset 1w')), '95 %, a week earlier', 'C'),
      ],
      panels.durations.minutes,
      { '95 % are quicker than': colors.orange, 'Half are quicker than': colors.blue },
      extra=[panels.dashed('95 %, a week earlier')],
      noValue='No successful build'
    ),

    deletionsPerHour: panels.series(
      'Retention deletions per hour by rule',
      'Tags deleted, as they became known: by age (date_rule), by number ' +
      '(tag_rule), otherwise. Dashed: all of them, a week earlier.',
      [
        queries.hourly('sum by (template) (increase(swr_retention_deletions_total{<chosen>}[1h]))', '{{template}}'),
        queries.hourly('sum(increase(swr_retention_deletions_total{<chosen>}[1h] offset 1w))', 'a week earlier', 'B'),
      ],
      palette=colors.template,
      stacked=true,
      extra=[panels.dashed('a week earlier')],
      defaults={ decimals: 0 }
    ),

    states: panels.series(
      'Repositories by state',
      'fresh: read within max_staleness; stale: not; failing: its newest reading failed; pending: ' +
      'not read yet; dropped: over max_repositories.',
      [queries.query('sum by (state) (registry_exporter_repositories{<registry>})', '{{state}}')],
      'none',
      palette=colors.state,
      stacked=true
    ),

    age: panels.series(
      'Age of the data',
      'Time since repositories were read: the oldest, and the median.',
      [
        queries.query(
          inMinutes('max by (registry) (time() - registry_exporter_repository_last_read_timestamp_seconds{<chosen>})'),
          '{{registry}}, oldest',
          'A'
        ),
        queries.query(
          inMinutes(
            'quantile by (registry) (0.5, time() - registry_exporter_repository_last_read_timestamp_seconds{<chosen>})'
          ),
          '{{registry}}, median',
          'B'
        ),
      ],
      panels.durations.minutes
    ),

    slower: panels.stat(
      'Builds slower',
      'Repositories whose successful builds, three or more, took in the mean of 24 hours half as long again as ' +
      'in the six days before, and a minute more.',
      queries.now(
        'count(' + meanNow + ' > 1.5 * ' + meanBefore + ' and ' + meanNow + ' > 60 + ' + meanBefore + ') or vector(0)'
      ),
      'none',
      steps([[null, colors.green], [1, colors.orange]])
    ),

    slowTable: table(
      'Slowest repositories, and are they getting slower?',
      'Mean duration of successful builds in 24 hours, where there were three or more, against the six days before. 100 % is ' +
      'as ever.',
      [
        ['Mean 24 h', 'topk(20, ' + meanNow + ')'],
        ['Six days before', meanBefore],
        ['Of before', meanNow + ' / ' + meanBefore],
        ['Last build', 'max by (<repo>) (acr_last_build_duration_seconds{<chosen>})'],
      ],
      [['Of before', true]],
      { 'Mean 24 h': clock, 'Six days before': clock, 'Of before': 'percentunit', 'Last build': clock },
      { 'Of before': steps([[null, colors.green], [1.25, 'text'], [1.5, colors.orange], [2, colors.red]]) },
      noValue='No successful build within 24 hours',
      links={ Repository: buildsLink },
    ),
  }
