// Retention: what was deleted, by which rule, and what is left.
local colors = import 'colors.libsonnet';

function(config)
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local table = (import 'table.libsonnet')(config);
  local shared = (import 'shared.libsonnet')(config);
  local now = queries.now;
  local query = queries.query;
  local deleted = queries.deleted;
  local stat = panels.stat;
  local steps = panels.steps;
  local busiest = shared.busiest;
  local executions = (import 'executions.libsonnet')(config);

  local usualHour(at) =
    'clamp_min(max by (<repo>) (registry_repo:swr_retention_deletions:max_recent1h_1w%s), 7)' % at;
  local largest(metric) = query(queries.steady(
    'topk(10', 'sum by (registry, repo_namespace) (max by (<repo>) (' + metric + '{<chosen>}<at>))'
  ), '{{repo_namespace}}');

  (import 'dashboard.libsonnet')(config).dashboard(
    'retention',
    'Retention (aging) of Huawei Cloud SWR: what was deleted, by which rule, and what is left.',
    [
      [4, [
        [4, stat(
          'Deleted, 1 h',
          'Tags deleted within the last hour.',
          now('sum(swr_retention_deletions_recent{window="1h", <chosen>})')
        )],
        [4, stat(
          'Deleted, 24 h',
          'Tags deleted within the last 24 hours.',
          now('sum(swr_retention_deletions_recent{window="24h", <chosen>})')
        )],
        [4, stat(
          'Of the busiest day',
          'Deletions of 24 hours against the busiest 24 hours of the six days before, ' +
          'all chosen repositories together.',
          now(
            'sum(swr_retention_deletions_recent{window="24h", <chosen>}) / clamp_min(max_over_time(sum(' +
            'swr_retention_deletions_recent{window="24h", <chosen>})[6d:1h] offset 1d), 1)'
          ),
          'percentunit',
          steps([[null, colors.green], [1.5, colors.orange], [2, colors.red]]),
          'No history yet',
          defaults={ decimals: 0 }
        )],
        [4, stat(
          'Far more than usual',
          'Repositories in which retention deleted more than twice as much as in the ' +
          'busiest 24 hours of the six days before, and 20 tags more.',
          now(
            'count(' + deleted() + ' > 2 * ' + busiest + ' and ' + deleted() + ' > 20 + ' + busiest + ') or vector(0)'
          ),
          thresholds=steps([[null, colors.green], [1, colors.red]])
        )],
        [4, stat(
          'Almost empty',
          'Repositories with at most two tags left in which retention deleted some within 24 hours.',
          now('count(max by (<repo>) (swr_repository_tags{<chosen>}) <= 2 and ' + deleted() + ' > 0) or vector(0)'),
          thresholds=steps([[null, colors.green], [1, colors.red]])
        )],
        [4, stat(
          'Stored',
          'Size of the chosen repositories.',
          now('sum(max by (<repo>) (swr_repository_size_bytes{<chosen>}))'),
          'bytes',
          background=false
        )],
      ]],
      [9, [[8, shared.deletionsPerHour], [16, shared.deletionsTable('More than usual? Where, by which rule?')]]],
      [8, [
        [12, panels.series(
          'Spikes against what is usual',
          'Tags deleted within the hour before each point, as a multiple of the ' +
          "repository's busiest hour in the week before (seven tags at least): the eight that rose highest. " +
          'Above the dashed line it is a spike. ' + shared.hint,
          [
            query(
              deleted('1h') + ' / ' + usualHour('') + ' and topk(8, max by (<repo>) (max_over_time(' +
              'swr_retention_deletions_recent{window="1h", <chosen>}[$__range] @ end())) / ' + usualHour(' @ start()') + ')',
              '{{repo_namespace}}/{{repo}}'
            ),
            query(
              'max(registry_exporter:threshold and on (name) label_replace(' +
              'vector(1), "name", "retention_spike_factor", "", ""))',
              'spike',
              'B'
            ),
          ],
          unit='none',
          extra=[panels.dashed('spike', colors.red)]
        )],
        [12, panels.series(
          'Deleting most',
          'Tags deleted within the 24 hours before each point: the eight repositories that ' +
          'have lost most at the end.',
          [query(queries.steady('topk(8', deleted(at='<at>')), '{{repo_namespace}}/{{repo}}')]
        )],
      ]],
      [8, [
        [12, panels.series(
          'Tags',
          'All tags of the chosen repositories, by namespace: the ten largest.',
          [largest('swr_repository_tags')]
        )],
        [12, panels.series(
          'Size',
          'Of the chosen repositories, by namespace: the ten largest.',
          [largest('swr_repository_size_bytes')],
          'bytes'
        )],
      ]],
      [9, [
        [12, table(
          'Fewest tags left',
          'Of repositories in which retention deleted within seven days.',
          [
            ['Tags left', 'bottomk(20, max by (<repo>) (swr_repository_tags{<chosen>}) and ' + deleted('7d') + ' > 0)'],
            ['Deleted 7 d', deleted('7d')],
            ['Last deletion', 'max by (<repo>) (swr_last_retention_deletion_timestamp_seconds{<chosen>}) * 1000'],
          ],
          [['Tags left', false]],
          { 'Last deletion': 'dateTimeFromNow' },
          { 'Tags left': steps([[null, colors.red], [3, 'text']]) },
          noValue='Nothing was deleted within seven days',
          links={ Repository: shared.retentionLink }
        )],
        [12, table(
          'Rules in force',
          'As the cloud lists them, with collect_rules: keep is days for date_rule, a number of ' +
          'tags for tag_rule.',
          [['Rule is there', 'topk(50, max by (<repo>, template, keep) (swr_retention_rule_info{<chosen>}))']],
          [['Repository', true]],
          widths={ 'Rule is there': 100 },
          noValue='No rule, or collect_rules is off'
        )],
      ]],
      [8, [[6, executions.perHour], [12, executions.byNamespace], [6, executions.duration]]],
    ]
  )
