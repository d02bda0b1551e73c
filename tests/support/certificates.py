"""A certificate authority of a test's own, and what it certifies; made by openssl."""

import subprocess
from pathlib import Path
from typing import NamedTuple

_CONFIG = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
[leaf]
basicConstraints = critical,CA:FALSE
subjectAltName = IP:127.0.0.1
"""
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]


class Certificate(NamedTuple):
    """PEM files."""

    cert: Path
    key: Path


class Authority:
    """Certifies, for 127.0.0.1, whom it is asked to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "openssl.cnf"
        self._config.write_text(_CONFIG)
        self.own = self._made("authority", "authority", [])

    def certified(self, name: str) -> Certificate:
        """A certificate of the subject CN=name."""
        signed_by = ["-CA", str(self.own.cert), "-CAkey", str(self.own.key)]
        return self._made(name, "leaf", signed_by)

    def _made(self, name: str, kind: str, more: list[str]) -> Certificate:
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        files = ["-out", str(made.cert), "-keyout", str(made.key)]
        what = ["-subj", f"/CN={name}", "-config", str(self._config), "-extensions", kind]
        command = ["openssl", "req", "-x509", *_KEY, *files, *what, *more]
        subprocess.run(command, check=True, capture_output=True)
        return made
