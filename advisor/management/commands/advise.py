from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from advisor.answers.recommend import recommend
from advisor.answers.wording import fix_words
from advisor.fit.units import GIB
from advisor.monitoring.answer_counts import counted
from advisor.question import query_string
from advisor.question.errors import Invalid
from advisor.question.parse import parse_query

FLAGS = ("on_disk", "tool_use", "reasoning")


class Command(BaseCommand):
    help = "What can run on this machine, or on stated hardware: the same question and answer as the page and the API."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for key in (*query_string.ACCELERATOR, *query_string.KEYS):
            option = "--" + key.replace("_", "-")
            if key in FLAGS:
                parser.add_argument(option, dest=key, nargs="?", const="true", default="")
            else:
                parser.add_argument(option, dest=key, default="")
        parser.add_argument("--json", action="store_true", help="print the API's document")

    def handle(self, *, json: bool, **options: Any) -> None:
        given = {key: str(options[key]) for key in (*query_string.ACCELERATOR, *query_string.KEYS) if options[key]}
        try:
            with counted("recommendation") as count:
                answer = count(recommend(parse_query(given))).document
        except Invalid as error:
            told = [f"{query_string.option_of(e['field'])}: {e['message']}" for e in error.errors]
            raise CommandError("\n".join(told)) from error
        if json:
            self.stdout.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
            return
        for line in table(answer):
            self.stdout.write(line)


def table(answer: dict[str, Any]) -> list[str]:
    lines = [f"{'#':>2} {'score':>5}  {'model':<40} {'build':<8} {'where':<15} {'memory':>9} {'tokens/s':>8}  quality"]
    for result in answer["results"]:
        memory = sum(d["total"] for d in result["memory"]["devices"]) or result["memory"]["host"]["total"]
        quality, speed = result["quality"], result["speed"]["decode_tokens_per_second"]["mid"]
        lines.append(
            f"{result['rank']:>2} {result['score']:>5.1f}  {result['model']['name']:<40.40} "
            f"{result['build']['quantization']:<8} {result['placement']:<15} {memory / GIB:>5.1f} GiB {speed:>8.1f}  "
            f"{quality['score']:.0f} ({quality['low']:.0f} to {quality['high']:.0f}, {quality['basis']})"
        )
    if not answer["results"]:
        lines.append("Nothing in the catalog runs as asked.")
    for rejected in answer["rejected"]:
        fix = rejected["fixes"][0] if rejected["fixes"] else None
        help_ = f"; {fix_words(fix)}" if fix else ""
        lines.append(f" - {rejected['model']}: {rejected['reason'].replace('_', ' ')}{help_}")
    return lines + [f"Note: {warning}" for warning in answer["warnings"]]
