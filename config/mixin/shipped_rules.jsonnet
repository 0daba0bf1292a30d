// The rules that are shipped, by their path: `./run mixin` writes them.
local yaml = import 'lib/yaml.libsonnet';
local mixin = import 'mixin.libsonnet';
local made = 'Made from config/mixin by `./run mixin`: what is edited here is overwritten there.';

function(config={})
  local mixin = (import 'mixin.libsonnet') + { _config+:: config };
  {
    'config/prometheus/rules/alerts.yml': yaml.ruleFile(
      'The thresholds stand in thresholds.yml. What to do about an alert: docs/operations.md.\n' + made,
      mixin.prometheusAlerts.groups,
    ),
    'config/prometheus/rules/recording.yml': yaml.ruleFile(
      |||
        Named level:metric:operations. The instance and the pod are summed away (or the largest taken), so that
        an exporter that comes back under a new address goes on with the same series.
      ||| + made,
      mixin.prometheusRecordings.groups,
    ),
    'config/prometheus/rules/thresholds.yml': yaml.ruleFile(
      |||
        The thresholds of all alerts, at one place. Each becomes a series, so that a dashboard or
        `registry_exporter:threshold` in Prometheus shows what is in force.
        How long a condition has to last stands as `for` at the alert itself.
      ||| + made,
      mixin.prometheusThresholds.groups,
    ),
    'config/kubernetes/prometheusrule.yaml': yaml.prometheusRule(
      made,
      mixin.prometheusAlerts.groups + mixin.prometheusRecordings.groups + mixin.prometheusThresholds.groups,
    ),
  }
