// Queries, and what they have in common. In an expression, `<chosen>` and the like stand for what is put in here.
function(config)
  local target = (if config.selector == '' then '' else config.selector + ', ') + 'job=~"$job", instance=~"$instance"';
  local registry = target + ', registry=~"$registry"';
  local marks = {
    // Series of the process, of a registry, of a namespace, and of a repository.
    '<target>': target,
    '<registry>': registry,
    '<namespace>': registry + ', repo_namespace=~"$namespace"',
    '<chosen>': registry + ', repo_namespace=~"$namespace", repo=~"$repository"',
    '<repo>': 'registry, repo_namespace, repo',
  };
  local source = { type: 'prometheus', uid: '${datasource}' };
  local fill(expression) =
    std.foldl(function(text, mark) std.strReplace(text, mark, marks[mark]), std.objectFields(marks), expression);

  local query(expression, legend='', ref='A') = {
    refId: ref,
    datasource: source,
    editorMode: 'code',
    expr: fill(expression),
    legendFormat: legend,
    instant: false,
    range: true,
  };

  {
    source: source,
    fill: fill,
    query: query,

    now(expression, legend='', ref='A'): query(expression, legend, ref) { instant: true, range: false },

    row(expression, ref): self.now(expression, '', ref) { format: 'table' },

    // For windows of an hour, which are dear at many points.
    hourly(expression, legend='', ref='A'): query(expression, legend, ref) { interval: '5m' },

    // The extremes as of the end of the time range, so that a graph has as many lines as it says. `<at>` stands behind
    // each selector.
    steady(kind, expression):
      local at(moment) = std.strReplace(expression, '<at>', moment);
      '(%s) and %s, %s)' % [at(''), kind, at(' @ end()')],

    recent(status, window='24h', offset=''):
      'acr_builds_recent{window="%s", status=~"%s", <chosen>}%s' % [window, status, offset],

    deleted(window='24h', at=''):
      'max by (<repo>) (swr_retention_deletions_recent{window="%s", <chosen>}%s)' % [window, at],
  }
