from __future__ import annotations

import pytest

from hardware.models import Snapshot
from hardware.snapshots import refresh


@pytest.fixture
def local() -> Snapshot:
    """This machine, read as it is."""
    return refresh()
