"""Bearer tokens `brt_<key>_<secret>`: the key finds the row, and only a keyed digest of the secret is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from advisor.models import ApiToken
from hardware.models import Host
from rest.in_passing import in_passing

SCOPES = settings.SCOPES
LAST_USED_EVERY = timedelta(minutes=1)


class Bearer:
    """The user that a token authenticates as; DRF asks for nothing but `is_authenticated`."""

    is_authenticated = True
    is_active = True
    is_staff = False

    def __init__(self, name: str) -> None:
        self.username = f"token:{name}"
        self.pk = None

    def __str__(self) -> str:
        return self.username


def digest(secret: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()


def create_token(*, name: str, scopes: list[str], host: Host | None = None, expires: datetime | None = None) -> str:
    """Store a new token and return its text, which is shown only once and cannot be recovered."""
    key, secret = secrets.token_hex(6), secrets.token_hex(20)
    ApiToken.objects.create(name=name, key=key, digest=digest(secret), scopes=scopes, host=host, expires=expires)
    return f"brt_{key}_{secret}"


def find_token(text: str) -> ApiToken | None:
    """The usable token with this text, or None. An unknown key and a wrong secret cost the same and answer alike."""
    prefix, _, rest = text.partition("_")
    key, _, secret = rest.partition("_")
    token = ApiToken.objects.select_related("host").filter(key=key[:16]).first() if prefix == "brt" else None
    right = hmac.compare_digest(token.digest if token else "0" * 64, digest(secret))
    if token is None or not right or token.revoked or (token.expires and token.expires <= timezone.now()):
        return None
    return token


def touch(token: ApiToken) -> None:
    """Record the use, at most once a minute: a busy script must not turn every read into a write."""
    now = timezone.now()
    if token.last_used is None or now - token.last_used > LAST_USED_EVERY:
        in_passing(lambda: ApiToken.objects.filter(pk=token.pk).update(last_used=now))


class BearerAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Bearer, ApiToken] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = find_token(text.strip())
        if token is None:
            raise AuthenticationFailed("The token is not known, expired or revoked.")
        touch(token)
        return Bearer(token.name), token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="berth"'


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "advisor.api.tokens.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "brt_<key>_<secret>"}
