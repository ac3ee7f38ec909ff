from __future__ import annotations

from rest_framework.routers import SimpleRouter

from catalog import api

router = SimpleRouter()
router.register("models", api.Models)
router.register("builds", api.Builds)
router.register("evidence", api.EvidenceRows)
router.register("benchmarks", api.Benchmarks)
router.register("licences", api.Licences)
urlpatterns = router.urls
