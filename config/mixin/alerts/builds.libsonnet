// Alerts about image builds.
{
  name: 'registry_exporter_build_alerts',
  rules: [
    {
      alert: 'RegistryBuildFailed',
      expr: |||
        registry_repo_status:acr_builds:increase15m{status="failed"} > 0
        or
        registry_repo_status:acr_builds:delta15m > 0
      |||,
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'A build of {{ $labels.repo_namespace }}/{{ $labels.repo }} failed.',
        description: |||
          {{ $value | printf "%.0f" }} failed image build(s) of
          {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry {{ $labels.registry }} became known in
          the last minutes.
        |||,
      },
    },
    {
      alert: 'RegistryBuildsFailingInARow',
      expr: |||
        max without (instance, pod) (acr_consecutive_failed_builds{$selector})
          >= scalar(registry_exporter:threshold{name="build_failures_in_a_row"})
        and
        time() - max without (instance, pod, status) (acr_last_build_end_timestamp_seconds{$selector, status="failed"})
          < scalar(registry_exporter:threshold{name="build_failures_in_a_row_age_seconds"})
      |||,
      labels: { severity: 'critical' },
      about:: 'repository',
      annotations: {
        summary: 'Builds of {{ $labels.repo_namespace }}/{{ $labels.repo }} keep failing.',
        description: |||
          The last {{ $value }} builds of {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry
          {{ $labels.registry }} failed, none succeeded in between.
        |||,
      },
    },
    {
      comment:: 'The ratio of few builds says nothing: the second condition asks for enough of them.',
      alert: 'RegistryBuildSuccessRatioLow',
      expr: |||
        max without (instance, pod) (acr_build_success_ratio{$selector, window="24h"})
          < scalar(registry_exporter:threshold{name="build_success_ratio"})
        and
        sum without (status) (
          max without (instance, pod) (acr_builds_recent{$selector, window="24h", status=~"success|failed"})
        ) >= scalar(registry_exporter:threshold{name="build_success_ratio_builds"})
      |||,
      'for': '10m',
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'Too many builds of {{ $labels.repo_namespace }}/{{ $labels.repo }} fail.',
        description: |||
          Only {{ $value | humanizePercentage }} of the builds of
          {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry {{ $labels.registry }} that ended within
          {{ $labels.window }} succeeded.
        |||,
      },
    },
    {
      comment:: |||
        The budget is 1 - objective. A long window says that it matters, a short one that it still goes on;
        several repositories, that the cause is a common one. Three hours where one has too few builds to
        tell. The same with a slower burn in the next rule.
      |||,
      alert: 'RegistryBuildBudgetBurning',
      expr: |||
        (
          registry_namespace:acr_builds_failed:ratio1h
            > scalar((1 - registry_exporter:threshold{name="build_success_objective"})
                     * on () registry_exporter:threshold{name="build_burn_fast"})
          and
          registry_namespace:acr_builds_failed:ratio15m
            > scalar((1 - registry_exporter:threshold{name="build_success_objective"})
                     * on () registry_exporter:threshold{name="build_burn_fast"})
          and
          count without (instance, pod, repo, status, window) (acr_builds_recent{$selector, window="1h", status="failed"} > 0)
            >= scalar(registry_exporter:threshold{name="build_burn_repositories"})
          and
          sum without (instance, pod, repo, status, window) (acr_builds_recent{$selector, window="1h", status=~"success|failed"})
            >= scalar(registry_exporter:threshold{name="build_burn_builds"})
        )
        or
        (
          registry_namespace:acr_builds_failed:ratio3h
            > scalar((1 - registry_exporter:threshold{name="build_success_objective"})
                     * on () registry_exporter:threshold{name="build_burn_fast"})
          and
          registry_namespace:acr_builds_failed:ratio1h
            > scalar((1 - registry_exporter:threshold{name="build_success_objective"})
                     * on () registry_exporter:threshold{name="build_burn_fast"})
          and
          count without (repo, status) (registry_repo_status:acr_builds:increase3h{status="failed"} > 0)
            >= scalar(registry_exporter:threshold{name="build_burn_repositories"})
          and
          sum without (repo, status) (registry_repo_status:acr_builds:increase3h)
            >= scalar(registry_exporter:threshold{name="build_burn_builds"})
        )
      |||,
      'for': '2m',
      labels: { severity: 'critical', burn: 'fast' },
      about:: 'namespace',
      annotations: {
        summary: 'Builds fail in several repositories of {{ $labels.repo_namespace }}.',
        description: |||
          {{ $value | humanizePercentage }} of the builds of namespace {{ $labels.repo_namespace }} in
          registry {{ $labels.registry }} failed within an hour (within three where few are built), in several
          repositories.
        |||,
      },
    },
    {
      alert: 'RegistryBuildBudgetBurning',
      expr: |||
        registry_namespace:acr_builds_failed:ratio24h
          > scalar((1 - registry_exporter:threshold{name="build_success_objective"})
                   * on () registry_exporter:threshold{name="build_burn_slow"})
        and
        registry_namespace:acr_builds_failed:ratio1h
          > scalar((1 - registry_exporter:threshold{name="build_success_objective"})
                   * on () registry_exporter:threshold{name="build_burn_slow"})
        and
        count without (instance, pod, repo, status, window) (acr_builds_recent{$selector, window="24h", status="failed"} > 0)
          >= scalar(registry_exporter:threshold{name="build_burn_repositories"})
        and
        sum without (instance, pod, repo, status, window) (acr_builds_recent{$selector, window="24h", status=~"success|failed"})
          >= scalar(registry_exporter:threshold{name="build_burn_builds"})
      |||,
      'for': '15m',
      labels: { severity: 'warning', burn: 'slow' },
      about:: 'namespace',
      annotations: {
        summary: 'Builds of {{ $labels.repo_namespace }} fail more often than they may.',
        description: |||
          {{ $value | humanizePercentage }} of the builds of namespace {{ $labels.repo_namespace }} in
          registry {{ $labels.registry }} failed within a day, in several repositories, and it goes on.
        |||,
      },
    },
    {
      comment:: "A repository that can't be read would show its last known build for ever: left out.",
      alert: 'RegistryBuildStuck',
      expr: |||
        time() - max without (instance, pod) (
          acr_build_oldest_in_progress_start_timestamp_seconds{$selector}
          unless on (job, instance, registry, repo_namespace, repo) registry_exporter_repository_failing{$selector}
        ) > scalar(registry_exporter:threshold{name="build_stuck_seconds"})
      |||,
      'for': '5m',
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'A build of {{ $labels.repo_namespace }}/{{ $labels.repo }} does not end.',
        description: |||
          The oldest build in progress of {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry
          {{ $labels.registry }} started {{ $value | humanizeDuration }} ago.
        |||,
      },
    },
    {
      alert: 'RegistryBuildsSlow',
      expr: |||
        registry_repo:acr_build_duration_seconds:mean6h
          > scalar(registry_exporter:threshold{name="build_slow_factor"})
            * registry_repo:acr_build_duration_seconds:max_mean6h_1w
        and
        registry_repo:acr_build_duration_seconds:mean6h
          > scalar(registry_exporter:threshold{name="build_slow_extra_seconds"})
            + registry_repo:acr_build_duration_seconds:max_mean6h_1w
      |||,
      'for': '10m',
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'Builds of {{ $labels.repo_namespace }}/{{ $labels.repo }} are slower than usual.',
        description: |||
          Successful builds of {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry
          {{ $labels.registry }} took {{ $value | humanizeDuration }} in the mean of six hours, far more than
          in any six hours of the week before.
        |||,
      },
    },
    {
      comment:: |||
        First those with a rhythm, by their own longest pause (weekends are in it); then busy ones, by the same
        day of the weeks before, unless the whole registry rests. What can't be read is left out.
      |||,
      alert: 'RegistryNoSuccessfulBuild',
      expr: |||
        (
          (
            time() - max without (instance, pod, status) (acr_last_build_end_timestamp_seconds{$selector, status="success"})
              > scalar(registry_exporter:threshold{name="build_pause_factor"})
                * registry_repo:acr_build_success_pause_seconds:max2w
            and
            time() - max without (instance, pod, status) (acr_last_build_end_timestamp_seconds{$selector, status="success"})
              > scalar(registry_exporter:threshold{name="build_pause_seconds"})
            and
            max without (instance, pod, status, window) (
              acr_builds_recent{$selector, window="7d", status="success"} offset 1w
            ) >= scalar(registry_exporter:threshold{name="build_usual_per_week"})
          )
          or
          (
            time() - max without (instance, pod, status) (acr_last_build_end_timestamp_seconds{$selector, status="success"})
              > 86400
            and
            max without (instance, pod, status, window) (
              acr_builds_recent{$selector, window="24h", status="success"} offset 1w
            ) >= scalar(registry_exporter:threshold{name="build_usual_per_day"})
            and
            max without (instance, pod, status, window) (
              acr_builds_recent{$selector, window="24h", status="success"} offset 2w
            ) >= scalar(registry_exporter:threshold{name="build_usual_per_day"})
            and on (job, registry)
            sum without (instance, pod, repo_namespace, repo, status, window) (
              acr_builds_recent{$selector, window="24h", status="success"}
            )
              > scalar(registry_exporter:threshold{name="build_registry_share"})
                * sum without (instance, pod, repo_namespace, repo, status, window) (
                  acr_builds_recent{$selector, window="24h", status="success"} offset 1w
                )
          )
        )
        unless on (job, registry, repo_namespace, repo) registry_exporter_repository_failing{$selector}
      |||,
      'for': '15m',
      labels: { severity: 'warning' },
      about:: 'repository',
      annotations: {
        summary: 'No build of {{ $labels.repo_namespace }}/{{ $labels.repo }} has succeeded for long.',
        description: |||
          The last successful build of {{ $labels.repo_namespace }}/{{ $labels.repo }} in registry
          {{ $labels.registry }} ended {{ $value | humanizeDuration }} ago, much longer than is usual for it.
        |||,
      },
    },
  ],
}
