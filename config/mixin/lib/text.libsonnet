{
  // std.substr, std.findSubstr and their kind go through a text by characters, which takes seconds for a rule file.
  local end = '\u0000',
  local inner(text) = std.strReplace(std.strReplace(text, '\n', '\n  '), '\n  \n', '\n\n'),

  has(text, part):: std.strReplace(text, part, '') != text,

  // Without the line's end that a text block has.
  trimmed(text):: std.strReplace(std.strReplace(text + end, '\n' + end, ''), end, ''),

  // Two blanks before each line that is not empty.
  indent(text):: '  ' + inner(text),
  // The same, the first line with a dash.
  item(text):: '- ' + inner(text),

  oneLine(text):: std.strReplace(self.trimmed(text), '\n', ' '),
}
