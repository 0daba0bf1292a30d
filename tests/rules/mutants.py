"""Breaks the shipped rules in many small ways; each broken set must fail its tests. Takes some minutes.

`python3 mutants.py [WORD…]`: all, or those whose name contains a word. Exit 1 if any survives.
"""

import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE.parents[1] / "config/prometheus/rules"
FLIPS = {">=": "<", "<=": ">", " > ": " < ", " < ": " > ", "!=": "==", "==": "!="}


def blocks(text):
    """(start, end, name) of each alert or record in a rule file."""
    starts = [match.start() for match in re.finditer(r"^      - (?:alert|record): ", text, re.M)]
    groups = [match.start() for match in re.finditer(r"^  - name: ", text, re.M)]
    for start in starts:
        end = min([each for each in starts + groups if each > start] + [len(text)])
        yield start, end, text[start:end].split(": ", 1)[1].split("\n")[0]


def mutants_of(file):
    text = (RULES / file).read_text()
    for start, end, name in blocks(text):
        block = text[start:end]
        yield f"{name}: gone", text[:start] + text[end:]
        code = re.sub(r"annotations:.*", lambda found: " " * len(found.group()), block, flags=re.S)
        for match in re.finditer(r">=|<=| > | < |!=(?!\")|==", code):
            mutated = block[:match.start()] + FLIPS[match.group()] + block[match.end():]
            yield f"{name}: {match.group().strip()} flipped at {match.start()}", text[:start] + mutated + text[end:]
        for match in re.finditer(r"^ *(and|unless)\b.*$", code, re.M):
            # The condition goes: `or` keeps what stands before it.
            mutated = block[:match.start(1)] + "or" + block[match.end(1):]
            yield f"{name}: {match.group(1)} gone at {match.start()}", text[:start] + mutated + text[end:]
        for match in re.finditer(r"severity: (warning|critical)|for: \w+| offset \w+", code):
            other = {"severity: warning": "severity: critical", "severity: critical": "severity: warning"}
            new = other.get(match.group(), "for: 0s" if "for" in match.group() else " offset 0s")
            mutated = block[:match.start()] + new + block[match.end():]
            yield f"{name}: {match.group().strip()} changed at {match.start()}", text[:start] + mutated + text[end:]


def thresholds_mutants():
    text = (RULES / "thresholds.yml").read_text()
    for match in re.finditer(r"name: (\w+)\}, expr: vector\(([^()]*)\)", text):
        for what, factor in (("thrice", "3 *"), ("a third", "1/3 *")):
            yield (f"{match.group(1)}: {what}",
                   text[:match.start(2)] + f"{factor} ({match.group(2)})" + text[match.end(2):])


def kinds(name):
    """Whose long pasts can tell: rules about builds know nothing of retention, the others look back at most a day."""
    return [kind for kind, word in (("builds", "build"), ("retention", "retention|swr")) if re.search(word, name.lower())]


def survives(file, name, mutated):
    with tempfile.TemporaryDirectory() as folder:
        for each in RULES.glob("*.yml"):
            shutil.copy(each, folder)
        (pathlib.Path(folder) / file).write_text(mutated)
        return subprocess.run([HERE / "rules_test.sh", folder, *kinds(name)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0


def main():
    words = sys.argv[1:]
    made = [(file, name, text) for file in ("alerts.yml", "recording.yml") for name, text in mutants_of(file)]
    made += [("thresholds.yml", name, text) for name, text in thresholds_mutants()]
    made = [each for each in made if not words or any(word in each[1] for word in words)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        alive = [name for (_, name, _), lives in zip(made, pool.map(lambda each: survives(*each), made)) if lives]
    print(f"{len(made)} mutants, {len(alive)} survived", *alive, sep="\n  ")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
