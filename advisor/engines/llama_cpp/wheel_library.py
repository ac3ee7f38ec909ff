"""ctypes bindings to the C interface inside the xllamacpp wheel, and checks that its layouts hold.

Layouts and defaults are those of `include/llama.h`, `src/llama-ext.h`, `src/llama-model.cpp` and
`src/llama-context.cpp` of build b11549 on x86-64 Linux. A library that differs is refused: a structure read one field
off would give plausible but wrong figures. Imports nothing of ours, and loads the engine into this very process: use it
only in a child that may crash.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import platform
import re
import sys
from pathlib import Path
from typing import Any

PACKAGE = "xllamacpp"


class LibraryRefused(Exception):
    """The library's interface is not the known one; the message is one sentence."""


U32, I32, F32, PTR, BOOL, SIZE = (
    ctypes.c_uint32,
    ctypes.c_int32,
    ctypes.c_float,
    ctypes.c_void_p,
    ctypes.c_bool,
    ctypes.c_size_t,
)
Fields = tuple[tuple[str, Any, Any], ...]  # name, type, the engine's default
MODEL: Fields = (
    ("devices", PTR, None),
    ("tensor_buft_overrides", PTR, None),
    ("n_gpu_layers", I32, -1),
    ("split_mode", I32, 1),
    ("load_mode", I32, -1),
    ("lazy_mode", I32, 1),
    ("main_gpu", I32, 0),
    ("tensor_split", PTR, None),
    ("progress_callback", PTR, None),
    ("progress_callback_user_data", PTR, None),
    ("kv_overrides", PTR, None),
    ("vocab_only", BOOL, False),
    ("check_tensors", BOOL, False),
    ("use_extra_bufts", BOOL, True),
    ("no_host", BOOL, False),
    ("no_alloc", BOOL, False),
    ("load_mtp", BOOL, False),
)
CONTEXT: Fields = (
    ("n_ctx", U32, 512),
    ("n_batch", U32, 2048),
    ("n_ubatch", U32, 512),
    ("n_seq_max", U32, 1),
    ("n_rs_seq", U32, 0),
    ("n_outputs_max", U32, 0),
    ("n_outputs_max_per_seq", U32, 1),
    ("n_threads", I32, 4),
    ("n_threads_batch", I32, 4),
    ("ctx_type", I32, 0),
    ("rope_scaling_type", I32, -1),
    ("pooling_type", I32, -1),
    ("attention_type", I32, -1),
    ("flash_attn_type", I32, -1),
    ("rope_freq_base", F32, 0.0),
    ("rope_freq_scale", F32, 0.0),
    ("yarn_ext_factor", F32, -1.0),
    ("yarn_attn_factor", F32, -1.0),
    ("yarn_beta_fast", F32, -1.0),
    ("yarn_beta_slow", F32, -1.0),
    ("yarn_orig_ctx", U32, 0),
    ("defrag_thold", F32, -1.0),
    ("cb_eval", PTR, None),
    ("cb_eval_user_data", PTR, None),
    ("type_k", I32, 1),
    ("type_v", I32, 1),
    ("moe_cache_size", SIZE, 0),
    ("abort_callback", PTR, None),
    ("abort_callback_data", PTR, None),
    ("embeddings", BOOL, False),
    ("offload_kqv", BOOL, True),
    ("no_perf", BOOL, True),
    ("op_offload", BOOL, True),
    ("swa_full", BOOL, True),
    ("kv_unified", BOOL, False),
    ("samplers", PTR, None),
    ("n_samplers", SIZE, 0),
    ("ctx_other", PTR, None),
)


def structure(name: str, fields: Fields) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": [(field, kind) for field, kind, _ in fields]})


ModelParams = structure("ModelParams", MODEL)
ContextParams = structure("ContextParams", CONTEXT)
LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
# function, return type, argument types
FUNCTIONS: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    ("llama_backend_init", None, ()),
    ("llama_log_set", None, (LOG, PTR)),
    ("llama_model_load_from_file", PTR, (ctypes.c_char_p, ModelParams)),
    ("llama_init_from_model", PTR, (PTR, ContextParams)),
    ("ggml_backend_buft_name", ctypes.c_char_p, (PTR,)),
)
BREAKDOWN = "_Z26llama_get_memory_breakdownPK13llama_context"  # C++: bytes by buffer type


