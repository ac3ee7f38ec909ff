from __future__ import annotations

from rest_framework.routers import SimpleRouter

from hardware import api

router = SimpleRouter()
router.register("hosts", api.Hosts)
router.register("accelerators", api.References, basename="accelerators")
urlpatterns = router.urls
