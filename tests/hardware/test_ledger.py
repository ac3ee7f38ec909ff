from __future__ import annotations

import os
import subprocess
import uuid

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from hardware import ledger
from hardware.models import Accelerator, Host, Reservation
from hardware.processes import identity

pytestmark = pytest.mark.postgres
GIB = 1024**3
EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "30"))


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


PLACES = ("GPU-a", "ram")


class Shared(RuleBasedStateMachine):
    """A GPU and a host's memory, 100 bytes each, that strangers use too.

    What is granted and not loaded yet is never more than is free. Strangers take only what is not promised, and
    are read at once: what they take between two readings nobody can give back. Everything else comes at any time:
    readings that end late, loads in part, engines that die and are started again, strangers that leave.
    """

    def __init__(self) -> None:
        super().__init__()
        self.host = Host.objects.create(id="s", name="s", queue="q")
        for place in PLACES:
            Accelerator.objects.create(host=self.host, uuid=place, name=place, capacity_bytes=100)
        self.strangers, self.second = dict.fromkeys(PLACES, 50), 0.0
        self.asked: dict[uuid.UUID, dict[str, int]] = {}
        self.used: dict[uuid.UUID, dict[str, int]] = {}
        self.engines: dict[uuid.UUID, subprocess.Popen[bytes]] = {}
        self.begun: list[tuple[float, dict[str, int]]] = []
        self.reads()

    def free(self) -> dict[str, int]:
        return {at: 100 - self.strangers[at] - sum(used[at] for used in self.used.values()) for at in PLACES}

    def waiting(self) -> dict[str, int]:
        return {at: sum(self.asked[one][at] - self.used[one][at] for one in self.asked) for at in PLACES}

    def tick(self) -> float:
        self.second += 1
        return self.second

    def end(self, holder: uuid.UUID) -> None:
        self.used[holder] = dict.fromkeys(PLACES, 0)
        if engine := self.engines.pop(holder, None):
            engine.kill()
            engine.wait()

    @rule()
    def reads(self) -> None:
        ledger.read("s", dict(self.free()), self.tick())

    @rule()
    def begins_to_read(self) -> None:
        self.begun.append((self.tick(), self.free()))

    @precondition(lambda self: self.begun)
    @rule(data=st.data())
    def stores_what_it_read_a_while_ago(self, data: st.DataObject) -> None:
        began, free = self.begun.pop(data.draw(st.integers(0, len(self.begun) - 1)))
        ledger.read("s", dict(free), began)

    @rule(share=st.fixed_dictionaries({place: st.sampled_from([1, 50, 100]) for place in PLACES}))
    def asks(self, share: dict[str, int]) -> None:
        """For a share, in percent, of what the ledger would still grant: a byte too many is found by asking for all."""
        rows = {row.uuid: row for row in Accelerator.objects.filter(host=self.host)}
        left = {place: ledger.left(row, row.free_bytes) for place, row in rows.items()}
        holder = uuid.UUID(int=int(self.tick()))
        amounts = {place: left[place] * share[place] // 100 for place in PLACES}
        ledger.reserve(holder, "s", amounts)
        self.asked[holder], self.used[holder] = amounts, dict.fromkeys(PLACES, 0)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), share=st.sampled_from([30, 100]), measured=st.booleans())
    def loads(self, data: st.DataObject, share: int, measured: bool) -> None:
        self.load(data.draw(st.sampled_from(list(self.asked))), share, measured=measured)

    def load(self, holder: uuid.UUID, share: int, *, measured: bool) -> None:
        if holder not in self.engines:
            ledger.unloaded(holder)
            self.engines[holder] = subprocess.Popen(["sleep", "60"])
        used, asked = self.used[holder], self.asked[holder]
        self.used[holder] = {at: used[at] + (asked[at] - used[at]) * share // 100 for at in PLACES}
        who = identity(self.engines[holder].pid)
        if measured and who:
            ledger.loaded(holder, "s", dict(self.used[holder]), self.tick(), who)

    @rule()
    def is_asked_for_and_serves(self) -> None:
        """What mostly happens, so that the rare steps meet engines that serve."""
        self.asks(dict.fromkeys(PLACES, 100))
        holder = list(self.asked)[-1]
        self.load(holder, 100, measured=True)
        self.reads()

    @precondition(lambda self: self.engines)
    @rule(data=st.data())
    def dies(self, data: st.DataObject) -> None:
        """Its memory stays reserved: the reconciler finds out later."""
        self.end(data.draw(st.sampled_from(list(self.engines))))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(list(self.asked)))
        self.end(holder)
        del self.asked[holder], self.used[holder]
        ledger.release(holder)

    @rule(share=st.sampled_from([10, 60, 100]))
    def strangers_come(self, share: int) -> None:
        free, waiting = self.free(), self.waiting()
        for place in PLACES:
            self.strangers[place] += (free[place] - waiting[place]) * share // 100
        self.reads()

    @rule(share=st.sampled_from([10, 100]))
    def strangers_leave(self, share: int) -> None:
        for place in PLACES:
            self.strangers[place] -= self.strangers[place] * share // 100

    @invariant()
    def no_byte_is_promised_that_is_not_free(self) -> None:
        free, waiting = self.free(), self.waiting()
        assert all(waiting[place] <= free[place] for place in PLACES), (waiting, free)

    @invariant()
    def the_sums_are_those_of_the_rows(self) -> None:
        for row in Accelerator.objects.filter(host=self.host):
            held = list(row.reservations.all())
            assert row.reserved_bytes == sum(one.bytes for one in held)
            assert row.seen_bytes == sum(one.seen_bytes for one in held)
            assert all(one.seen_bytes <= one.bytes for one in held)

    def teardown(self) -> None:
        for holder in list(self.engines):
            self.end(holder)
        self.host.delete()


