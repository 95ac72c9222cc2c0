"""The command `bench`: each module of `flow_gl.bench` that defines `run` is a benchmark.

The module's docstring is the help text and the keyword arguments of `run` are the flags. `benchmarks/` in the source
contains further benchmarks that need the tests' gateway or other libraries; they also use `benchmark_app`.
"""

import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Final

import typer

from flow_gl.core.errors import UsageError

IN_SOURCE: Final = ("bursts", "peers", "soak")
"""Benchmarks in the folder `benchmarks/`, which is not part of the wheel."""
_HINT: Final = f"From a checkout of the source (python -m benchmarks.NAME): {', '.join(IN_SOURCE)}"


def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The benchmark to run; without it, list them all.")] = "",
) -> None:
    """Run a benchmark: `flow-gl bench` lists them, `flow-gl bench NAME --help` shows its flags."""
    from flow_gl import bench as package

    names = _benchmarks(Path(package.__file__).parent)
    if name in ("", "-h", "--help"):
        typer.echo("Usage: flow-gl bench NAME [FLAGS]\n\nBenchmarks: " + (", ".join(names) or "none is installed"))
        typer.echo(f"flow-gl bench NAME --help shows the flags of one; --json FILE writes its figures.\n{_HINT}")
        return
    if name in IN_SOURCE:
        raise UsageError(f"{name} needs the source: run python -m benchmarks.{name} in the root of a checkout")
    if name not in names:
        raise UsageError(f"there is no benchmark {name}; expected one of: {', '.join(names) or 'none'}")
    command = typer.main.get_command(benchmark_app(import_module(f"flow_gl.bench.{name}")))
    command.main(args=context.args, prog_name=f"flow-gl bench {name}", standalone_mode=False)


def benchmark_app(module: ModuleType) -> typer.Typer:
    """Make the command of a benchmark.

    Parameters
    ----------
    module : a module with a docstring and `run(*, json_path, ...)`
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=inspect.cleandoc(module.__doc__ or ""))(_as_command(module.run))
    return app


def _benchmarks(folder: Path) -> list[str]:
    """List the modules in a folder that define `run`, without importing them."""
    return sorted(path.stem for path in folder.glob("[!_]*.py") if "\ndef run(" in path.read_text(encoding="utf-8"))


def _as_command(run: Any) -> Any:
    """Wrap `run` for typer: its keyword arguments are the flags, and `json_path` is --json."""

    def command(**values: Any) -> None:
        run(**values)

    signature = inspect.signature(run, eval_str=True)
    parameters = []
    for parameter in signature.parameters.values():
        annotation: Any = parameter.annotation
        if parameter.name == "json_path":
            option = typer.Option("--json", metavar="FILE", help="Write the result here as JSON.")
            annotation = Annotated[Path | None, option]
        parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=annotation))
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command