def build() -> str | None:
    """ "b11549", or None if unknown. The wheel is compiled without its build number, but versioned YEAR.MONTH.BUILD."""
    try:
        version = importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return None
    found = re.fullmatch(r"20\d\d\.\d{1,2}\.(\d{4,6})(\.post\d+)?", version)
    return f"b{found[1]}" if found else None


def find_library() -> Path:
    """The path of the shared object, found without importing the package. Raises LibraryRefused."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or ctypes.sizeof(PTR) != 8:
        raise LibraryRefused("The engine can be asked for its own plan on x86-64 Linux only.")
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob(f"{PACKAGE}*.so")):
            return path
    raise LibraryRefused("The xllamacpp package is not installed, so there is no engine to ask for its own plan.")


def load_library(path: Path) -> ctypes.CDLL:
    """The library with typed functions. Raises LibraryRefused when it cannot be opened or lacks a function."""
    try:
        library = ctypes.CDLL(str(path))
        for name, result, arguments in FUNCTIONS:
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        getattr(library, BREAKDOWN).restype, getattr(library, BREAKDOWN).argtypes = None, (PTR, PTR)
    except (OSError, AttributeError) as error:
        raise LibraryRefused(f"The engine's library {path.name} cannot be used: {error}.") from error
    return library


def defaults(library: ctypes.CDLL, function: str, kind: type[ctypes.Structure], fields: Fields) -> Any:
    """The engine's default parameters, checked against `fields` by value and by size. Raises LibraryRefused.

    A structure this large is returned through a pointer passed as a hidden first argument (System V ABI). Calling it
    over two different fill patterns reveals how many bytes the engine's structure really has.
    """
    size, room = ctypes.sizeof(kind), ctypes.sizeof(kind) + 256
    call = getattr(library, function)
    call.restype, call.argtypes = None, (PTR,)
    buffers = [ctypes.create_string_buffer(bytes([pattern]) * room, room) for pattern in (0xA5, 0x5A)]
    for buffer in buffers:
        call(buffer)
    first, second = (buffer.raw for buffer in buffers)
    written = max((i + 1 for i in range(room) if first[i] == second[i]), default=0)
    last = getattr(kind, fields[-1][0])
    if not last.offset + last.size <= written <= size:
        raise LibraryRefused(f"{function} fills {written} bytes, and the layout known here has {size}.")
    result = kind.from_buffer_copy(first[:size])
    for name, _, expected in fields:
        if getattr(result, name) != expected:
            raise LibraryRefused(f"{function} has {name} = {getattr(result, name)!r}, and {expected!r} was expected.")
    return result


class Node(ctypes.Structure):
    """A node of libstdc++'s std::map<buffer type, {model, context, compute}> (bits/stl_tree.h)."""

    _fields_ = (
        ("color", ctypes.c_int),
        *((name, PTR) for name in ("parent", "left", "right", "key")),
        *((name, SIZE) for name in ("model", "context", "compute")),
    )


class Map(ctypes.Structure):
    _fields_ = (
        ("compare", SIZE),
        ("color", ctypes.c_int),
        *((name, PTR) for name in ("root", "leftmost", "rightmost")),
        ("count", SIZE),
    )


def breakdown(library: ctypes.CDLL, context: int) -> dict[str, tuple[int, int, int]]:
    """Bytes of model, context and compute by buffer type name. Raises LibraryRefused for an unexpected map."""
    result = Map()
    getattr(library, BREAKDOWN)(ctypes.byref(result), context)
    found: dict[str, tuple[int, int, int]] = {}
    waiting = [result.root]
    while waiting and len(found) <= result.count <= 64:
        address = waiting.pop()
        if address:
            node = Node.from_address(address)
            name = library.ggml_backend_buft_name(node.key).decode()
            found[name] = (node.model, node.context, node.compute)
            waiting += [node.left, node.right]
    if not found or len(found) != result.count:
        raise LibraryRefused("The engine's table of buffers has another form than the one known here.")
    return found
