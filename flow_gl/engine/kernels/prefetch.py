"""Telling the processor which memory will be read soon.

The inner loop takes a trade in less time than its 48 bytes take to come from memory unless they are asked for early,
and the processor's own guesses stop at each page of 4 KB. Numba has no word for it; LLVM, which it compiles with, has.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_READ, _ONCE, _DATA = 0, 0, 1
"""Arguments of LLVM's `prefetch`: for reading, soon and only once (it need not displace anything else), no code."""


def _prefetch(_typing: Any, array: Any, index: Any) -> Any:
    """Have an array's element fetched; one beyond its end does no harm."""

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
