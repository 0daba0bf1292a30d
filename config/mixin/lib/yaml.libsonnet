// Rule files as a person would write them: comments (`comment::`), expressions and sentences as blocks.
{
  local text = import 'text.libsonnet',
  local indent = text.indent,
  local item = text.item,
  local lines(parts) = std.join('\n', std.prune(parts)),
  local quoted(content) = "'%s'" % std.strReplace(content, "'", "''"),
  local scalar(content) = if !text.has(content, ' ') then content else quoted(content),
  local comment(content) = '# ' + std.strReplace(text.trimmed(content), '\n', '\n# '),
  local commented(object, content) =
    lines([if std.objectHasAll(object, 'comment') then comment(object.comment), content]),
  local isOneLine(content) = !text.has(content, '\n'),
  local optional(object, name, write) = if std.objectHas(object, name) then write(object[name]),

  local expression(content) =
    local own = text.trimmed(content);
    if isOneLine(own) then 'expr: ' + own else 'expr: |\n' + indent(own),

  // `>-`: lines that are read as one.
  local sentence(name, content) =
    local own = text.trimmed(content);
    if isOneLine(own) then '%s: %s' % [name, scalar(own)] else '%s: >-\n%s' % [name, indent(own)],

  // Those named come first, the rest in the order of the alphabet.
  local mapping(name, fields, first) =
    local keys = [key for key in first if std.objectHas(fields, key)] +
                 [key for key in std.objectFields(fields) if !std.member(first, key)];
    '%s:\n%s' % [name, indent(lines([sentence(key, fields[key]) for key in keys]))],

  local shortRule(rule) = '{record: %s, labels: {%s}, expr: %s}' % [
    quoted(rule.record),
    std.join(', ', ['%s: %s' % [key, rule.labels[key]] for key in std.objectFields(rule.labels)]),
    rule.expr,
  ],

  // `written::` has sentences as they were before they were joined to one line.
  local longRule(rule) = lines([
    if std.objectHas(rule, 'alert') then 'alert: ' + rule.alert else 'record: ' + rule.record,
    expression(rule.expr),
    optional(rule, 'for', function(time) 'for: ' + time),
    optional(rule, 'labels', function(labels) mapping('labels', labels, ['severity'])),
    optional(rule, 'annotations', function(annotations)
      mapping('annotations', annotations + rule.written.annotations, ['summary', 'description'])),
  ]),

  local isShort(rule) = std.objectHasAll(rule, 'oneLine') && rule.oneLine,
  local ruleText(rule) = commented(rule, item(if isShort(rule) then shortRule(rule) else longRule(rule))),

  // One-line rules stand close together, up to the next comment.
  local separated(rules) = std.join('', [
    local close = isShort(rules[i]) && !std.objectHasAll(rules[i], 'comment');
    (if i == 0 then '' else if close then '\n' else '\n\n') + ruleText(rules[i])
    for i in std.range(0, std.length(rules) - 1)
  ]),

  local groupText(group) = commented(group, item(lines([
    'name: ' + group.name,
    optional(group, 'interval', function(time) 'interval: ' + time),
    'rules:',
    indent(separated(group.rules)),
  ]))),

  local allGroups(groups) = 'groups:\n' + indent(std.join('\n\n', [groupText(group) for group in groups])),

  ruleFile(heading, groups):: lines([comment(heading), allGroups(groups)]) + '\n',

  prometheusRule(heading, groups):: comment(heading) + |||

    apiVersion: monitoring.coreos.com/v1
    kind: PrometheusRule
    metadata:
      name: registry-exporter
      labels: {app.kubernetes.io/name: registry_exporter}
    spec:
  ||| + indent(allGroups(groups)) + '\n',
}
