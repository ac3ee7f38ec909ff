from __future__ import annotations

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog import history, version  # noqa: PLC0415 - models exist only now

        version.connect_version()
        history.connect_history()
