from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from advisor.api import tokens
from advisor.models import ApiToken

pytestmark = pytest.mark.django_db


SPOILT: dict[str, Callable[[str], str]] = {
    "a letter more": lambda text: text + "0",
    "a letter less": lambda text: text[:-1],
    "another one": lambda text: "brt_unknown_secret",
    "nothing": lambda text: "",
    "no prefix": lambda text: text[4:],
}


@pytest.mark.parametrize("name", SPOILT)
def test_wrong_secrets_and_unknown_keys_find_nothing(name: str) -> None:
    text = tokens.create_token(name="x", scopes=["read"])
    assert tokens.find_token(SPOILT[name](text)) is None


def test_expired_and_revoked_tokens_find_nothing() -> None:
    now = timezone.now()
    expired = tokens.create_token(name="old", scopes=["read"], expires=now - timedelta(seconds=1))
    revoked = tokens.create_token(name="gone", scopes=["read"])
    ApiToken.objects.filter(name="gone").update(revoked=now)
    assert tokens.find_token(expired) is None
    assert tokens.find_token(revoked) is None


def test_use_is_remembered_at_most_once_a_minute(django_assert_num_queries: object) -> None:
    token = tokens.find_token(tokens.create_token(name="x", scopes=["read"]))
    assert token is not None
    tokens.touch(token)
    token.refresh_from_db()
    assert token.last_used is not None
    with django_assert_num_queries(0):  # type: ignore[operator]
        tokens.touch(token)
