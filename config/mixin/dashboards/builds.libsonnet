// Image builds: how many fail, where, how long they take.
local colors = import 'colors.libsonnet';

function(config)
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local table = (import 'table.libsonnet')(config);
  local shared = (import 'shared.libsonnet')(config);
  local syncs = (import 'syncs.libsonnet')(config, ['acr']);
  local durations = (import '../lib/durations.libsonnet')(config);
  local now = queries.now;
  local recent = queries.recent;
  local stat = panels.stat;
  local steps = panels.steps;
  local byNamespace = 'registry, repo_namespace';
  local ratioSteps = steps([[null, colors.red], [0.8, colors.orange], [0.95, colors.green]]);

  local heatmap = panels.panel(
    'heatmap',
    'How long builds take',
    "Finished builds by duration; the darker, the more. Exemplars lead to a build's id.",
    [queries.query(
      durations.buckets('acr_build_duration_seconds', '<chosen>', 'increase(%s[$__rate_interval])'), '{{le}}'
    ) { format: 'heatmap', exemplar: true }],
    'locale',
    {
      calculate: false,
      cellGap: 1,
      cellValues: { unit: 'locale' },
      color: {
        mode: 'scheme',
        scheme: 'Blues',
        steps: 32,
        scale: 'exponential',
        exponent: 0.5,
        fill: 'dark-blue',
        reverse: false,
      },
      exemplars: { color: 'rgba(255,120,0,0.8)' },
      filterValues: { le: 1e-9 },
      legend: { show: true },
      rowsFrame: { layout: 'auto' },
      showValue: 'never',
      tooltip: { mode: 'single', showColorScale: false, yHistogram: false },
      yAxis: { axisPlacement: 'left', unit: 's', reverse: false },
    },
    'No builds',
    { custom: { hideFrom: { legend: false, tooltip: false, viz: false } } }
  ) { maxDataPoints: 96 };

  (import 'dashboard.libsonnet')(config).dashboard(
    'builds',
    'Image builds of Alibaba Cloud ACR: how many fail, where, how long they take.',
    [
      [4, [
        [4, stat(
          'Builds, 24 h',
          'Builds that ended as success or failed.',
          now('sum(' + recent('success|failed') + ')')
        )],
        [4, stat(
          'Failed, 24 h',
          'Builds that ended as failed.',
          now('sum(' + recent('failed') + ')'),
          thresholds=steps([[null, colors.green], [1, colors.orange]])
        )],
        [4, stat(
          'Success, 24 h',
          'Of those that ended as success or failed.',
          now(shared.ratio24h),
          'percentunit',
          ratioSteps,
          'No builds',
          defaults={ decimals: 1 }
        )],
        [4, shared.slower],
        [4, stat(
          'In progress',
          'Builds that are pending or running.',
          now('sum(acr_builds_in_progress{<chosen>})'),
          background=false
        )],
        [4, stat(
          'Stuck',
          'Builds in progress that started more than two hours ago: repositories that have one.',
          now(
            'count(time() - max by (<repo>) (acr_build_oldest_in_progress_start_timestamp_seconds{<chosen>}) > 7200) ' +
            'or vector(0)'
          ),
          thresholds=steps([[null, colors.green], [1, colors.red]])
        )],
      ]],
      [8, [
        [12, shared.buildsPerHour],
        [12, panels.series(
          'Share that succeeds, by namespace',
          'Of the builds that ended in the 24 hours before each ' +
          'point; the ten namespaces that fail most at the end.',
          [queries.query(queries.steady(
            'bottomk(10',
            'sum by (' + byNamespace + ') (' + recent('success', offset='<at>') + ') ' +
            '/ sum by (' + byNamespace + ') (' + recent('success|failed', offset='<at>') + ')'
          ), '{{repo_namespace}}')],
          'percentunit',
          defaults={ max: 1 }
        )],
      ]],
      [9, [
        [15, shared.failingTable('Failures ranked')],
        [9, table(
          'By namespace',
          'Builds that ended within 24 hours.',
          [
            ['Builds 24 h', 'topk(20, sum by (' + byNamespace + ') (' + recent('success|failed') + ') > 0)'],
            ['Failed', 'sum by (' + byNamespace + ') (' + recent('failed') + ')'],
            [
              'Succeeded',
              'sum by (' + byNamespace + ') (' + recent('success') + ') ' +
              '/ (sum by (' + byNamespace + ') (' + recent('success|failed') + ') > 0)',
            ],
          ],
          [['Failed', true]],
          { Succeeded: 'percentunit' },
          { Succeeded: ratioSteps },
          noValue='No builds within 24 hours',
          on=byNamespace
        )],
      ]],
      [9, [[12, shared.duration], [12, heatmap]]],
      [9, [
        [14, shared.slowTable],
        [10, panels.bars(
          'Oldest builds in progress',
          'How long ago the oldest open build of a repository started.',
          now(
            'topk(12, time() - max by (<repo>) (acr_build_oldest_in_progress_start_timestamp_seconds{<chosen>}))',
            '{{repo_namespace}}/{{repo}}'
          ),
          panels.durations.daysAndClock,
          steps([[null, colors.green], [3600, colors.orange], [7200, colors.red]]),
          'No build is open'
        )],
      ]],
      [8, [
        [12, panels.series(
          'Share that succeeds, by repository',
          'Over seven days, as of each point: of those with five builds ' +
          'or more, the ten that fail most at the end.',
          [queries.query(queries.steady(
            'bottomk(10',
            'max by (<repo>) (acr_build_success_ratio{window="7d", <chosen>}<at>) and sum by (<repo>) ' +
            '(' + recent('success|failed', '7d', '<at>') + ') >= 5'
          ), '{{repo_namespace}}/{{repo}}')],
          'percentunit',
          defaults={ max: 1 }
        )],
        [12, panels.bars(
          'Longest since a success',
          'Repositories with builds in the last seven days, by the time since ' +
          'the last one that succeeded.',
          now(
            'topk(10, time() - max by (<repo>) (acr_last_build_end_timestamp_seconds{status="success", <chosen>}) and ' +
            'max by (<repo>) (' + recent('success|failed', '7d') + ') > 0)',
            '{{repo_namespace}}/{{repo}}'
          ),
          panels.durations.daysAndClock,
          steps([[null, colors.green], [86400, colors.orange], [259200, colors.red]])
        )],
      ]],
      [8, [[12, syncs.perHour], [12, syncs.failingTable('Synchronisations that fail')]]],
      [4, [
        [12, stat(
          'Without a usable duration, 24 h',
          'Counted builds whose end is missing or before their start: ' +
          'not in the durations.',
          now('round(sum(increase(registry_exporter_durations_invalid_total{<registry>}[24h])))'),
          background=false
        )],
        [12, stat(
          'Of unknown status, 24 h',
          'How often a status was met that the exporter does not know; ' +
          'metrics.build_statuses maps it.',
          now('round(sum(increase(registry_exporter_unknown_statuses_total{<registry>}[24h])))'),
          background=false
        )],
      ]],
    ]
  )
