from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from advisor.api import tokens
from advisor.models import ApiToken

pytestmark = pytest.mark.django_db


def printed(*args: str) -> str:
    out = StringIO()
    call_command("token", *args, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_the_command_prints_a_token_that_works_and_keeps_only_its_digest() -> None:
    text = printed("provisioning", "--scopes", "read,launch")
    token = tokens.find_token(text)
    assert token is not None
    assert token.scopes == ["read", "launch"]
    assert text.split("_")[2] not in str(ApiToken.objects.values_list())


@pytest.mark.parametrize("scopes", ["launch,root", "", ","])
def test_an_unknown_scope_is_one_sentence_that_names_the_choices(scopes: str) -> None:
    with pytest.raises(CommandError, match=r"--scopes: .*read, recommend, agent, launch, catalog"):
        printed("x", "--scopes", scopes)


def test_an_agent_token_must_name_its_host() -> None:
    with pytest.raises(CommandError, match="--host"):
        printed("x", "--scopes", "agent")


@pytest.mark.parametrize("days", ["0", "-1", "abc", "1.5", "9999999", ""])
def test_days_that_cannot_be_counted_are_one_sentence(days: str) -> None:
    with pytest.raises(CommandError, match=r"^--days: must be a whole number from 1 to 36500"):
        printed("x", f"--days={days}")
