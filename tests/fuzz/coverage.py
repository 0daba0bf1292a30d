"""How much of what each fuzz target is about its corpus reaches: lines and branches, by source file.

`coverage.py FUZZER CORPORA…`: the fuzzer of the preset "coverage", folders that hold one folder for each target.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

# Below exporter/.
SOURCES = {
    "acr_page": ["acr/codec.cc", "net/json.cc"],
    "swr_page": ["swr/codec.cc", "net/json.cc"],
    "acr_refusal": ["acr/refusal.cc", "acr/error_codes.cc"],
    "swr_refusal": ["swr/refusal.cc"],
    "waits": ["net/retry_after.cc", "net/quota.cc"],
    "times": ["base/time_text.cc"],
    "signers": ["acr/signer.cc", "swr/signer.cc", "base/percent_encoding.cc"],
    "configuration": [f"config/{name}.cc" for name in (
        "parse", "documents", "yaml_section", "registry_section", "credentials_section", "endpoint", "filter",
        "spelling")],
    "web_configuration": ["web/web_config.cc"],
    "durations": ["base/duration.cc"],
    "request_head": ["web/http_head.cc"],
    "targets": ["web/request_target.cc"],
    "negotiation": ["web/negotiation.cc"],
    "exposition": ["exposition/lines.h", "exposition/acr_families.cc"],
    "state": ["store/blob.h", "store/blob.cc", "store/blob_fields.h", "store/state_codec.cc"],
}


def summaries(fuzzer, target, corpora):
    """What `corpora` reach of the target's sources: llvm-cov's summary of each."""
    with tempfile.TemporaryDirectory() as folder:
        raw, profile = f"{folder}/raw", f"{folder}/profile"
        subprocess.run([fuzzer, "-runs=0", *corpora], check=True, stderr=subprocess.DEVNULL,
                       env={**os.environ, "FUZZ_TARGET": target, "LLVM_PROFILE_FILE": raw})
        subprocess.run(["llvm-profdata-16", "merge", "-o", profile, raw], check=True)
        exported = subprocess.run(["llvm-cov-16", "export", "-summary-only", f"-instr-profile={profile}", fuzzer],
                                  check=True, stdout=subprocess.PIPE).stdout
    files = {}  # A header is there twice: by its full name, and as the library was told to call it.
    for file in json.loads(exported)["data"][0]["files"]:
        name, summary = file["filename"].rpartition("exporter/")[2], file["summary"]
        if name in SOURCES[target]:
            files[name] = max(files.get(name, summary), summary, key=lambda each: each["lines"]["covered"])
    return files


def main(fuzzer, *folders):
    targets = subprocess.run([fuzzer], check=True, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "LLVM_PROFILE_FILE": os.devnull}).stdout.split()
    for target in targets:
        corpora = [pathlib.Path(folder) / target for folder in folders]
        for file, summary in summaries(fuzzer, target, [each for each in corpora if each.is_dir()]).items():
            shares = [f"{what} {summary[what]['covered']} of {summary[what]['count']}" for what in ("lines", "branches")]
            print(f"{target:18} {file:32} {', '.join(shares)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
