// The dashboards that are shipped, by their path: `./run mixin` writes them.
function(config={})
  local mixin = (import 'mixin.libsonnet') + { _config+:: config };
  {
    ['grafana/dashboards/%s.json' % name]: mixin.grafanaDashboards[mixin._config.dashboardUids[name] + '.json']
    for name in std.objectFields(mixin._config.dashboardUids)
  }
