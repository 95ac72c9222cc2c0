"""The suite can be collected on Windows: no module imports a POSIX module when it is imported itself. Its order."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from tests.kit.order import FIRST, long_first, needs_no_kernels

ROOT = Path(__file__).resolve().parent.parent
POSIX_ONLY = {"fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog"}
NAMES = re.compile(rf"\b({'|'.join(POSIX_ONLY)})\b")


def imported_at_once(statements: list[ast.stmt]) -> Iterator[str]:
    """Yield the names of the packages that are imported together with a module: not those inside functions."""
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (name.name.split(".")[0] for name in statement.names)
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            yield (statement.module or "").split(".")[0]
        elif isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While | ast.ClassDef):
            for block in ("body", "orelse", "finalbody"):
                yield from imported_at_once(getattr(statement, block, []))
            for handler in getattr(statement, "handlers", []):
                yield from imported_at_once(handler.body)


def posix_imports(source: str) -> list[str]:
    if not NAMES.search(source):  # parsing all modules takes seconds
        return []
    return sorted(set(imported_at_once(ast.parse(source).body)) & POSIX_ONLY)


def test_no_module_imports_a_posix_module_at_once() -> None:
    paths = [path for folder in ("flow_gl", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 400
    found = {path.relative_to(ROOT).as_posix(): posix_imports(path.read_text("utf-8")) for path in paths}
    assert {name: names for name, names in found.items() if names} == {}


def test_an_import_inside_a_function_is_allowed_and_one_inside_a_block_is_not() -> None:
    assert posix_imports("def f():\n    import pwd") == []
    assert posix_imports("try:\n    import fcntl\nexcept ImportError:\n    from tty import setraw") == ["fcntl", "tty"]


def items(path: str, count: int, *marks: str, **names: object) -> list[SimpleNamespace]:
    module = SimpleNamespace(**names)
    return [
        SimpleNamespace(path=path, number=number, module=module, get_closest_marker=marks.count)
        for number in range(count)
    ]


def test_two_workers_of_three_begin_with_long_tests_and_modules_stay_whole() -> None:
    found = [*items("a", 4), *items("b", 2, "slow"), *items("c", 3, "window"), *items("d", 3), *items("e", 1, "slow")]
    found += items("f", 2, subprocess=True)
    ordered = long_first(found, 3)
    assert sorted(map(id, ordered)) == sorted(map(id, found))
    assert "".join(item.path for item in ordered) == "bbeaa" + "cccff" + "aaddd"
    assert [item.number for item in ordered if item.path == "c"] == [0, 1, 2]
    assert "".join(item.path for item in long_first(found, 2)) == "bbeaaaa" + "cccffddd"


def test_what_needs_no_kernels_comes_before_all_others() -> None:
    found = [*items("a", 1), *items("b", 2, "slow"), *items(FIRST, 1, "slow")]
    assert [item.path for item in long_first(found, 2)] == [FIRST, "a", "b", "b"]
    assert [needs_no_kernels(item) for item in found] == [False, False, False, True]
    assert (ROOT / "tests" / FIRST).is_file()
