// Panels about executions of retention, of SWR Enterprise Edition.
local colors = import 'colors.libsonnet';

function(config)
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local table = (import 'table.libsonnet')(config);
  local durations = (import '../lib/durations.libsonnet')(config);
  local steps = panels.steps;
  local inMinutes = panels.durations.inMinutes;
  local seconds = 'swr_retention_execution_duration_seconds';
  local successful = 'status="success", <namespace>';

  local byNamespace = 'registry, repo_namespace';
  local ended(status) =
    'round(sum by (%s) (increase(swr_retention_executions_total{status="%s", <namespace>}[24h])))' % [byNamespace, status];
  local total(part) =
    'sum by (%s) (%s)' % [byNamespace, durations.part(seconds, part, successful, 'increase(%s[24h])')];
  local quantile(share) = durations.quantile(share, seconds, successful, 'increase(%s[1h])');

  {
    perHour: panels.series(
      'Executions of retention per hour by status',
      'Of SWR Enterprise Edition, dry runs included: those that became known as finished within the hour before each point.',
      [queries.hourly(
        'sum by (status) (increase(swr_retention_executions_total{<namespace>}[1h]))', '{{status}}'
      )],
      palette=colors.status,
      stacked=true,
      defaults={ decimals: 0 },
      noValue='No execution, or no Enterprise Edition'
    ),

    byNamespace: table(
      'Executions of retention by namespace',
      'Of SWR Enterprise Edition: what became known as finished within 24 hours, how the newest one ended that ended as ' +
      'success or failed, the mean duration of successful ones, and the tags that they deleted.',
      [
        ['Failed 24 h', 'topk(20, ' + ended('failed') + ')'],
        ['Succeeded', ended('success')],
        ['Newest', 'max by (%s) (swr_last_retention_execution_success{<namespace>})' % byNamespace],
        ['Running', 'sum by (%s) (swr_retention_executions_in_progress{<namespace>})' % byNamespace],
        ['Mean', total('sum') + ' / (' + total('count') + ' > 0)'],
        [
          'Deleted',
          'round(sum by (%s) (increase(swr_retention_deletions_total{<namespace>}[24h])))' % byNamespace,
        ],
      ],
      [['Failed 24 h', true]],
      { Mean: panels.durations.clock },
      {
        'Failed 24 h': steps([[null, 'text'], [1, colors.orange]]),
        Newest: steps([[null, colors.red], [1, colors.green]]),
      },
      texts=[panels.named('Newest', [['mappings', panels.words({ '0': 'failed', '1': 'success' }).mappings]])],
      noValue='No Enterprise Edition',
      on=byNamespace
    ),

    duration: panels.series(
      'Duration of executions',
      'Of successful executions of retention that ended in the hour before each point.',
      [
        queries.hourly(inMinutes(quantile('0.95')), '95 % are quicker than', 'A'),
        queries.hourly(inMinutes(quantile('0.5')), 'Half are quicker than', 'B'),
      ],
      panels.durations.minutes,
      { '95 % are quicker than': colors.orange, 'Half are quicker than': colors.blue },
      noValue='No successful execution'
    ),
  }
