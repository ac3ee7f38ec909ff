#!/usr/bin/env python3
"""A pinned decision for a provisioning pipeline, with the standard library only.

    ./pinned.py --gpu "RTX 4090" --ram-gb 64 --use-case coding --context 32768 > plan.json
    ./pinned.py --gpu "RTX 4090" --ram-gb 64 --use-case coding --context 32768 --expect "$(jq -r .decision plan.json)"

Ends with 0 and the plan, 1 when nothing fits or the question is wrong, 3 when the answer is no longer the pinned one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request


def ask(url: str, question: dict) -> dict:
    headers = {"Content-Type": "application/json", "X-Request-ID": f"pinned.{os.getpid()}"}
    if token := os.environ.get("BERTH_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{url}/api/v1/recommendations/", json.dumps(question).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        wrong = "; ".join(f"{one['field']}: {one['message']}" for one in problem["errors"])
        sys.exit(f"{problem['detail']} {wrong} (request {problem.get('request_id')})")


def main() -> None:
    options = argparse.ArgumentParser(description="A pinned decision.")
    options.add_argument("--url", default=os.environ.get("BERTH", "http://127.0.0.1:8000"))
    options.add_argument("--gpu", required=True)
    options.add_argument("--count", type=int, default=1)
    options.add_argument("--ram-gb", type=int, required=True)
    options.add_argument("--use-case", default="general")
    options.add_argument("--context", type=int, default=8192)
    options.add_argument("--expect", help="the decision that was pinned")
    given = options.parse_args()
    answer = ask(
        given.url,
        {
            "hardware": {
                "accelerators": [{"name": given.gpu, "count": given.count}],
                "ram_bytes": given.ram_gb << 30,
            },
            "workload": {"use_case": given.use_case, "context": given.context, "licence": "commercial"},
            "limit": 1,
            "rejected_limit": 5,
        },
    )
    if not answer["results"]:
        sys.exit("Nothing fits: " + ", ".join(f"{one['model']} ({one['reason']})" for one in answer["rejected"]))
    best = answer["results"][0]
    kept = {key: answer[key] for key in ("decision", "catalog_version", "fit_version")}
    kept |= {"model": best["model"]["hub_id"], "build": best["build"]["id"], "settings": best["settings"]}
    print(json.dumps(kept | {"command": best["command"]}, indent=2))
    if given.expect and given.expect != answer["decision"]:
        print(f"The answer is no longer {given.expect}: catalog or sums have changed.", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
