from __future__ import annotations

import os
import subprocess
import sys

from tests.plugin.berth import ROOT


def test_the_web_process_does_without_packages_that_it_never_uses(tmp_path) -> None:
    """16 MB in each: `config/wsgi.py` keeps them out, as long as nothing imports the REST framework before it does."""
    code = (
        "import sys, config.wsgi; print(*sorted({'psycopg', 'pygments', 'requests', 'jsonschema'} & set(sys.modules)))"
    )
    lean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "TEST_DB")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=lean | {"BERTH_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
