from __future__ import annotations

import json as json_module
import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from advisor.estimates import confirm_with_engine, speed_batch, vllm_batch
from advisor.estimates.gguf_file import predict, predict_one
from advisor.fit.engines.llama_cpp.defaults import products
from advisor.fit.engines.llama_cpp.memory import COMPUTED_FOR
from advisor.fit.engines.llama_cpp.quantize import MIXES
from advisor.fit.engines.llama_cpp.settings_text import CACHE_TYPES, read_settings
from advisor.fit.spec import DeviceMemory, Memory
from advisor.fit.units import GIB

ROW = '{"id", "gguf", "settings"}'
VLLM_ROW = '{"id", "config", "accelerator", "settings"}'
SPEED_ROW = '{"id", "gpu", "gpu_count", "model", "quant", "engine", "context", "prompt_tokens", "batch"}'
ONE = "Give one of these: a GGUF file, --config FILE, --batch FILE, --vllm-batch FILE or --speed-batch FILE."
# option -> key of the settings, metavar, help
OPTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("--context", "ctx", "N", "tokens of the whole cache (-c)"),
    ("--slots", "par", "N", "requests at once (-np)"),
    ("--gpu-layers", "ngl", "N", "layers on the devices; -1 for all (default when --devices is given)"),
    ("--devices", "ndev", "N", "number of GPUs (default 1 with --gpu-layers, else 0)"),
    ("--tensor-split", "ts", "SHARES", "share per device, such as 3,1"),
    ("--kv-type-k", "ctk", "TYPE", f"one of {', '.join(CACHE_TYPES)}"),
    ("--kv-type-v", "ctv", "TYPE", "as --kv-type-k"),
    ("--flash-attention", "fa", "N", "-1 auto, 0 off, 1 on"),
    ("--batch-size", "batch", "N", "logical batch (-b)"),
    ("--ubatch-size", "ubatch", "N", "micro-batch (-ub)"),
    ("--kv-offload", "kvo", "N", "0 keeps the cache on the host"),
    ("--unified", "unified", "N", "1 shares one cache among the slots"),
    ("--swa-full", "swafull", "N", "1 keeps windowed layers at full length"),
    ("--outputs", "out", "FOR", "server: logits of one token per slot; lib: of the whole batch"),
    ("--override-tensor", "ot", "PATTERN=CPU", "tensors that stay on the host, such as exps=CPU"),
)


class Command(BaseCommand):
    help = "Predict memory of a GGUF file, a config.json, or every line of a JSON Lines file; speed with --speed-batch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("gguf", nargs="?", help="path of a .gguf file")
        parser.add_argument("--config", metavar="FILE", help="config.json, alone or checked against the GGUF file")
        parser.add_argument(
            "--quantization", metavar="NAME", help=f"with --config alone: one of {', '.join(MIXES)} (Q4_K_M)"
        )
        parser.add_argument(
            "--batch", metavar="FILE", help='lines of {"id", "gguf", "settings"}; - reads standard input'
        )
        parser.add_argument(
            "--vllm-batch", metavar="FILE", help='lines of {"id", "config", "accelerator", "settings"} for vLLM'
        )
        parser.add_argument("--speed-batch", metavar="FILE", help=f"lines of {SPEED_ROW}: tokens per second")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--as",
            dest="product",
            metavar="PROGRAM",
            help=f"with the defaults of {' or '.join(products())} where nothing is stated; context as on a small GPU",
        )
        parser.add_argument("--confirm", action="store_true", help="ask the installed engine for its own plan as well")
        for option, key, metavar, text in OPTIONS:
            kind = whole if metavar == "N" else str
            parser.add_argument(option, dest=f"set_{key}", type=kind, metavar=metavar, help=text)

    def handle(self, *, gguf: str | None, config: str | None, json: bool, confirm: bool, **options: Any) -> None:
        given = [(options[name], *how) for name, *how in BATCHES if options[name] is not None]
        if len(given) + (gguf is not None or config is not None) != 1:
            raise CommandError(ONE)
        if confirm and gguf is None:
            raise CommandError("--confirm asks the engine about one file: name it, and leave out what is a batch.")
        if given and (beside := beside_a_batch(options)):
            raise CommandError(f"{beside} goes with one file or configuration: a batch says it in its lines.")
        if options["product"] not in (None, *products()):
            raise CommandError(f"--as must be one of {', '.join(products())}, not {options['product']!r}.")
        for path, answered, form in given:
            for line in answers(path, answered, form):
                self.stdout.write(line)
            return
        row, product = stated(options), products().get(options["product"])
        try:
            wanted = read_settings(row)
            if product:
                row = product.row(row.get("ctx", product.tokens(0))) | row
                wanted = read_settings(row)
            memory, basis = predict_one(gguf, config, options["quantization"], wanted)
        except ValueError as error:
            raise CommandError(f"{gguf or config}: {named(str(error))}") from error
        confirmed = confirm_with_engine.confirmation(str(gguf), wanted.settings, memory) if confirm else None
        asked = {"as": f"{product.name} {product.version}", "settings": row} if product else {}
        if json:
            more = {"basis": basis} | asked | ({} if confirmed is None else {"confirmed": confirmed})
            self.stdout.write(orjson.dumps(document(memory) | more).decode())
        else:
            self.stdout.write(table(memory, asked))
            if confirmed is not None:
                self.stdout.write(confirm_with_engine.table(confirmed))


