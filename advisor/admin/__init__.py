"""Admin modules of this app, imported by Django's autodiscovery."""

from __future__ import annotations

from advisor.admin import catalog, launches

__all__ = ["catalog", "launches"]
catalog.register()
