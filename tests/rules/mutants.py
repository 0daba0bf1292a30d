"""Breaks the shipped rules in many small ways; each broken set must fail its tests. Takes some minutes.

`python3 mutants.py [WORD…]`: all, or those whose name contains a word. Exit 1 if any survives.
A mutant meets the tests of the alerts or the recorded series that it concerns, with the rules that these need: the
others can't tell.
"""

import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

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


# An alert that may have a team says its condition twice: a mutant changes both.
CONDITION = re.compile(r"\(\n((?:.*\n)*?.*)\n +\)\n +\* on .* group_left .*\n +or on .*\n +\(\n")


def without_copy(block):
    found = CONDITION.search(block)
    if not found:
        return block
    end = found.end() + len(found.group(1))
    assert block[found.end():end] == found.group(1)
    return block[:found.end()] + "<copy>" + block[end:]


def with_copy(block):
    found = CONDITION.search(block)
    return block.replace("<copy>", found.group(1)) if found else block


def mutants_of(file):
    text = (RULES / file).read_text()
    for start, end, name in blocks(text):
        yield f"{name}: gone", text[:start] + text[end:]
        for what, block in mutants_of_block(without_copy(text[start:end])):
            yield f"{name}: {what}", text[:start] + with_copy(block) + text[end:]


def mutants_of_block(block):
    code = re.sub(r"annotations:.*", lambda found: " " * len(found.group()), block, flags=re.S)
    for match in re.finditer(r">=|<=| > | < |!=(?!\")|==", code):
        mutated = block[:match.start()] + FLIPS[match.group()] + block[match.end():]
        yield f"{match.group().strip()} flipped at {match.start()}", mutated
    for match in re.finditer(r"^ *(and|unless)\b.*$", code, re.M):
        # The condition goes: `or` keeps what stands before it.
        yield f"{match.group(1)} gone at {match.start()}", block[:match.start(1)] + "or" + block[match.end(1):]
    for match in re.finditer(r"severity: (warning|critical)|for: \w+| offset \w+", code):
        other = {"severity: warning": "severity: critical", "severity: critical": "severity: warning"}
        new = other.get(match.group(), "for: 0s" if "for" in match.group() else " offset 0s")
        yield f"{match.group().strip()} changed at {match.start()}", block[:match.start()] + new + block[match.end():]


def thresholds_mutants():
    text = (RULES / "thresholds.yml").read_text()
    for match in re.finditer(r"name: (\w+)\}, expr: vector\(([^()]*)\)", text):
        for what, factor in (("thrice", "3 *"), ("a third", "1/3 *")):
            yield (f"{match.group(1)}: {what}",
                   text[:match.start(2)] + f"{factor} ({match.group(2)})" + text[match.end(2):])


# --- what a mutant concerns --------------------------------------------------------------------------------

def read_rules(changed=(None, None)):
    """{file: groups}, one of the files as changed."""
    files = {path.name: yaml.safe_load(changed[1] if path.name == changed[0] else path.read_text())["groups"]
             for path in RULES.glob("*.yml")}
    return {name: [{**group, "rules": group["rules"] or []} for group in groups] for name, groups in files.items()}


def is_threshold(rule):
    return rule.get("record") == "registry_exporter:threshold"


def name_of(rule):
    return rule["labels"]["name"] if is_threshold(rule) else rule.get("record") or rule["alert"]


def mentions(rule, other):
    if is_threshold(other):
        return f'"{name_of(other)}"' in rule["expr"] or "absent(registry_exporter:threshold)" in rule["expr"]
    if "alert" in other:
        return "ALERTS{" in rule["expr"]
    return bool(re.search(re.escape(name_of(other)) + r"(?![\w:])", rule["expr"]))


def needed(rules, wanted):
    """The names of rules that those called `wanted` read, and they themselves."""
    found, fresh = set(), set(wanted)
    while fresh:
        found |= fresh
        readers = [rule for rule in rules if name_of(rule) in fresh]
        fresh = {name_of(rule) for rule in rules if any(mentions(reader, rule) for reader in readers)} - found
    return found


