#!/usr/bin/env bash
# What should this machine run? Prints the command of the best answer, or says why there is none.
#   BERTH=http://127.0.0.1:8000 ./ask.sh coding 32768
#   HARDWARE='2x RTX 3090, 64 GB RAM' ./ask.sh chat
set -euo pipefail
BERTH=${BERTH:-http://127.0.0.1:8000}

query=(--data-urlencode "use_case=${1:-general}" --data-urlencode "context=${2:-8192}" -d limit=1 -d rejected_limit=1)
if [ -n "${HARDWARE:-}" ]; then query+=(--data-urlencode "hw=$HARDWARE"); fi
if [ -n "${BERTH_TOKEN:-}" ]; then query+=(-H "Authorization: Bearer $BERTH_TOKEN"); fi

curl -sS --get "$BERTH/api/v1/recommendations/" "${query[@]}" | python3 -c '
import json, shlex, sys
answer = json.load(sys.stdin)
if "results" not in answer:
    sys.exit(answer["detail"])
if not answer["results"]:
    sys.exit("Nothing runs here: " + "; ".join(answer["warnings"] or [one["reason"] for one in answer["rejected"]]))
best = answer["results"][0]
print("#", best["model"]["name"], best["build"]["quantization"], "decision", answer["decision"])
print(shlex.join(best["command"]))'
