"""Certificates for localhost, made with openssl."""

import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True)
class Made:
    cert: Path
    key: Path
    began_s: float


def make_certificate(folder: Path, *, days: int, ago_days: int = 0) -> Made:
    """Make a self-signed certificate that is valid for `days` from `ago_days` ago on."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Made(folder / "cert.pem", folder / "key.pem", time.time() - ago_days * 86_400)
    begin = datetime.now(UTC) - timedelta(days=ago_days)
    request = folder / "request.pem"
    config = folder / "openssl.cnf"
    config.write_text(
        "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=localhost\n"
        "[ext]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nserial=serial\ndefault_md=sha256\npolicy=any\nx509_extensions=ext\n"
        "unique_subject=no\n[any]\ncommonName=supplied\n"
    )
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")

    def openssl(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)

    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", made.key)
    openssl("req", "-new", "-key", made.key, "-config", config, "-out", request)
    dates = [f"{when:%Y%m%d%H%M%SZ}" for when in (begin - timedelta(minutes=5), begin + timedelta(days=days))]
    openssl(
        *("ca", "-batch", "-selfsign", "-notext", "-config", config, "-keyfile", made.key, "-in", request),
        *("-startdate", dates[0], "-enddate", dates[1], "-outdir", folder, "-out", made.cert),
    )
    return made
