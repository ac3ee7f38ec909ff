"""Fits the constants of `advisor.fit.speed.efficiency` to published measurements.

    python bench/speed_rows.py MEASURED.jsonl.gz rows.jsonl
    python bench/fit_speed.py rows.jsonl [--write] [--worst]

Minimises Huber-weighted log-residuals of decode and prefill by Gauss-Newton with priors, so that a class or device with
few rows stays near the others. Each (GPU, model) pair counts as the root of its number of rows. Prints errors under
cross-validation over (GPU, model) pairs beside the plain roofline; --write stores advisor/fit/data/speed.json.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "bench"))

from speed_data import Data, arrays, load

from advisor.fit.speed import efficiency
from advisor.fit.speed.roofline import Step, decode_seconds, prefill_seconds

FOLDS = 10
SEEDS = (7, 8)  # several random folds, because it matters which pairs share one
UBATCH = 512
RANGE = (0.08, 0.92)  # quantiles of measured / predicted on held-out pairs: slightly more than four rows in five

# parameter -> (start, standard deviation of its logarithm around the start)
CLASS_PRIORS = {
    "bandwidth": (0.70, 0.25),
    "experts": (0.75, 0.25),
    "cache": (0.50, 0.40),
    "fixed_us": (150.0, 0.8),
    "block_us": (10.0, 0.8),
    "flops": (0.35, 0.4),
    "expert_flops": (0.6, 0.3),
    "attention_flops": (0.6, 0.3),
}
GROUP_PRIORS = {
    "width": 0.15,
    "engines": 0.4,
    "devices": 0.15,
    "width_flops": 0.3,
    "device_flops": 0.3,
    "engine_flops": 0.3,
}


def layout(data: Data) -> tuple[list[tuple[str, str]], np.ndarray, np.ndarray]:
    """Parameter names, initial log values, and standard deviations of the prior."""
    order: list[tuple[str, str]] = []
    start: list[float] = []
    spread: list[float] = []
    for name in data.names["class"]:
        for field, (value, sd) in CLASS_PRIORS.items():
            order.append((field, name))
            start.append(np.log(value * (2 if name == "cpu" and field == "fixed_us" else 1)))
            spread.append(sd)
    for group, sd in GROUP_PRIORS.items():
        source = {"width_flops": "width", "device_flops": "devices", "engine_flops": "engines"}.get(group, group)
        for name in data.names[source]:
            order.append((group, name))
            start.append(0.0)
            spread.append(sd)
    return order, np.array(start), np.array(spread)


def predict(data: Data, order: list[tuple[str, str]], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of decode and prefill tokens per second, by the product's own closed forms."""
    values: dict[str, np.ndarray] = {}
    position = {name: i for i, name in enumerate(order)}
    for field in CLASS_PRIORS:
        values[field] = np.exp(x[[position[field, n] for n in data.names["class"]]])[data.kind]
    for group in GROUP_PRIORS:
        source = {"width_flops": "width", "device_flops": "devices", "engine_flops": "engines"}.get(group, group)
        values[group] = np.exp(x[[position[group, n] for n in data.names[source]]])[data.keys[source]]
    share = values["bandwidth"] * values["width"] * values["engines"] * values["devices"]
    achieved = data.bandwidth * np.minimum(share, 0.97)
    peak = np.where(data.flops > 0, data.flops, data.bandwidth * 60)
    computing = peak * values["flops"] * values["width_flops"] * values["device_flops"] * values["engine_flops"]
    rate = efficiency.Rate(
        dense=achieved,
        experts=achieved * values["experts"],
        cache=data.bandwidth * values["cache"],
        flops=computing,
        expert_flops=computing * values["expert_flops"],
        attention_flops=computing * values["attention_flops"],
        fixed=values["fixed_us"] * 1e-6,
        block=values["block_us"] * 1e-6,
    )
    decode = -np.log(decode_seconds(Step(**data.step), rate))
    prefill = np.log(data.tokens) - np.log(prefill_seconds(Step(**data.half), rate, data.tokens, UBATCH))
    return decode, prefill


