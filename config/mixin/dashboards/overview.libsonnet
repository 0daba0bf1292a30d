// Is anything wrong, where, since when?
local colors = import 'colors.libsonnet';

function(config)
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local shared = (import 'shared.libsonnet')(config);
  local now = queries.now;
  local stat = panels.stat;
  local steps = panels.steps;

  (import 'dashboard.libsonnet')(config).dashboard(
    'overview',
    'Is anything wrong, where, since when; image builds (Alibaba Cloud ACR) and retention ' +
    'deletions (Huawei Cloud SWR) at a glance.',
    [
      [4, [
        [2, stat(
          'Alerts',
          'Alerts of the shipped rules that fire. ' + shared.hint,
          now('count(' + shared.firing + ') or vector(0)'),
          thresholds=steps([[null, colors.green], [1, colors.red]])
        )],
        [3, shared.registries],
        [3, stat(
          'Failed, 24 h',
          'Builds that ended as failed in the last 24 hours.',
          now('sum(' + queries.recent('failed') + ')'),
          thresholds=steps([[null, colors.green], [1, colors.orange]])
        )],
        [3, stat(
          'Success, 24 h',
          'Of the builds that ended as success or failed in the last 24 hours.',
          now(shared.ratio24h),
          'percentunit',
          steps([[null, colors.red], [0.8, colors.orange], [0.95, colors.green]]),
          'No builds',
          defaults={ decimals: 1 }
        )],
        [2, stat(
          'Broken',
          'Repositories whose last build failed.',
          now('count(max by (<repo>) (acr_last_build_success{<chosen>}) == 0) or vector(0)'),
          thresholds=steps([[null, colors.green], [1, colors.orange]])
        )],
        [3, shared.slower],
        [3, stat(
          'Deleted, 24 h',
          'Tags that retention deleted in the last 24 hours.',
          now('sum(swr_retention_deletions_recent{window="24h", <chosen>})')
        )],
        [3, shared.fresh],
        [2, shared.missed],
      ]],
      [9, [[11, shared.alertTable], [13, shared.failingTable('Which repositories fail, and is it new?')]]],
      [8, [[12, shared.buildsPerHour], [12, shared.duration]]],
      [9, [[8, shared.deletionsPerHour], [16, shared.deletionsTable('Did retention delete more than usual?')]]],
      [6, [[24, shared.age]]],
    ]
  )
