from __future__ import annotations

from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command

from tests.support.ask import recommend
from tests.support.questions import QUESTION

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_the_command_line_answers_the_same_question():
    out = StringIO()
    given = {"gpu": "RTX 4090", "ram_gb": "64", "cpu_cores": "16", "use_case": "coding", "context": "32768"}
    call_command("advise", json=True, stdout=out, **given)
    assert orjson.loads(out.getvalue())["decision"] == recommend(QUESTION)["decision"]
    out = StringIO()
    call_command("advise", stdout=out, **given)
    assert out.getvalue().count("GiB") >= 10
    with pytest.raises(CommandError, match="--gpu"):
        call_command("advise", gpu="RTX 9999")