def beside_a_batch(options: dict[str, Any]) -> str | None:
    """The first option given that a batch would ignore."""
    single = [("--as", "product"), ("--quantization", "quantization")]
    single += [(option, f"set_{key}") for option, key, _, _ in OPTIONS]
    return next((option for option, name in single if options[name] is not None), None)


def whole(text: str) -> int | str:
    """The number, or the text itself if it is none, so that the settings' own validation rejects it."""
    try:
        return int(text)
    except ValueError:
        return text


def named(sentence: str) -> str:
    """The sentence with keys of the settings replaced by the options that were typed."""
    options = {key: option for option, key, _, _ in OPTIONS}
    return re.sub(r"(?:The setting )?'(\w+)'", lambda found: options.get(found[1], found[0]), sentence)


def stated(options: dict[str, Any]) -> dict[str, Any]:
    """The settings given on the command line, with all layers on the devices by default."""
    row = {key: options[f"set_{key}"] for _, key, _, _ in OPTIONS if options[f"set_{key}"] is not None}
    if "ndev" not in row:
        row["ndev"] = 1 if row.get("ngl") else 0
    return {"ngl": -1} | row


def answers(path: str, answered: Callable[[Any], dict[str, Any]], form: str) -> Iterator[str]:
    """One JSON line per line of the batch; the first bad line stops it with its line number."""
    try:
        with sys.stdin if path == "-" else open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield orjson.dumps(answered(loaded(line))).decode()
                except json_module.JSONDecodeError:
                    raise CommandError(f"Line {number} is not JSON.") from None
                except (AttributeError, KeyError, TypeError):
                    raise CommandError(f"Line {number} is not {form}.") from None
                except ValueError as error:
                    raise CommandError(f"Line {number}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise CommandError(f"The batch file cannot be read: {reason.lower()}.") from error


def loaded(line: str) -> Any:
    """The row of a line. Published configurations contain Infinity, which JSON lacks and Python's parser accepts."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json_module.loads(line)


def answer(row: Any) -> dict[str, Any]:
    return {"id": row["id"], **document(predict(row["gguf"], read_settings(row["settings"])))}


def document(memory: Memory) -> dict[str, Any]:
    return {
        "devices": {f"gpu{i}": _parts(part) for i, part in enumerate(memory.devices)},
        "host": _parts(memory.host),
        "computed_for": COMPUTED_FOR,
    }


def _parts(part: DeviceMemory) -> dict[str, int]:
    return {"weights": part.weights, "kv": part.kv, "compute": part.compute, "total": part.total}


def table(memory: Memory, asked: dict[str, Any]) -> str:
    rows = [(f"gpu{i}", part) for i, part in enumerate(memory.devices)] + [("host", memory.host)]
    lines = [f"{'GiB':6}{'weights':>10}{'cache':>10}{'compute':>10}{'total':>10}"]
    for name, part in rows:
        cells = (part.weights, part.kv, part.compute, part.total)
        lines.append(f"{name:6}" + "".join(f"{value / GIB:10.3f}" for value in cells))
    lines.append(f"{COMPUTED_FOR}, its own buffers; context, kernels and pools of the driver come on top.")
    if asked:
        said = ", ".join(f"{key} {value}" for key, value in asked["settings"].items())
        lines.append(f"As {asked['as']} asks for it: {said}.")
    return "\n".join(lines)


# option -> function that answers a line, format of a line
BATCHES: tuple[tuple[str, Callable[[Any], dict[str, Any]], str], ...] = (
    ("batch", answer, ROW),
    ("vllm_batch", vllm_batch.vllm_row, VLLM_ROW),
    ("speed_batch", speed_batch.speed_row, SPEED_ROW),
)
