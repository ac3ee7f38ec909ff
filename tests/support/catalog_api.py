"""The catalog's REST lists, and clients that may only read or also write them."""

from __future__ import annotations

import pytest
from django.test import Client

from advisor.api import tokens

SMOL, LLAMA, NEWER = "smollm2-135m-instruct", "llama-3.1-70b-instruct", "llama-3.3-70b-instruct"
LISTS = ("models", "builds", "evidence", "benchmarks", "licences")


def bearer(*scopes: str) -> Client:
    text = tokens.create_token(name="-".join(scopes), scopes=list(scopes))
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture
def reader(loaded):
    return Client()


@pytest.fixture
def writer(loaded):
    return bearer("catalog")


def change(client, path, body, **headers):
    return client.patch(f"/api/v1/{path}/", body, content_type="application/json", headers=headers)
