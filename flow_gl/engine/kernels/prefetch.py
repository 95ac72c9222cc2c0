"""A Numba intrinsic for LLVM's `prefetch`: load memory into the cache before it is read.

Processing a trade takes less time than loading its 48 bytes from memory, and the hardware prefetcher stops at each
4 KB page. Numba has no prefetch of its own; LLVM, to which it compiles, does. `benchmarks/kernel_time.py` times the
kernels on data larger than the caches.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_READ, _ONCE, _DATA = 0, 0, 1
"""Arguments of LLVM's `prefetch`: for reading, used only once (so it need not displace other data), data not code."""


def _prefetch(_typing: Any, array: Any, index: Any) -> Any:
    """Prefetch an array element; an index beyond the end is harmless."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = ir.IntType(8).as_pointer()
        word = ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
        insert: Any = cgutils.get_or_insert_function
        callee = insert(builder.module, function, "llvm.prefetch.p0")
        address = builder.bitcast(builder.gep(data, [arguments[1]]), pointer)
        builder.call(callee, [address, word(_READ), word(_ONCE), word(_DATA)])
        return context.get_dummy_value()

    return types.void(array, index), generate


prefetch: Any = intrinsic(_prefetch)
