"""Sizes of ggml tensors: type -> (elements per block, bytes per block).

From ggml's type traits (`ggml/src/ggml.c`, block structs in `ggml-common.h`).
"""

from __future__ import annotations

from math import prod

BLOCKS: dict[str, tuple[int, int]] = {
    "f32": (1, 4),
    "f16": (1, 2),
    "bf16": (1, 2),
    "f64": (1, 8),
    "i8": (1, 1),
    "i16": (1, 2),
    "i32": (1, 4),
    "i64": (1, 8),
    "q1_0": (128, 18),
    "q4_0": (32, 18),
    "q4_1": (32, 20),
    "q5_0": (32, 22),
    "q5_1": (32, 24),
    "q8_0": (32, 34),
    "q8_1": (32, 40),
    "q2_K": (256, 84),
    "q3_K": (256, 110),
    "q4_K": (256, 144),
    "q5_K": (256, 176),
    "q6_K": (256, 210),
    "q8_K": (256, 292),
    "iq1_s": (256, 50),
    "iq1_m": (256, 56),
    "iq2_xxs": (256, 66),
    "iq2_xs": (256, 74),
    "iq2_s": (256, 82),
    "iq3_xxs": (256, 98),
    "iq3_s": (256, 110),
    "iq4_nl": (32, 18),
    "iq4_xs": (256, 136),
    "tq1_0": (256, 54),
    "tq2_0": (256, 66),
    "mxfp4": (32, 17),
    "nvfp4": (64, 36),
}

HOST_ALIGNMENT = 32  # ggml-backend.cpp, TENSOR_ALIGNMENT of the CPU buffer
CUDA_ALIGNMENT = 128  # ggml-cuda.cpp, get_alignment
CUDA_ROW = 512  # ggml-cuda.cpp MATRIX_ROW_PADDING: quantised rows are read in steps of this many elements


def pad(value: int, step: int) -> int:
    """`value` rounded up to a multiple of `step`."""
    return -(-value // step) * step


def row_bytes(elements: int, type_name: str) -> int:
    """Bytes of one row of `elements` values; a partial block counts as a whole one."""
    block, size = BLOCKS[type_name]
    return -(-elements // block) * size


def tensor_bytes(shape: tuple[int, ...], type_name: str) -> int:
    """Bytes of the tensor's data, without padding."""
    return row_bytes(shape[0], type_name) * prod(shape[1:])


def host_bytes(shape: tuple[int, ...], type_name: str) -> int:
    """Bytes of the tensor in a host buffer."""
    return pad(tensor_bytes(shape, type_name), HOST_ALIGNMENT)


def cuda_bytes(shape: tuple[int, ...], type_name: str) -> int:
    """Bytes of the tensor in a CUDA buffer: quantised rows that are no multiple of 512 are padded by one step."""
    size = tensor_bytes(shape, type_name)
    if BLOCKS[type_name][0] > 1 and shape[0] % CUDA_ROW:
        size += row_bytes(CUDA_ROW - shape[0] % CUDA_ROW, type_name)
    return pad(size, CUDA_ALIGNMENT)
