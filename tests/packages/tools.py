"""Where things are, and what to do about a tool that isn't there."""

import os
import pathlib
import shutil
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).resolve()


def needs(*tools):
    """Skips where a tool is missing, but not in continuous integration: there it has to be."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing and os.environ.get("CI") == "true":
        raise RuntimeError(f"missing: {missing}")
    return unittest.skipIf(missing, f"missing: {missing}")
