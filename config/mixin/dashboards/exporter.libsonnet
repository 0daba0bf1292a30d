// Can the numbers be trusted?
local colors = import 'colors.libsonnet';

function(config)
  local queries = (import 'queries.libsonnet')(config);
  local panels = (import 'panels.libsonnet')(config);
  local table = (import 'table.libsonnet')(config);
  local shared = (import 'shared.libsonnet')(config);
  local durations = (import '../lib/durations.libsonnet')(config);
  local now = queries.now;
  local query = queries.query;
  local series = panels.series;
  local stat = panels.stat;
  local steps = panels.steps;

  local calls = 'registry_exporter_api_requests_total{<registry>}';
  local notOk = 'registry_exporter_api_requests_total{outcome!="ok", <registry>}';
  local ofInstance(expression) = 'max by (instance) (%s)' % expression;

  (import 'dashboard.libsonnet')(config).dashboard(
    'exporter',
    'Can the numbers be trusted? How fresh they are, how the clouds answer, how the exporter does.',
    [
      [4, [
        [5, shared.registries],
        [3, shared.fresh],
        [3, shared.missed],
        [3, stat(
          'Books',
          'Records by which the books do not balance. Anything but 0 is a fault of the exporter.',
          now('sum(abs(registry_exporter_ledger_imbalance{<registry>}))'),
          'none',
          steps([[null, colors.green], [1, colors.red]]),
          defaults=panels.words({ '0': 'balance' })
        )],
        [4, stat(
          'Last complete collection',
          'Time since the last cycle that left nothing unread, of the registry ' +
          'that is furthest behind.',
          now('max(time() - registry_exporter_collection_last_success_timestamp_seconds{<registry>})'),
          panels.durations.words,
          steps([[null, colors.green], [600, colors.orange], [1800, colors.red]]),
          'Never'
        )],
        [3, stat(
          'State written',
          'Commits to the state file that failed within an hour.',
          now('round(sum(increase(registry_exporter_state_commits_total{result="error", <target>}[1h])))'),
          'none',
          steps([[null, colors.green], [1, colors.red]]),
          defaults=panels.words({ '0': 'well' })
        )],
        [3, stat(
          'Keys expire in',
          'The soonest; the exporter renews them long before. Keys for good have no expiry.',
          now('min(registry_exporter_credentials_expiry_timestamp_seconds{<registry>} - time())'),
          panels.durations.words,
          // The first is that of no expiry.
          steps([[null, colors.green], [-1e9, colors.red], [300, colors.green]]),
          'never'
        )],
      ]],
      [8, [[12, shared.states], [12, shared.age]]],
      [8, [
        [12, series(
          'API calls that were not answered well',
          'By outcome, calls per second. ok is left out: see the next panel.',
          [query(
            'sum by (registry, outcome) (rate(' + notOk + '[$__rate_interval])) > 0', '{{registry}} {{outcome}}'
          )],
          'reqps',
          noValue='All calls were answered well'
        )],
        [12, series(
          'API calls and the rate in force',
          'Calls per second, and the rate in force (dashed). Below the ' +
          'configured one, the cloud has throttled.',
          [
            query('sum by (registry) (rate(' + calls + '[$__rate_interval]))', '{{registry}}'),
            query(
              'max by (registry) (registry_exporter_rate_limit_requests_per_second{<registry>})',
              '{{registry}}, in force',
              'B'
            ),
          ],
          'reqps',
          extra=[{
            matcher: { id: 'byRegexp', options: '/in force/' },
            properties: [
              { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 6] } },
              { id: 'custom.fillOpacity', value: 0 },
            ],
          }]
        )],
      ]],
      [8, [
        [8, series(
          'How long calls take',
          '90 % of the calls of an operation are quicker than this.',
          [query(
            durations.quantile(
              '0.9', 'registry_exporter_api_request_duration_seconds', '<registry>', 'rate(%s[$__rate_interval])', [
                'registry',
                'operation',
              ]
            ),
            '{{operation}}'
          )],
          's'
        ) { options+: { legend+: { placement: 'right' } } }],
        [8, series(
          'Collection',
          'Length of the last cycle.',
          [query('max by (registry) (registry_exporter_collection_duration_seconds{<registry>})', '{{registry}}')],
          panels.durations.seconds
        )],
        [8, series(
          'Scrapes',
          'complete; partial: answered at the deadline while the collection went on; cached: sooner ' +
          'than min_interval. Per minute.',
          [query(
            'sum by (result) (rate(registry_exporter_scrapes_total{<target>}[$__rate_interval])) * 60', '{{result}}'
          )],
          'locale',
          { complete: colors.green, partial: colors.orange, cached: colors.blue },
          stacked=true
        )],
      ]],
      [8, [
        [8, series(
          'Records, by what became of them',
          'Per hour: counted; late: met too late to be sure that they are ' +
          'new; vanished: gone while running; rejected: without a usable id; baseline: history at the start.',
          [query('sum by (class) (increase(registry_exporter_records_total{<registry>}[1h]))', '{{class}}')],
          palette={
            counted: colors.green,
            late: colors.orange,
            vanished: colors.red,
            rejected: 'purple',
            baseline: colors.grey,
          },
          defaults={ decimals: 0 }
        )],
        [8, series(
          'Gaps and rejected records',
          'Per hour: lists in which records may have come and gone unseen, and ' +
          'records without a usable id, by reason. Now: lists whose end is out of reach.',
          [
            query(
              'sum by (registry) (increase(registry_exporter_history_gaps_total{<registry>}[1h]))', '{{registry}}, gaps'
            ),
            query(
              'sum by (reason) (increase(registry_exporter_records_rejected_total{<registry>}[1h]))', '{{reason}}', 'B'
            ),
            query(
              'count by (registry) (registry_exporter_repository_first_unreadable_row{<chosen>} or ' +
              'registry_exporter_list_first_unreadable_row{<registry>})',
              '{{registry}}, not read to the end',
              'C'
            ),
          ],
          defaults={ decimals: 0 }
        )],
        [8, series(
          'Sweeps',
          'Whole readings of a list, per hour; error: not clean, repeated.',
          [query(
            'sum by (registry, result) (increase(registry_exporter_sweeps_total{<registry>}[1h]))',
            '{{registry}} {{result}}'
          )],
          defaults={ decimals: 0 }
        )],
      ]],
      [8, [
        [8, table(
          'Repositories that can not be read',
          'The newest reading failed, for this reason.',
          [['Failing', 'topk(50, max by (<repo>, reason) (registry_exporter_repository_failing{<chosen>}))']],
          [['Repository', true]],
          widths={ Failing: 80 },
          noValue='All can be read'
        )],
        [16, table(
          'Processes',
          'Each exporter that is scraped: shard, configuration, when counting began, whether its ' +
          'state was damaged, since when it runs.',
          [
            [
              'Shard',
              ofInstance('registry_exporter_shard_ordinal{<target>}') + ' + on (instance) group_left (version) ' +
              '0 * max by (instance, version) (registry_exporter_build_info{<target>})',
            ],
            ['Of', ofInstance('registry_exporter_total_shards{<target>}')],
            ['Config good', ofInstance('registry_exporter_config_last_reload_successful{<target>}')],
            [
              'Config read',
              ofInstance('registry_exporter_config_last_reload_success_timestamp_seconds{<target>}') + ' * 1000',
            ],
            ['Counting since', ofInstance('registry_exporter_state_created_timestamp_seconds{<target>}') + ' * 1000'],
            ['Damage set aside', ofInstance('registry_exporter_state_recovered{<target>}')],
            ['Running since', ofInstance('process_start_time_seconds{<target>}') + ' * 1000'],
          ],
          [['Shard', true]],
          {
            'Config read': 'dateTimeFromNow',
            'Counting since': 'dateTimeFromNow',
            'Running since': 'dateTimeFromNow',
          },
          {
            'Config good': steps([[null, colors.red], [1, colors.green]]),
            'Damage set aside': steps([[null, colors.green], [1, colors.red]]),
          }
        )],
      ]],
      [7, [
        [6, series(
          'Memory',
          'Resident memory of each process.',
          [query('process_resident_memory_bytes{<target>}', '{{instance}}')],
          'bytes'
        )],
        [6, series(
          'Processor',
          'Seconds of processor time per second.',
          [query('rate(process_cpu_seconds_total{<target>}[$__rate_interval])', '{{instance}}')],
          'percentunit'
        )],
        [6, series(
          'State on disk',
          'Size of the state file and its journal.',
          [query('registry_exporter_state_size_bytes{<target>}', '{{instance}}')],
          'bytes'
        )],
        [6, series(
          'Descriptors and threads',
          'Open file descriptors, and threads.',
          [
            query('process_open_fds{<target>}', '{{instance}} descriptors'),
            query('process_threads{<target>}', '{{instance}} threads', 'B'),
          ]
        )],
      ]],
    ]
  )
