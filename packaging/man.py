#!/usr/bin/env python3
"""man.py DATE PROGRAM…: the manual page, made from the program's own --help, on stdout."""

import re
import subprocess
import sys

AFTER = r"""
.SH FILES
.TP
.I /etc/registry_exporter/registry_exporter.yml
What the service reads; every key is explained in it.
.TP
.I /etc/default/registry\-exporter
The service's further flags, and variables for the configuration.
.TP
.I /var/lib/registry_exporter/state.db
What has been counted. One process at a time; without it, counters begin again at 0.
.SH SEE ALSO
.BR prometheus (1),
.I /usr/share/doc/registry\-exporter/
"""


def escaped(text):
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^([.'])", r"\\&\1", text)


def page(text, version, date):
    """Sections stand at the margin, flags are indented, what a flag does follows after blanks."""
    about, _, rest = text.partition("\nUsage: ")
    usage, _, rest = rest.partition("\n\n")
    lines = [f'.TH REGISTRY_EXPORTER 1 "{date}" "{version}" "User Commands"',
             ".SH NAME", r"registry_exporter \- Prometheus exporter for container registries",
             ".SH SYNOPSIS", ".nh", ".ad l", ".B registry_exporter"]
    for flag in re.findall(r"\[([^\]]+)\](\.\.\.)?", usage):
        lines.append(f"[{escaped(flag[0])}]{flag[1]}")
    lines += [".hy", ".ad", ".SH DESCRIPTION", *map(escaped, about.strip().splitlines()), ".SH OPTIONS"]
    section = False
    for line in rest.splitlines():
        # What a long flag does begins on the next line.
        flag = re.match(r"  (--\S+)(?: +(.*))?$", line)
        if flag and not section:
            lines.append(".SS Other")
        if flag:
            lines += [".TP", ".B " + escaped(flag[1]), *map(escaped, filter(None, [flag[2]]))]
        elif line.startswith("Exit codes: "):
            lines += [".SH EXIT STATUS", escaped(line.removeprefix("Exit codes: "))]
        elif line.startswith("SIG"):
            lines += [".SH SIGNALS", escaped(line)]
        elif line.startswith("    "):
            lines.append(escaped(line.strip()))
        elif line:
            lines.append(".SS " + escaped(line))
        section = bool(line)
    return "\n".join(lines) + AFTER


def main():
    date, *program = sys.argv[1:]
    ask = lambda flag: subprocess.run([*program, flag], check=True, text=True,
                                      capture_output=True).stdout
    sys.stdout.write(page(ask("--help"), ask("--version").strip(), date))


if __name__ == "__main__":
    main()
