"""A certificate of 127.0.0.1 that expired in 2021, made with openssl."""

import subprocess
from pathlib import Path

_CONFIGURATION = """\
[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
subjectAltName = IP:127.0.0.1
basicConstraints = CA:true
"""


def expired_certificate(folder: Path) -> tuple[Path, Path]:
    """The certificate, which is its own issuer, and its key; both in `folder`."""
    folder.mkdir()
    key, request, certificate = (folder / name for name in ("key.pem", "request.pem", "cert.pem"))
    (folder / "openssl.cnf").write_text(_CONFIGURATION.format(folder=folder))
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")
    _openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request)
    dates = ("-startdate", "20200101000000Z", "-enddate", "20210101000000Z")
    _openssl(
        *("ca", "-batch", "-notext", "-selfsign", "-config", folder / "openssl.cnf"),
        *("-keyfile", key, "-in", request, "-out", certificate, *dates),
    )
    return certificate, key


def _openssl(*arguments: str | Path) -> None:
    subject = ["-subj", "/CN=127.0.0.1"] if arguments[0] == "req" else []
    subprocess.run(["openssl", *map(str, arguments), *subject], check=True, capture_output=True)
