"""The installed engine's own plan, live: against what was recorded of an earlier build, and against the sums."""

from __future__ import annotations

from statistics import median

import pytest

from advisor.answers.about import bounds
from advisor.engines import dry_run
from advisor.engines.dry_run import EnginePlan
from advisor.engines.llama_cpp import wheel_library
from advisor.fit.engines.llama_cpp.memory import CONFIRMED_BUILDS, ENGINE_BUILD
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from tests.accuracy import measured
from tests.accuracy.measured import Row
from tests.support import opened

APART = {"weights": 0, "kv": 0, "compute": 1}  # percent that a buffer of the sums may be off


def one_per_architecture() -> dict[str, Row]:
    """A recorded row on the CPU for each architecture, with other settings from one to the next."""
    by_architecture: dict[str, list[Row]] = {}
    for row in measured.rows():
        if measured.kind(row) == "cpu":
            by_architecture.setdefault(measured.architecture(row["model"]), []).append(row)
    return {arch: rows[i % len(rows)] for i, (arch, rows) in enumerate(sorted(by_architecture.items()))}


ROWS = one_per_architecture()


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, EnginePlan]:
    folder, files = tmp_path_factory.mktemp("hollow"), []
    for architecture, row in ROWS.items():
        path = opened.write(folder / architecture, measured.header(row["model"], row["quant"]))
        files.append((path, read_settings(row["settings"]).settings))
    answers = dict(zip(ROWS, opened.ask(files), strict=True))
    assert {architecture: said for architecture, said in answers.items() if isinstance(said, str)} == {}
    return {architecture: EnginePlan(wheel_library.build(), answer) for architecture, answer in answers.items()}


@pytest.mark.parametrize("architecture", ROWS)
def test_the_engine_plans_every_buffer_as_the_build_did_that_the_sums_are_of(
    architecture: str, plans: dict[str, EnginePlan]
) -> None:
    row, plan = ROWS[architecture], plans[architecture]
    sums = measured.predicted(row).host
    # Weights and cache of the sums are exact for every recorded row; what remains of the row was its compute buffer.
    recorded = {"weights": sums.weights, "kv": sums.kv, "compute": row["total"] - sums.weights - sums.kv}
    rounded = {"weights": 0, "kv": 0, "compute": 1 << 13}  # the log tells output rows to a hundredth of a MiB
    changed = {
        part: f"{getattr(plan.host, part)} bytes in {plan.engine}, {size} in {ENGINE_BUILD}"
        for part, size in recorded.items()
        if abs(getattr(plan.host, part) - size) > rounded[part]
    }
    assert changed == {}, f"{row['model']}: {plan.buffers}"


def test_the_sums_are_within_their_bars_of_the_engines_own_plan_buffer_by_buffer(plans: dict[str, EnginePlan]) -> None:
    limit = bounds()["llama.cpp, installed"]
    assert len(ROWS) >= limit["rows"]
    errors, apart = {}, {}
    for architecture, row in ROWS.items():
        found = dry_run.differences(measured.predicted(row).host, plans[architecture])
        errors[architecture] = found.pop("total")["difference_percent"]
        apart |= {
            f"{architecture}: {part}": figures
            for part, figures in found.items()
            if abs(figures["predicted"] - figures["engine"]) > APART[part] / 100 * figures["engine"]
        }
    assert apart == {}
    assert median(map(abs, errors.values())) <= limit["median"], errors
    assert min(errors.values()) >= -limit["under_all"], errors


def test_the_installed_engine_is_a_build_whose_plans_are_known_to_be_those_of_the_sums() -> None:
    build = wheel_library.build()
    assert build in CONFIRMED_BUILDS, (
        f"The wheel brings {build}. If the other tests of this file hold for it, its plans are the same: add it."
    )
