"""Weight bytes loaded by one device, checked against the parameters of vLLM's own models."""

from __future__ import annotations

from advisor.fit.engines.vllm.config import ConfigReading, UnknownConfig
from advisor.fit.engines.vllm.weight_matrices import Matrix, matrices
from advisor.fit.engines.vllm.weight_quantization import Method, method, unquantized

# MXFP4 kernels on Hopper read experts in tiles of this many hidden and intermediate values.
HIDDEN_TILE, WIDTH_TILE = 256, 128


def weight_bytes(reading: ConfigReading, tp: int, by: Method | None = None) -> int:
    """Weight bytes of the text model on one of `tp` devices, by the configuration's quantization or the given method.

    Vision and audio towers are not included. Raises UnknownConfig when the matrices or the method are not known,
    NotServed when vLLM cannot load them.
    """
    by = by or method(reading.outer)
    return round(sum(_bytes(matrix, by) for matrix in matrices(reading, tp)))


def _bytes(matrix: Matrix, by: Method) -> float:
    if matrix.kept or by.keeps(matrix.module) or (by.experts_only and not matrix.is_expert):
        return matrix.count * unquantized(matrix.rows, matrix.columns)
    if matrix.is_expert and matrix.columns % by.group:
        raise UnknownConfig(f"How experts of {matrix.columns} columns are kept in groups of {by.group} is not known.")
    if by.experts_only:
        return matrix.count * by.size(*_tiled(matrix))
    return matrix.count * by.size(matrix.rows, matrix.columns)


def _tiled(matrix: Matrix) -> tuple[int, int]:
    """Padded to the kernel's tiles: `up` stacks gate and up, `down` has the hidden size as rows."""
    if matrix.module.endswith("down"):
        return _up(matrix.rows, HIDDEN_TILE), _up(matrix.columns, WIDTH_TILE)
    return 2 * _up(matrix.rows // 2, WIDTH_TILE), _up(matrix.columns, HIDDEN_TILE)


def _up(size: int, step: int) -> int:
    return -(-size // step) * step
