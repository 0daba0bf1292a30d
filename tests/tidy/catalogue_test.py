"""tests/catalogue.csv: every known fault, and the test that covers it; tests/catalogue.md is its legend.

A reference is one of
  FOLDER: beginning of a TEST_CASE's name, without the folder's own if it begins with it
  sim: a fault or trick that the simulation plays
  nasty: a case of the server that does its worst
  FOLDER/FILE.py: test_function
or the whole cell is `by design` (the fault can't come about) or `not built`; then the last column
says why. There, `mutant: TEXT` is the beginning of one of tests/mutants/mutants.py.
"""

import csv
import pathlib
import re
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "mutants"))
from mutants import MUTANTS  # noqa: E402

COLUMNS = ["fault", "what happens", "covered by", "noticed under"]
FAULTS = [f"{kind}{number}" for kind, count in (("A", 46), ("T", 30), ("P", 27), ("W", 25), ("K", 15))
          for number in range(1, count + 1)]
UNCOVERED = ("by design", "not built")
LITERAL = r'"((?:[^"\\]|\\.)*)"'


def rows():
    with open(TESTS / "catalogue.csv", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS, reader.fieldnames
        return list(reader)


def case_names(folder):
    """The names of all test cases of a folder; literals that stand side by side are one."""
    names = []
    for path in sorted((TESTS / folder).glob("*.cc")):
        for literals in re.findall(rf"TEST_CASE\(\s*((?:{LITERAL}\s*)+)", path.read_text()):
            names.append("".join(re.findall(LITERAL, literals[0])))
    return names


def simulated_faults():
    """What the simulator's table of faults, the world's tricks and the simulation itself call theirs."""
    table = (TESTS / "simulator/faults.cc").read_text()
    names = re.search(r"kNames = \{(.*?)\};", table, re.S).group(1)
    own = (TESTS / "sim/simulation.cc").read_text()
    enterprise = (TESTS / "simulator/ee_world.cc").read_text()
    return (set(re.findall(r'"(\w+)"', names)) | set(re.findall(r'word == "(\w+)"', table)) |
            set(re.findall(r'faults\["(\w+)"\]', own)) |
            set(re.findall(r'\{"(ee_\w+)", played_', enterprise)))


def nasty_cases():
    server = (TESTS / "nasty/nasty_server.py").read_text()
    return set(re.findall(r'^ +"([\w-]+)": ', server, re.M))


def exists(reference):
    where, _, name = reference.partition(": ")
    if where == "sim":
        return name in simulated_faults()
    if where == "nasty":
        return name in nasty_cases()
    if where.endswith(".py"):
        path = TESTS / where
        return path.is_file() and bool(re.search(rf"^ *def {re.escape(name)}\(", path.read_text(),
                                                 re.M))
    return bool(name) and any(each.startswith((name, reference)) for each in case_names(where))


class Catalogue(unittest.TestCase):
    def test_every_fault_has_one_row_and_no_cell_is_empty(self):
        self.assertEqual([row["fault"] for row in rows()], FAULTS)
        empty = [(row["fault"], column) for row in rows() for column in COLUMNS
                 if not (row[column] or "").strip() or None in row]
        self.assertEqual(empty, [])

    def test_the_legend_explains_every_letter_and_column(self):
        legend = (TESTS / "catalogue.md").read_text()
        letters = re.findall(r"^\| ([A-Z]) \|", legend, re.M)
        self.assertEqual(letters, list(dict.fromkeys(fault[0] for fault in FAULTS)))
        for word in (*COLUMNS, *UNCOVERED):
            self.assertIn(f"`{word}`", legend)

    def test_every_reference_names_a_test_that_is_there(self):
        wrong = [f"{row['fault']}: {reference}" for row in rows()
                 if row["covered by"] not in UNCOVERED
                 for reference in row["covered by"].split("; ") if not exists(reference)]
        self.assertEqual(wrong, [])

    def test_every_mutant_that_is_named_is_there(self):
        known = [text for text, *_ in MUTANTS]
        wrong = [f"{row['fault']}: {text}" for row in rows()
                 for text in re.findall(r"mutant: ([^;]+)", row["noticed under"])
                 if not any(each.startswith(text.strip()) for each in known)]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