def concerned(rules, target, tested):
    """The alerts that read `target`, and itself if it is `tested`; if no alert does, it is recorded for a dashboard and
    concerns itself alone."""
    alerts = (rule["alert"] for rule in rules if "alert" in rule)
    found = frozenset(alert for alert in alerts if target in needed(rules, [alert])) or frozenset([target])
    return found | frozenset([target] if target in tested else [])


# --- its proof ---------------------------------------------------------------------------------------------

def all_tests():
    """(file of tests, parsed): those written by hand, and the long pasts."""
    for path in sorted(HERE.glob("*_test.yml")):
        yield path.name, yaml.safe_load(path.read_text())
    for kind in ("builds", "retention"):
        made = subprocess.run([sys.executable, HERE / "long_pasts.py", RULES, kind], check=True, capture_output=True)
        yield f"long_{kind}_test.yml", json.loads(made.stdout)


def about(tests, names):
    """What of a file of tests is about these alerts and recorded series; None if nothing is."""
    kept = []
    for test in tests["tests"]:
        own = dict(test)
        own["alert_rule_test"] = [each for each in test.get("alert_rule_test", []) if each["alertname"] in names]
        own["promql_expr_test"] = [each for each in test.get("promql_expr_test", []) if each["expr"] in names or
                                   any(f'alertname="{name}"' in each["expr"] for name in names)]
        registries = {re.search(r'registry="[^"]*"|$', each["expr"]).group() for each in own["promql_expr_test"]}
        if registries and not own["alert_rule_test"]:
            # Long pasts: each scenario has a registry of its own.
            own["input_series"] = [each for each in test["input_series"]
                                   if any(registry in each["series"] for registry in registries)]
        if own["alert_rule_test"] or own["promql_expr_test"]:
            kept.append(own)
    return {**tests, "tests": kept} if kept else None


def passes(files, tests, names):
    """Whether the tests of these alerts and recorded series pass with the rules that they need."""
    wanted = needed([rule for groups in files.values() for group in groups for rule in group["rules"]], names)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, groups in files.items():
            groups = [{**group, "rules": [rule for rule in group["rules"] if name_of(rule) in wanted]} for group in groups]
            (folder / name).write_text(json.dumps({"groups": groups}))
        for name, content in tests:
            own = about(content, names)
            if own:
                own["rule_files"] = [str(folder / pathlib.Path(each).name) for each in own["rule_files"]]
                (folder / f"own_{name}").write_text(json.dumps(own))
                if subprocess.run(["promtool", "test", "rules", folder / f"own_{name}"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, check=False).returncode:
                    return False
    return True


def main():
    words = sys.argv[1:]
    made = [(file, name, text) for file in ("alerts.yml", "recording.yml") for name, text in mutants_of(file)]
    made += [("thresholds.yml", name, text) for name, text in thresholds_mutants()]
    made = [each for each in made if not words or any(word in each[1] for word in words)]
    shipped = [rule for groups in read_rules().values() for group in groups for rule in group["rules"]]
    tests = list(all_tests())
    tested = {each["expr"] for _, content in tests for test in content["tests"]
              for each in test.get("promql_expr_test", [])}
    concerns = {name: concerned(shipped, name.split(": ")[0], tested) for _, name, _ in made}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        sets = sorted(set(concerns.values()), key=sorted)
        for names, good in zip(sets, pool.map(lambda names: passes(read_rules(), tests, names), sets)):
            if not good or not any(about(content, names) for _, content in tests):
                sys.exit(f"unbroken, the tests of {sorted(names)} fail, or there are none")
        lives = pool.map(lambda each: passes(read_rules(each[:1] + each[2:]), tests, concerns[each[1]]), made)
        alive = [name for (_, name, _), lives in zip(made, lives) if lives]
    print(f"{len(made)} mutants, {len(alive)} survived", *alive, sep="\n  ")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
