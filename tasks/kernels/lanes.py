"""Sixty-four bytes at a time: the few operations that numba has no words for, as LLVM's own.

LLVM makes of them what the processor has (AVX-512, AVX2, SSE2, NEON); the answer is the same on all, since these are
comparisons of bytes and no sums of floats. Nothing is checked: 64 bytes from the place given must be the array's.
"""

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

LANES = 64

intrinsic: Any = extending.intrinsic  # its types are those of Python's arguments, not of the compiled function's
_BYTE, _MASK = ir.IntType(8), ir.IntType(64)
_VECTOR = ir.VectorType(_BYTE, LANES)


def _place(context, builder, array_type, array, at, kind):
    """A pointer of LLVM type `kind` to the array's byte `at`."""
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())


def _all(byte):
    return ir.Constant(_VECTOR, [byte] * LANES)


def _between(builder, vector, first, last):
    """A bit a lane: whether its byte is from first to last."""
    return builder.icmp_unsigned("<=", builder.sub(vector, _all(first)), _all(last - first))


def _bits(builder, flags):
    return builder.bitcast(flags, _MASK)


@intrinsic
def classify(typingctx, data, at, low, to):
    """(white, wide): a bit for each of data[at:at + 64], of ASCII white space and of bytes past ASCII (from 128 on).

    The bytes are written to low[to:to + 64], with A to Z in lower case.
    """

    def generate(context, builder, signature, arguments):
        data, at, low, to = arguments
        load = builder.load(_place(context, builder, signature.args[0], data, at, _VECTOR))
        load.align = 1
        capital = _between(builder, load, ord("A"), ord("Z"))
        lowered = builder.or_(load, builder.select(capital, _all(0x20), _all(0)))
        store = builder.store(lowered, _place(context, builder, signature.args[2], low, to, _VECTOR))
        store.align = 1
        white = builder.or_(_between(builder, load, 9, 13), builder.icmp_unsigned("==", load, _all(32)))
        wide = builder.icmp_signed("<", load, _all(0))
        return context.make_tuple(builder, signature.return_type, [_bits(builder, white), _bits(builder, wide)])

    return types.UniTuple(types.uint64, 2)(data, types.int64, low, types.int64), generate


@intrinsic
def load32(typingctx, data, at):
    """The four bytes from data[at] on, as a little-endian number; nothing is checked."""

    def generate(context, builder, signature, arguments):
        data, at = arguments
        load = builder.load(_place(context, builder, signature.args[0], data, at, ir.IntType(32)))
        load.align = 1
        return load

    return types.uint32(data, types.int64), generate


@intrinsic
def load64(typingctx, data, at):
    """The eight bytes from data[at] on, as a little-endian number; nothing is checked."""

    def generate(context, builder, signature, arguments):
        data, at = arguments
        load = builder.load(_place(context, builder, signature.args[0], data, at, ir.IntType(64)))
        load.align = 1
        return load

    return types.uint64(data, types.int64), generate


@intrinsic
def first_bit(typingctx, bits):
    """The place of the lowest bit that is set, 0 to 63; 64 where there is none."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@intrinsic
def prefetch(typingctx, array, at):
    """Ask for the cache line of the array's element `at`, counted through its memory; nothing waits, nothing changes.

    For tables larger than the second cache of which the places are known ahead: the misses of many then overlap.
    """

    def generate(context, builder, signature, arguments):
        array, at = arguments
        place = _place(context, builder, signature.args[0], array, at, _BYTE)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        builder.call(function, [place, number(0), number(3), number(1)])  # to read, into all caches, data
        return context.get_dummy_value()

    return types.void(array, types.int64), generate
