// Who has to know, by the labels of repositories.
function(config)
  local label = 'label_' + config.teamLabel;
  local labels = 'last_over_time(registry_exporter_repository_labels{$selector, %s!=""}[15m])' % label;
  local ofRepository = 'registry_repo_team:registry_exporter_repository_labels:last15m';
  if config.teamLabel == '' then [] else [{
    comment:: |||
      Whose a repository or a namespace is, where metrics.repository_labels says it: the alerts take this label over.
      Nobody's where several are named, as in the 15 minutes after a change.
    |||,
    name: 'registry_exporter_teams',
    rules: [
      {
        record: ofRepository,
        expr: |||
          max by (registry, repo_namespace, repo, %(team)s) (
            label_replace(%(labels)s, "%(team)s", "$1", "%(label)s", "(.*)")
          )
          unless on (registry, repo_namespace, repo)
          count by (registry, repo_namespace, repo) (
            count by (registry, repo_namespace, repo, %(label)s) (%(labels)s)
          ) > 1
        ||| % { team: config.teamLabel, label: label, labels: labels },
      },
      {
        record: 'registry_namespace_team:registry_exporter_repository_labels:last15m',
        expr: |||
          max by (registry, repo_namespace, %(team)s) (%(repositories)s)
          unless on (registry, repo_namespace)
          count by (registry, repo_namespace) (
            count by (registry, repo_namespace, %(team)s) (%(repositories)s)
          ) > 1
        ||| % { team: config.teamLabel, repositories: ofRepository },
      },
    ],
  }]
