#!/usr/bin/env python3
"""The protocol's calls by the examples: `caller.py URL` answers a line of JSON for each on stdin; `caller.py URL ID` watches."""

import json
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "examples" / "python"))
import build  # noqa: E402
import runner  # noqa: E402

url = sys.argv[1]
if len(sys.argv) > 2:
    for state in build.Stagefold(url).watch(sys.argv[2]):
        print(json.dumps(state), flush=True)
    sys.exit(0)
api = runner.Stagefold(url)
for line in sys.stdin:
    call = json.loads(line)
    try:
        if call["kind"] == "mutation":
            data = api.call(call["procedure"], call["input"], patience=0)
        else:
            query = urllib.parse.quote(json.dumps(call["input"]))
            data = api._send("GET", f"/trpc/{call['procedure']}?input={query}", None, {}, 0)["result"]["data"]
        print(json.dumps({"data": data}), flush=True)
    except runner.Refused as refusal:
        print(json.dumps({"refused": refusal.code}), flush=True)
