// Panels about image synchronisation, of both clouds or of one, and what they are made of.
local colors = import 'colors.libsonnet';

// `clouds`: the prefixes of their metrics.
function(config, clouds=['acr', 'swr'])
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local table = (import 'table.libsonnet')(config);
  local dashboards = (import 'dashboard.libsonnet')(config);
  local durations = (import '../lib/durations.libsonnet')(config);
  local steps = panels.steps;
  local names = { acr: 'ACR', swr: 'SWR' };

  // `around`, such as 'increase(%s[1h])', of a metric of each cloud: a repository has that of one.
  local each(metric, matchers='', around='%s') =
    std.join(' or ', [around % ('%s_%s{%s<chosen>}' % [cloud, metric, matchers]) for cloud in clouds]);
  local ended(status, window='24h') =
    'round(sum by (<repo>) (%s))' % each('syncs_total', 'status=~"%s", ' % status, 'increase(%s[' + window + '])');
  local oldest = 'time() - max by (<repo>) (%s)' % each('sync_oldest_in_progress_start_timestamp_seconds');
  local newest = 'max by (<repo>) (%s)' % each('last_sync_success');
  local inProgress = 'sum by (<repo>) (%s)' % each('syncs_in_progress');

  {
    ended: ended,
    oldest: oldest,
    newest: newest,
    inProgress: inProgress,

    perHour: panels.series(
      'Synchronisations per hour by status',
      'Image synchronisations that became known as finished within the hour before each point.',
      [queries.hourly(
        'sum by (status) (%s)' % each('syncs_total', around='increase(%s[1h])'), '{{status}}'
      )],
      palette=colors.status,
      stacked=true,
      defaults={ decimals: 0 },
      noValue='No synchronisation, or collect does not name syncs'
    ),

    duration: panels.series(
      'Duration of synchronisations',
      'Of successful ones that ended in the hour before each point, from their creation to their last change: the ' +
      'time that they waited is included.',
      [
        queries.hourly(
          panels.durations.inMinutes(durations.quantile(
            line[1], line[0] + '_sync_duration_seconds', 'status="success", <chosen>', 'increase(%s[1h])'
          )),
          names[line[0]] + line[2],
          line[3]
        )
        for line in [
          ['acr', '0.95', ': 95 % are quicker than', 'A'],
          ['acr', '0.5', ': half are quicker than', 'B'],
          ['swr', '0.95', ': 95 % are quicker than', 'C'],
          ['swr', '0.5', ': half are quicker than', 'D'],
        ]
        if std.member(clouds, line[0])
      ],
      panels.durations.minutes,
      noValue='No successful synchronisation'
    ),

    failingTable(title): table(
      title,
      'Image synchronisations that became known as failed within 24 hours. Newest: how the last one ended that ended as ' +
      'success or failed; where it succeeded though others fail, one of several rules may be the cause.',
      [
        ['Failed 24 h', 'topk(20, ' + ended('failed') + ' > 0)'],
        ['Succeeded', ended('success')],
        ['Newest', newest],
        ['In progress', inProgress],
      ],
      [['Failed 24 h', true]],
      {},
      {
        'Failed 24 h': steps([[null, 'text'], [1, colors.orange], [10, colors.red]]),
        Newest: steps([[null, colors.red], [1, colors.green]]),
      },
      texts=[panels.named('Newest', [['mappings', panels.words({ '0': 'failed', '1': 'success' }).mappings]])],
      noValue='No synchronisation failed within 24 hours',
      links={ Repository: dashboards.repositoryLink('synchronisation', 'Synchronisation of this repository') }
    ),

    oldestBars: panels.bars(
      'Oldest synchronisations in progress',
      'How long ago the oldest open synchronisation of a repository was created.',
      queries.now('topk(12, %s)' % oldest, '{{repo_namespace}}/{{repo}}'),
      panels.durations.daysAndClock,
      steps([[null, colors.green], [3600, colors.orange], [7200, colors.red]]),
      'None is open'
    ),
  }
