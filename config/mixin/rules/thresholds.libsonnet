// The thresholds as series. Their values: _config.thresholds.
local sections = [
  {
    comment: |||
      RegistryBuildsFailingInARow: so many builds without a success in between, the last of them younger
      than this. Repositories that were given up long ago stay quiet.
    |||,
    names: ['build_failures_in_a_row', 'build_failures_in_a_row_age_seconds'],
  },
  {
    comment: |||
      RegistryBuildSuccessRatioLow: the share of one repository's builds within 24 hours, and how many there
      have to be for a share to mean anything.
    |||,
    names: ['build_success_ratio', 'build_success_ratio_builds'],
  },
  {
    comment: |||
      RegistryBuildBudgetBurning: the share of a namespace's builds that ought to succeed over a month; how many
      times faster than that the budget of failures may be spent; how many repositories have to take part.
    |||,
    names: ['build_success_objective', 'build_burn_fast', 'build_burn_slow', 'build_burn_repositories', 'build_burn_builds'],
  },
  {
    comment: 'RegistryBuildStuck',
    names: ['build_stuck_seconds'],
  },
  {
    comment: 'RegistryBuildsSlow: so many times, and so many seconds, slower than the slowest 6 hours of the week before.',
    names: ['build_slow_factor', 'build_slow_extra_seconds'],
  },
  {
    comment: |||
      RegistryNoSuccessfulBuild. Regular ones: so many times the longest pause of two weeks and at least this long (a
      weekend is no news), where there were so many successes a week ago. Busy ones: none in 24 hours, where there were so many in
      the same 24 hours of both weeks before, while the registry built at least this share of a week ago.
    |||,
    names: ['build_pause_factor', 'build_pause_seconds', 'build_usual_per_week', 'build_usual_per_day', 'build_registry_share'],
  },
  {
    comment: |||
      RegistryRetentionSpike: so many times the busiest hour of the week before, and more than so many tags; or so many
      times the busiest day, and by as much more than that day.
    |||,
    names: ['retention_spike_factor', 'retention_spike_tags', 'retention_spike_day_factor'],
  },
  {
    comment: "RegistryRetentionTagsLow: so few tags are left, and less than this share of the week's most.",
    names: ['retention_tags_left', 'retention_tags_left_share'],
  },
  {
    comment: 'RegistryRetentionStopped: so many times the longest pause of twelve days and at least this long.',
    names: ['retention_pause_factor', 'retention_pause_seconds'],
  },
  {
    comment: |||
      RegistryRetentionMissing: so many times the longest pause between successful executions of twelve days, and at
      least this long.
    |||,
    names: ['retention_missing_factor', 'retention_missing_seconds'],
  },
  {
    comment: |||
      RegistrySyncsFailing: so many failures within six hours, and more than this share; a failure that is the newest
      is enough by itself.
    |||,
    names: ['sync_failures', 'sync_failure_share'],
  },
  {
    comment: 'RegistrySyncStuck',
    names: ['sync_stuck_seconds'],
  },
  {
    comment: |||
      RegistryReplicationFailing: more than this share of the executions within six hours; or within one hour, where so
      many failed.
    |||,
    names: ['replication_failures', 'replication_failure_share'],
  },
  {
    comment: "RegistryDown: the share of a registry's repositories that can't be read; below it, each has its own alert.",
    names: ['failing_share'],
  },
  {
    comment: "RegistryDataStale: the share of a registry's repositories that may be behind.",
    names: ['stale_share'],
  },
  {
    comment: 'RegistryThrottled: the share of calls that the cloud may refuse for their number.',
    names: ['throttled_share'],
  },
  {
    comment: 'RegistryCredentialsExpiring: the exporter renews long before; below this it has failed to.',
    names: ['credentials_left_seconds'],
  },
];
{
  known(thresholds)::
    local names = std.set(std.flattenArrays([section.names for section in sections]));
    local unknown = std.setDiff(std.set(std.objectFields(thresholds)), names);
    assert unknown == [] : '_config.thresholds: there is no ' + std.join(', ', unknown);
    true,

  groups(thresholds)::
    [{
      name: 'registry_exporter_thresholds',
      rules: [
        {
          record: 'registry_exporter:threshold',
          labels: { name: section.names[i] },
          expr: 'vector(%s)' % thresholds[section.names[i]],
          oneLine:: true,
        } + (if i == 0 then { comment:: section.comment } else {})
        for section in sections
        for i in std.range(0, std.length(section.names) - 1)
      ],
    }],
}
