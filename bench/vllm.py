"""Compares vLLM's predicted cache with vLLM's own figures: `python bench/vllm.py`. Prints, asserts nothing."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from advisor.fit.engines.vllm.config import UnknownConfig
from advisor.fit.engines.vllm.version import ENGINE_VERSION
from tests.accuracy import vllm_rows


def main() -> None:
    print(f"vLLM {ENGINE_VERSION}: blocks, bytes, tokens, concurrency, largest context, against its own sums")
    print(f"{'layers':14}{'rows':>7}{'exact %':>10}{'<= 0.5 %':>10}{'starts %':>10}{'worst %':>10}")
    for kind, score in sorted(vllm_rows.scores().items()):
        cells = (score.within(1e-3), score.within(0.5), score.right, max(score.errors))
        print(f"{kind:14}{len(score.errors):7}" + "".join(f"{cell:10.2f}" for cell in cells))
    print("\nweights of one device, by quantization: largest error in percent")
    worst: dict[str, float] = {}
    for row in vllm_rows.weights():
        if row["bytes"] is not None:
            try:
                error = 100 * abs(vllm_rows.predicted_weights(row) / row["bytes"] - 1)
            except UnknownConfig:
                continue
            worst[row["quantization"]] = max(worst.get(row["quantization"], 0.0), error)
    for name, error in sorted(worst.items()):
        print(f"{name:20}{error:8.3f}")


if __name__ == "__main__":
    main()
