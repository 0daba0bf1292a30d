// `metric{$selector, …}` with the configured matchers, or with none.
function(config) function(expression)
  local matchers = config.selector;
  std.foldl(
    function(text, pair) std.strReplace(text, pair[0], pair[1]),
    if matchers == ''
    then [['{$selector, ', '{'], ['{$selector}', '']]
    else [['{$selector', '{' + matchers]],
    expression,
  )
