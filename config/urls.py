from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from advisor.urls import pages, rest
from config.docs import SchemaView, SwaggerView

admin.autodiscover()
admin.site.site_header = admin.site.site_title = "Berth"
admin.site.index_title = "Catalog and launches"
handler500 = "config.errors.server_error"
handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler403 = "config.errors.forbidden"
urlpatterns = [
    path("", include(pages)),
    path("admin/", admin.site.urls),
    path("api/v1/", include(rest)),
    path("api/v1/", include("catalog.urls")),
    path("api/v1/", include("hardware.urls")),
    path("api/v1/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SwaggerView.as_view(url_name="schema"), name="docs"),
]
