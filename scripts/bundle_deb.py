"""Make a Debian package of the bundle, without root: `scripts/bundle.sh` runs `bundle_deb.py FOLDER DIST`.

Prints the path of the package. It depends on the libraries of flow_gl/system_packages.txt that a chart needs, on those
that the bundle leaves to the system, and on the glibc that its files require.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import contents

from flow_gl import __version__
from flow_gl.core.system.libraries import read_list

ROOT = Path(__file__).resolve().parents[1]
PARTS = ROOT / "deploy" / "bundle"
NAME = "flow-gl"
MAINTAINER = "The flow_gl authors <flow_gl@example.com>"

CONTROL = """\
Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {depends}
Recommends: ca-certificates
Section: science
Priority: optional
Description: order-flow bubble chart for CME futures
 flow_gl turns the trades of futures into one bubble a second that shows price,
 aggressor side and contracts, beside the session's volume profile and the
 cumulative volume delta. It draws with OpenGL, and serves the same chart to
 browsers and other programs.
 .
 This package contains Python and all Python packages that it needs.
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: flow_gl
Comment:
 The licences of the Python packages that are shipped with it are in their
 folders, /usr/lib/flow-gl/_internal/*.dist-info.

Files: *
Copyright: {holder}
License: MIT
{licence}
"""
CHANGELOG = """\
{name} ({version}) unstable; urgency=medium

  * Built from the sources of flow_gl {upstream}; its CHANGELOG.md is beside
    this file.

 -- {maintainer}  {date}
"""


def depends(glibc: tuple[int, ...]) -> list[str]:
    """Return the packages that the bundle depends on, sorted.

    Parameters
    ----------
    glibc : the newest version that its files require
    """
    named = {library.packages["debian"] for library in read_list() if library.need in ("chart", "window", "headless")}
    named |= set(contents.FROM_THE_SYSTEM.values())
    return sorted(named | {f"libc6 (>= {'.'.join(map(str, glibc))})"})


def newest_glibc(folder: Path) -> tuple[int, ...]:
    """Return the newest version of glibc that the files of a folder require, at least (2, 17)."""
    found = {(2, 17)}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and _is_program(path):
            text = subprocess.run(["objdump", "-p", str(path)], capture_output=True, text=True, check=False).stdout
            found |= {tuple(map(int, version.split("."))) for version in re.findall(r"\bGLIBC_([\d.]+)", text)}
    return max(found)


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def build(bundle: Path, dist: Path) -> Path:
    """Make the package; return its path."""
    version = f"{__version__}-1"
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    path = dist / f"{NAME}_{version}_{architecture}.deb"
    with tempfile.TemporaryDirectory(dir=dist) as folder:
        root = Path(folder)
        root.chmod(0o755)
        lay_out(bundle, root, version)
        files = [one for one in sorted(root.rglob("*")) if one.is_file() and not one.is_symlink()]
        control = root / "DEBIAN"
        control.mkdir()
        sums = [f"{hashlib.md5(one.read_bytes()).hexdigest()}  {one.relative_to(root)}\n" for one in files]
        (control / "md5sums").write_text("".join(sums))
        (control / "control").write_text(
            CONTROL.format(
                name=NAME,
                version=version,
                architecture=architecture,
                maintainer=MAINTAINER,
                size=sum(one.stat().st_size for one in files) // 1024,
                depends=", ".join(depends(newest_glibc(bundle))),
            )
        )
        set_modes(root)
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z2", "--build", str(root), str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def lay_out(bundle: Path, root: Path, version: str) -> None:
    """Put everything that is installed where it belongs below `root`."""
    shutil.copytree(bundle, root / "usr/lib" / NAME, symlinks=True, copy_function=_link)
    (root / "usr/bin").mkdir()
    (root / "usr/bin" / NAME).symlink_to(f"../lib/{NAME}/{NAME}")
    _install(PARTS / "flow-gl.desktop", root / "usr/share/applications/flow-gl.desktop")
    _install(ROOT / "web/icon.svg", root / "usr/share/icons/hicolor/scalable/apps/flow-gl.svg")
    _install(PARTS / "lintian-overrides", root / "usr/share/lintian/overrides" / NAME)
    _pack((PARTS / "flow-gl.1").read_bytes(), root / "usr/share/man/man1/flow-gl.1.gz")
    documents = root / "usr/share/doc" / NAME
    changed = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", _committed_s())), UTC)
    text = CHANGELOG.format(
        name=NAME, version=version, upstream=__version__, maintainer=MAINTAINER, date=format_datetime(changed)
    )
    _pack(text.encode(), documents / "changelog.Debian.gz")
    _pack((ROOT / "CHANGELOG.md").read_bytes(), documents / "changelog.gz")
    licence = (ROOT / "LICENSE").read_text()
    holder = re.search(r"Copyright \(c\) (.+)", licence)
    body = "".join(f" {line or '.'}\n" for line in licence.strip().splitlines()[4:])
    (documents / "copyright").write_text(COPYRIGHT.format(holder=holder[1] if holder else "", licence=body.rstrip()))
    for name in ("systemd", "prometheus", "grafana"):
        shutil.copytree(ROOT / "deploy" / name, documents / "examples" / name, ignore=shutil.ignore_patterns("*.token"))


def set_modes(root: Path) -> None:
    """Give folders and the program mode 0755 and everything else 0644, regardless of this user's umask."""
    program = root / "usr/lib" / NAME / NAME
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path == program else 0o644)


def _committed_s() -> str:
    """Return the time of the last commit, or of the last change of CHANGELOG.md outside of a checkout."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or str(int((ROOT / "CHANGELOG.md").stat().st_mtime))


def _link(source: str, target: str) -> None:
    """Create a hard link instead of copying half a gigabyte, where the file system allows it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _install(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True)
    shutil.copyfile(source, target)


def _pack(text: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    print(build(Path(sys.argv[1]), Path(sys.argv[2])))