def test_what_is_granted_and_not_loaded_is_free_at_every_moment(db: None) -> None:
    few = EXAMPLES if connection.vendor == "sqlite" else EXAMPLES // 5  # the same statements, each some times slower
    run_state_machine_as_test(Shared, settings=settings(max_examples=few, stateful_step_count=30, deadline=None))


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
    me = identity(os.getpid())
    assert me
    ledger.loaded(first, "h", {"GPU-a": 60}, 2.0, me)
    ledger.read("h", {"GPU-a": 40}, 1.5)  # began before the load was measured
    with pytest.raises(ledger.NoRoom):
        ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 40})
    ledger.read("h", {"GPU-a": 40}, 3.0)
    ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 40})


def test_an_engine_that_ended_is_not_taken_off_once_more_when_it_is_started_again(host: Host) -> None:
    """Forty bytes of a stranger, forty of an engine that a port clash ended: sixty are free, twenty to be promised."""
    holder = uuid.uuid4()
    engine = subprocess.Popen(["sleep", "60"])
    who = identity(engine.pid)
    assert who
    ledger.read("h", {"GPU-a": 60}, 1.0)
    ledger.reserve(holder, "h", {"GPU-a": 40})
    ledger.loaded(holder, "h", {"GPU-a": 40}, 2.0, who)
    ledger.read("h", {"GPU-a": 20}, 3.0)
    engine.kill()
    engine.wait()
    ledger.read("h", {"GPU-a": 60}, 4.0)
    with pytest.raises(ledger.NoRoom) as refused:
        ledger.reserve(uuid.uuid4(), "h", {"GPU-a": 21})
    assert refused.value.available == 20


def test_a_reading_of_this_boot_is_not_older_than_one_of_the_last(host: Host) -> None:
    ledger.read("h", {"GPU-a": 10}, 9000.0, "before")
    ledger.read("h", {"GPU-a": 80}, 20.0, "now")
    ledger.read("h", {"GPU-a": 90}, 10.0, "now")
    assert Accelerator.objects.get(uuid="GPU-a").free_bytes == 80
