from __future__ import annotations

from celery.schedules import maybe_schedule

from config.celery import app


def test_celery_takes_json_only_keeps_no_result_and_bounds_every_task() -> None:
    conf = app.conf
    assert conf.accept_content == ["json"]
    assert conf.task_serializer == "json"
    assert not conf.result_backend
    assert conf.task_acks_late is False
    assert conf.worker_prefetch_multiplier == 1
    assert (conf.task_soft_time_limit, conf.task_time_limit) == (25, 30)
    assert conf.broker_transport_options["visibility_timeout"] == 300
    assert conf.broker_transport_options["unacked_restore_throttle"] == 1


def test_every_beat_entry_goes_to_this_hosts_queue_expires_with_its_period_and_names_a_task() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        period = maybe_schedule(entry["schedule"]).run_every.total_seconds()
        assert entry["options"] == {"queue": "host.local", "expires": period}
        assert entry["task"] in app.tasks
    tasks = {"hardware.tasks.snapshot", "advisor.tasks.reconcile", "advisor.tasks.prune", "advisor.tasks.index_files"}
    assert set(app.conf.beat_schedule) == tasks
