from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from advisor.urls import pages, rest
from config.docs import SwaggerView

admin.autodiscover()
admin.site.site_header = admin.site.site_title = "Berth"
admin.site.index_title = "Catalog and launches"
handler500 = "config.errors.server_error"
handler404 = "config.errors.not_found"
handler403 = "config.errors.forbidden"
urlpatterns = [
    path("", include(pages)),
    path("admin/", admin.site.urls),
    path("api/v1/", include(rest)),
    path("api/v1/", include("catalog.urls")),
    path("api/v1/", include("hardware.urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SwaggerView.as_view(url_name="schema"), name="docs"),
]
