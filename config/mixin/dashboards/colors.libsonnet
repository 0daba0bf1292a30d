local green = 'green', orange = 'orange', red = 'red', blue = 'blue', grey = '#8e8e8e';
{
  green: green,
  orange: orange,
  red: red,
  blue: blue,
  grey: grey,
  status: { success: green, failed: red, canceled: grey, stopped: grey, other: 'purple' },
  template: { date_rule: blue, tag_rule: orange, other: 'purple' },
  state: { fresh: green, stale: orange, failing: red, pending: grey, dropped: 'purple' },
}
