// Queries of histograms that answer alike whether a server stores them as classic ones (`_bucket`, `_sum`, `_count`), as
// native ones, or as both: then the classic ones are read. In `around`, such as 'increase(%s[1h])', %s is the series.
function(config)
  local native(expression) = if config.nativeHistograms then expression else '';
  {
    // The 'sum' or the 'count'.
    part(name, part, matchers, around='%s'):
      around % ('%s_%s{%s}' % [name, part, matchers]) +
      native(' or histogram_%s(%s)' % [part, around % ('%s{%s}' % [name, matchers])]),

    quantile(share, name, matchers, around, labels=[]):
      local of(kind, by) =
        local grouped = if by == [] then 'sum' else 'sum by (' + std.join(', ', by) + ') ';
        'histogram_quantile(%s, %s(%s))' % [share, grouped, around % ('%s{%s}' % [name + kind, matchers])];
      of('_bucket', labels + ['le']) + native(' or ' + of('', labels)),

    buckets(name, matchers, around):
      'sum by (le) (%s)' % (around % ('%s_bucket{%s}' % [name, matchers])) +
      native(' or (sum(%s) unless on () %s_count{%s})' % [around % ('%s{%s}' % [name, matchers]), name, matchers]),
  }
