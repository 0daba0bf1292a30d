#!/usr/bin/env python3
"""sbom.py BUILD VERSION TIMESTAMP [ADMINDIR]: what registry_exporter is made of, as CycloneDX JSON, on stdout.

Linked: the Debian packages of the shared libraries that the program loads; in the versions of the system whose
database of packages is ADMINDIR, or else of this one. Included: those of the headers that its objects were
compiled from, by ninja.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
from urllib.parse import quote


def run(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def machine(file):
    """For which byte order, word size and processor an ELF file is."""
    header = pathlib.Path(file).read_bytes()[:20]
    return header[4:6] + header[18:20]


def linked_files(program):
    """The libraries that it loads, and theirs. They are not run, since they may be another architecture's."""
    found = {}
    files = [program]
    while files:
        for name in re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--wide", "--dynamic", files.pop())):
            if name not in found:
                found[name] = next(str(file) for folder in ("/usr/lib", "/lib")
                                   for file in pathlib.Path(folder).glob(f"*/{name}")
                                   if machine(file) == machine(program))
                files.append(found[name])
    return found.values()


def included_files(build):
    """The system's headers of every object of the program and its library."""
    files = set()
    ours = False
    for line in run("ninja", "-C", build, "-t", "deps").splitlines():
        if not line.startswith(" "):
            ours = re.match(r"CMakeFiles/(exporter_core|registry_exporter)\.dir/", line)
        elif ours and line:
            files.add(os.path.normpath(os.path.join(build, line.strip())))
    return {file for file in files if file.startswith("/usr/")}


def packages_of(files, admindir="/var/lib/dpkg"):
    """{package: (version, architecture)}. The database may know a file of /usr/lib as one of /lib."""
    wanted = set()
    for file in files:
        real = str(pathlib.Path(file).resolve())
        wanted |= {file, real, re.sub("^/usr/lib", "/lib", real)}
    query = ["dpkg-query", f"--admindir={admindir}"]
    found = subprocess.run([*query, "--search", *sorted(wanted)], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    names = sorted({line.partition(": ")[0] for line in found.splitlines()
                    if not line.startswith("diversion ")})
    shown = run(*query, "--show",
                "--showformat", "${Package} ${Version} ${Architecture}\n", *names)
    return {name: (version, architecture)
            for name, version, architecture in map(str.split, shown.splitlines())}


def component(name, version, architecture, how):
    url = (f"pkg:deb/debian/{quote(name, safe='')}@{quote(version, safe='~')}"
           f"?arch={architecture}")
    return {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url,
            "properties": [{"name": "registry_exporter:use", "value": how}]}


def main():
    build, version, timestamp, *admindir = os.path.realpath(sys.argv[1]), *sys.argv[2:]
    linked = packages_of(linked_files(f"{build}/registry_exporter"), *admindir)
    included = packages_of(included_files(build))
    parts = [component(name, *linked.get(name, included.get(name)),
                       "linked" if name in linked else "included")
             for name in sorted({**linked, **included})]
    exporter = {"type": "application", "bom-ref": "registry_exporter", "name": "registry_exporter",
                "version": version, "licenses": [{"license": {"id": "Apache-2.0"}}]}
    json.dump({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
               "metadata": {"timestamp": timestamp, "component": exporter},
               "components": parts,
               "dependencies": [{"ref": "registry_exporter",
                                 "dependsOn": [part["bom-ref"] for part in parts]}]},
              sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
