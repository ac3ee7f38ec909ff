"""What Django's admin loads of this app."""

from __future__ import annotations

from advisor.admin import catalog, launches

__all__ = ["catalog", "launches"]
catalog.register()
