"""Attribution of changes in the history: a person as the user, a token by its name in the change reason."""

from __future__ import annotations

from typing import Any

from simple_history.models import HistoricalRecords
from simple_history.signals import pre_create_historical_record


def person(request: Any = None, **_: Any) -> Any:
    """The signed-in user, or None for a token, which authenticates a request but has no row in the user table."""
    user = getattr(request, "user", None)
    return user if getattr(user, "pk", None) else None


def records(**options: Any) -> HistoricalRecords:
    return HistoricalRecords(get_user=person, **options)


def _name_token(history_instance: Any, **_: Any) -> None:
    user = getattr(getattr(HistoricalRecords.context, "request", None), "user", None)
    if user is not None and user.is_authenticated and not user.pk:
        history_instance.history_change_reason = str(user)[:100]


def connect_history() -> None:
    pre_create_historical_record.connect(_name_token, dispatch_uid="catalog-history-token")
