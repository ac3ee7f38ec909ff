"""The body of `POST launches/`: one of three ways to say what to run, validated before anything is planned."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from advisor.answers import decisions
from advisor.files.local import find_listed
from advisor.models import Launch
from rest.fields import Text, Truth, Whole

WAYS = "Say one of: model or file (with an optional workload), decision with rank, or build with engine and settings."


class LaunchRequestSerializer(serializers.Serializer[Any]):
    host = Text(max_length=80, default="local", help_text="'local': the machine that serves this")
    model = Text(max_length=120, required=False, help_text="a slug: its best plan is taken")
    workload = serializers.DictField(required=False, help_text="as in a recommendation")
    decision = serializers.RegexField(r"^[0-9a-f]{64}$", required=False, help_text="of an earlier recommendation")
    rank = Whole(min_value=1, max_value=500, required=False)
    build = Text(max_length=300, required=False)
    file = Text(max_length=4096, required=False, help_text="path or build id of a model file of this machine")
    engine = Text(max_length=40, required=False)
    settings = serializers.DictField(required=False, help_text="as in a result of a recommendation")
    download = Truth(required=False, help_text="fetch what is not on this machine; left out: as the server is set up")
    restart = serializers.ChoiceField(
        Launch.Restart.choices,
        default="no",
        help_text="whether it is started again when it served and then ends or hangs",
    )

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({key: ["Unknown field."] for key in unknown})
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [key for key in ("model", "decision", "build", "file") if key in attrs]
        if len(named) != 1:
            raise serializers.ValidationError({named[1] if named else "model": [WAYS]})
        ways = {"model": {"workload"}, "decision": {"rank"}, "build": {"engine", "settings"}, "file": {"workload"}}
        allowed = ways[named[0]]
        for key in sorted(set(attrs) - {"host", "restart", "download", named[0]} - allowed):
            raise serializers.ValidationError({key: [f"Does not go with {named[0]}. {WAYS}"]})
        if "file" in attrs:
            attrs["build"] = build_of_file(attrs.pop("file"))
        if "decision" in attrs:
            attrs["question"] = decisions.recall(attrs.pop("decision"))
            attrs.setdefault("rank", 1)
            if attrs["question"] is None:
                raise serializers.ValidationError({"decision": ["Not a decision of this server: ask again first."]})
        return attrs


def build_of_file(name: str) -> str:
    """The build id of the file with this path or build id. Raises ValidationError, with what is wrong with the file."""
    row = find_listed(name)
    if row is None:
        message = "No model file of this machine has this path or build id; a new one is listed within half a minute."
        raise serializers.ValidationError({"file": [message]})
    if row.problem:
        raise serializers.ValidationError({"file": [row.problem]})
    return row.build