def fit(data: Data, rounds: int = 14) -> tuple[list[tuple[str, str]], np.ndarray]:
    order, start, spread = layout(data)
    x = start.copy()
    noise = 0.15

    def residual(at: np.ndarray) -> np.ndarray:
        decode, prefill = predict(data, order, at)
        both = np.concatenate([decode - data.measured, 0.6 * (prefill - data.prefill)])
        return np.nan_to_num(both, nan=0.0)

    weight = np.concatenate([data.weight, data.weight])
    for _ in range(rounds):
        r = residual(x)
        jacobian = np.empty((len(r), len(x)))
        for j in range(len(x)):
            moved = x.copy()
            moved[j] += 1e-4
            jacobian[:, j] = (residual(moved) - r) / 1e-4
        robust = weight * np.minimum(1.0, 1.0 * noise / np.maximum(np.abs(r), 1e-9))
        left = (jacobian.T * robust) @ jacobian / noise**2 + np.diag(1 / spread**2)
        right = -(jacobian.T * robust) @ r / noise**2 - (x - start) / spread**2
        change = np.linalg.solve(left, right)
        x = x + np.clip(change, -0.5, 0.5)
    return order, x


def errors(predicted: np.ndarray, measured: np.ndarray) -> str:
    ok = np.isfinite(measured)
    e = np.abs(np.exp(predicted[ok] - measured[ok]) - 1) * 100
    return f"{np.median(e):5.1f} % median {np.quantile(e, 0.9):6.1f} % p90 {len(e):5d} rows"


