// Synchronisation: do images arrive where they should? Synchronisations of ACR and SWR, replications of SWR Enterprise.
local colors = import 'colors.libsonnet';

function(config)
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local table = (import 'table.libsonnet')(config);
  local syncs = (import 'syncs.libsonnet')(config);
  local durations = (import '../lib/durations.libsonnet')(config);
  local now = queries.now;
  local stat = panels.stat;
  local steps = panels.steps;
  local fewIsBad = steps([[null, colors.green], [1, colors.red]]);
  local ratioSteps = steps([[null, colors.red], [0.8, colors.orange], [0.95, colors.green]]);

  local byPolicy = 'registry, policy';
  local executions(status, window='24h') =
    'round(sum by (%s) (increase(swr_replication_executions_total{status=~"%s", <registry>}[%s])))' % [byPolicy, status, window];
  local artifacts(result) =
    'round(sum by (%s) (increase(swr_replicated_artifacts_total{result=~"%s", <registry>}[24h])))' % [byPolicy, result];
  local replicationSeconds(part) =
    'sum by (%s) (%s)' % [
      byPolicy,
      durations.part('swr_replication_execution_duration_seconds', part, 'status="success", <registry>', 'increase(%s[24h])'),
    ];

  local byList = 'registry, list';
  local ofList(metric) = 'max by (%s) (registry_exporter_list_%s{<registry>})' % [byList, metric];

  (import 'dashboard.libsonnet')(config).dashboard(
    'synchronisation',
    'Image synchronisation of Alibaba Cloud ACR and Huawei Cloud SWR, and replication of SWR Enterprise Edition: what ' +
    'fails, where, how long it takes.',
    [
      [4, [
        [4, stat(
          'Synchronisations, 24 h',
          'Image synchronisations that became known as success or failed within 24 hours.',
          now('sum(' + syncs.ended('success|failed') + ')')
        )],
        [4, stat(
          'Failed, 24 h',
          'Image synchronisations that became known as failed within 24 hours.',
          now('sum(' + syncs.ended('failed') + ')'),
          thresholds=steps([[null, colors.green], [1, colors.orange]])
        )],
        [4, stat(
          'Success, 24 h',
          'Of those that ended as success or failed.',
          now('sum(' + syncs.ended('success') + ') / (sum(' + syncs.ended('success|failed') + ') > 0)'),
          'percentunit',
          ratioSteps,
          'None ended',
          defaults={ decimals: 1 }
        )],
        [4, stat(
          'Newest failed',
          'Repositories whose newest synchronisation failed.',
          now('count(' + syncs.newest + ' == 0) or vector(0)'),
          thresholds=steps([[null, colors.green], [1, colors.orange]])
        )],
        [4, stat(
          'In progress',
          'Image synchronisations that are pending or running.',
          now('sum(' + syncs.inProgress + ')'),
          background=false
        )],
        [4, stat(
          'Stuck',
          'Repositories with a synchronisation in progress that was created more than two hours ago.',
          now('count(' + syncs.oldest + ' > 7200) or vector(0)'),
          thresholds=fewIsBad
        )],
      ]],
      [8, [[12, syncs.perHour], [12, syncs.duration]]],
      [9, [[14, syncs.failingTable('Which repositories fail?')], [10, syncs.oldestBars]]],
      [8, [
        [8, panels.series(
          'Replications per hour by status',
          'Executions of replication policies (SWR Enterprise Edition) that became known as finished within the hour ' +
          'before each point.',
          [queries.hourly(
            'sum by (status) (increase(swr_replication_executions_total{<registry>}[1h]))', '{{status}}'
          )],
          palette=colors.status,
          stacked=true,
          defaults={ decimals: 0 }
        )],
        [8, panels.series(
          'Replicated artifacts per hour by result',
          'What executions that ended within the hour before each point dealt with.',
          [queries.hourly(
            'sum by (result) (increase(swr_replicated_artifacts_total{<registry>}[1h]))', '{{result}}'
          )],
          palette=colors.status,
          stacked=true,
          defaults={ decimals: 0 }
        )],
        [8, panels.series(
          'Duration of replications',
          'Of successful executions that ended in the hour before each point: 95 % are quicker than this.',
          [queries.hourly(
            panels.durations.inMinutes(durations.quantile(
              '0.95',
              'swr_replication_execution_duration_seconds',
              'status="success", <registry>',
              'increase(%s[1h])',
              ['registry', 'policy']
            )),
            '{{policy}}'
          )],
          panels.durations.minutes,
          noValue='No successful execution'
        )],
      ]],
      [8, [
        [15, table(
          'Replication by policy',
          'Executions that became known as finished within 24 hours, their mean duration where they succeeded, and what ' +
          'became of their artifacts.',
          [
            ['Failed 24 h', 'topk(20, ' + executions('failed') + ')'],
            ['Succeeded', executions('success')],
            ['Stopped', executions('stopped')],
            ['Mean', replicationSeconds('sum') + ' / (' + replicationSeconds('count') + ' > 0)'],
            ['Artifacts', artifacts('success')],
            ['Artifacts failed', artifacts('failed')],
          ],
          [['Failed 24 h', true]],
          { Mean: panels.durations.clock },
          {
            'Failed 24 h': steps([[null, 'text'], [1, colors.orange], [10, colors.red]]),
            'Artifacts failed': steps([[null, 'text'], [1, colors.orange]]),
          },
          noValue='No replication policy',
          on=byPolicy
        )],
        [9, table(
          'Lists of a whole registry',
          'When the list was last read to its end, and whether the newest reading failed. What can not be read shows its ' +
          'last known values here.',
          [
            ['Last read', 'topk(20, ' + ofList('last_read_timestamp_seconds') + ') * 1000'],
            ['Failing', ofList('failing')],
          ],
          [['Last read', false]],
          { 'Last read': 'dateTimeFromNow' },
          { Failing: fewIsBad },
          noValue='No such list',
          on=byList
        )],
      ]],
    ]
  )
