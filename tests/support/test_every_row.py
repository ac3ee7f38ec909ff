from __future__ import annotations

import pytest

from tests.support.every_row import every_row, for_every

seen: list[int] = []


def checked(number: int) -> None:
    seen.append(number)
    assert number != 1, "is one"
    if number == 3:
        raise KeyError("three")
    if number == 4:
        with pytest.raises(ValueError, match="never"):
            seen.append(number)


def check_six() -> None:
    with every_row() as row:
        for number in range(6):
            with row(f"row {number}"):
                checked(number)


def test_every_row_that_fails_is_named_and_those_after_it_are_still_checked() -> None:
    seen.clear()
    with pytest.raises(AssertionError) as failed:
        check_six()
    assert seen == [0, 1, 2, 3, 4, 4, 5]
    first, *lines = str(failed.value).splitlines()
    assert first == "3 of 6 rows:"
    assert [line.partition(":")[0] for line in lines] == ["row 1", "row 3", "row 4"]
    assert "is one" in lines[0]
    assert lines[1].endswith("KeyError: 'three'")


def test_rows_that_all_hold_pass_and_no_rows_at_all_do_not() -> None:
    with every_row() as row, row("one"):
        pass
    with pytest.raises(AssertionError, match="no row"), every_row():
        pass


def test_an_interrupt_ends_the_rows() -> None:
    with pytest.raises(KeyboardInterrupt), every_row() as row, row("one"):
        raise KeyboardInterrupt


def test_a_check_of_one_row_becomes_a_test_of_all() -> None:
    @for_every({"one": 1, "two": 2, "three": 3})
    def odd(name: str, number: int) -> None:
        assert number % 2, f"{number} is even"

    assert odd.__name__ == "odd"
    with pytest.raises(AssertionError, match=r"(?s)^1 of 3 rows:\ntwo: 2 is even"):
        odd()