def cross_validated(data: Data, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Held-out predictions: each row's by a fit without its (GPU, model) pair."""
    pairs = [(r["name"], r["model"]) for r in data.rows]
    unique = sorted(set(pairs))
    fold_of = dict(zip(unique, np.random.default_rng(seed).permutation(len(unique)) % FOLDS, strict=True))
    fold = np.array([fold_of[p] for p in pairs])
    decode, prefill = np.zeros(len(pairs)), np.zeros(len(pairs))
    for f in range(FOLDS):
        order, x = fit(arrays([r for r, g in zip(data.rows, fold, strict=True) if g != f]))
        known = dict(zip(order, x, strict=True))
        full_order, start, _ = layout(data)
        full = np.array([known.get(name, value) for name, value in zip(full_order, start, strict=True)])
        d, p = predict(data, full_order, full)
        decode[fold == f], prefill[fold == f] = d[fold == f], p[fold == f]
    return decode, prefill


def main() -> None:
    data = arrays(load(Path(sys.argv[1])))
    order, x = fit(data)
    decode, prefill = predict(data, order, x)
    roofline = np.log([r["roofline"] for r in data.rows])
    print("decode   roofline     ", errors(roofline, data.measured))
    print("decode   fitted       ", errors(decode, data.measured))
    print("prefill  fitted       ", errors(prefill, data.prefill))
    held_decode, held_prefill = np.median([cross_validated(data, seed) for seed in SEEDS], axis=0)
    print("decode   held-out pair", errors(held_decode, data.measured))
    print("prefill  held-out pair", errors(held_prefill, data.prefill))
    for key in ("class", "engine", "width"):
        for name in sorted({r[key] for r in data.rows}):
            chosen = np.array([r[key] == name for r in data.rows])
            if np.isfinite(data.measured[chosen]).sum():
                print(f"  decode {key} {name:14s}", errors(held_decode[chosen], data.measured[chosen]))
    if "--write" in sys.argv:
        write(data, order, x, held_decode, held_prefill)
    if "--worst" in sys.argv:
        e = held_decode - data.measured
        for i in np.argsort(-np.abs(np.nan_to_num(e)))[:60]:
            r = data.rows[i]
            print(
                f"{np.exp(e[i]):6.2f}",
                r["name"],
                r["model"],
                r["quantization"],
                r["engine"],
                r["backend"],
                r["depth"],
                r["decode"],
                r["source"][:60],
            )


def spread_of(held: np.ndarray, measured: np.ndarray) -> tuple[float, float]:
    """Low and high as factors on a prediction."""
    ratio = np.exp((measured - held)[np.isfinite(measured)])
    low, high = np.quantile(ratio, RANGE)
    return round(float(low), 3), round(float(high), 3)


def least_error(held: np.ndarray, measured: np.ndarray) -> float:
    """The factor on predictions that minimises their mean relative error.

    It is the median of measured / predicted, weighted by its inverse. It is below 1, because no row records what slows
    a machine down, and a prediction twice too high is a larger error than one half too low.
    """
    ratio = np.sort(np.exp((measured - held)[np.isfinite(measured)]))
    weight = np.cumsum(1 / ratio)
    return round(float(ratio[np.searchsorted(weight, weight[-1] / 2)]), 3)


def tables(data: Data, order: list[tuple[str, str]], x: np.ndarray) -> dict[str, Any]:
    """The fitted parts of the data file."""
    found = dict(zip(order, np.exp(x), strict=True))
    classes = {n: {f: rounded(found[f, n]) for f in CLASS_PRIORS} for n in data.names["class"]}
    for name, row in classes.items():
        known = [r["peak"] / r["bandwidth"] for r in data.rows if r["class"] == name and r["peak"]]
        row["flops_per_byte"] = rounded(float(np.median(known))) if known else 60.0
    everything = [row for name, row in classes.items() if name != "cpu"]
    middle = {f: rounded(float(np.median([row[f] for row in everything]))) for f in (*CLASS_PRIORS, "flops_per_byte")}
    reading, computing = found["engines", "llama.cpp"], found["engine_flops", "llama.cpp"]
    for row in classes.values():
        row["bandwidth"], row["flops"] = rounded(row["bandwidth"] * reading), rounded(row["flops"] * computing)
    return {
        "classes": classes | {"other": middle},
        "devices": {
            n: {"bandwidth": rounded(found["devices", n]), "flops": rounded(found["device_flops", n])}
            for n in data.names["devices"]
            if n != "cpu"
        },
        "engines": {n: rounded(found["engines", n] / reading) for n in data.names["engines"]},
        "engine_flops": {n: rounded(found["engine_flops", n] / computing) for n in data.names["engines"]},
        **{part: _by_maker({n: found[part, n] for n in data.names["width"]}) for part in ("width", "width_flops")},
    }


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


def write(data: Data, order: list[tuple[str, str]], x: np.ndarray, decode: np.ndarray, prefill: np.ndarray) -> None:
    path = ROOT / "advisor/fit/data/speed.json"
    table = json.loads(path.read_text()) | tables(data, order, x)
    # The mean error of prefill would follow the few rows of slow backends, so its mid is the fit itself.
    centres = {"decode": least_error(decode, data.measured), "prefill": 1.0}
    ranges = {"decode": spread_of(decode, data.measured), "prefill": spread_of(prefill, data.prefill)}
    calibrated = {k: [low, centres[k], high] for k, (low, high) in ranges.items()}
    wide = {k: [rounded(low * 0.8), centres[k], rounded(high * 1.25)] for k, (low, high) in ranges.items()}
    table["spread"] = {"calibrated": calibrated, "roofline": wide}
    table["fitted"] = {
        "date": datetime.now(UTC).date().isoformat(),
        "script": "bench/fit_speed.py",
        "decode_rows": int(np.isfinite(data.measured).sum()),
        "prefill_rows": int(np.isfinite(data.prefill).sum()),
        "held_out_decode": errors(decode, data.measured),
    }
    text = ",\n".join(f"  {json.dumps(k)}: {_lines(v)}" for k, v in table.items())
    path.write_text("{\n" + text + "\n}\n")


def _by_maker(found: dict[str, float]) -> dict[str, dict[str, float]]:
    """Vendor -> width -> factor; "other" is the geometric mean over GPU vendors."""
    table: dict[str, dict[str, float]] = {}
    for name, value in found.items():
        maker, _, width = name.partition("|")
        table.setdefault(maker, {})[width] = float(f"{value:.4g}")
    cards = [table[m] for m in table if m != "cpu"]
    table["other"] = {w: float(f"{np.exp(np.mean([np.log(c[w]) for c in cards])):.4g}") for w in cards[0]}
    return table


def _lines(value: Any) -> str:
    if isinstance(value, dict) and any(isinstance(v, dict) for v in value.values()):
        return "{\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n  }"
    return json.dumps(value)


if __name__ == "__main__":
    main()
