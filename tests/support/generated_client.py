"""A client that openapi-python-client generates from the service's OpenAPI document."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import httpx

_PACKAGE: Final = "generated_profilelog_client"


def generate(document: dict[str, Any], folder: Path) -> str:
    """Generate the client's package into the folder; returns what the generator printed.

    AssertionError when it fails, and when it warns, for what it warns of it leaves out.
    """
    source = folder / "openapi.json"
    source.write_text(json.dumps(document))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate"),
            *("--path", str(source), "--output-path", str(folder / _PACKAGE)),
            *("--meta", "none", "--fail-on-warning"),
        ],
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class GeneratedClient:
    """Calls the generated functions with a secret, and keeps the bodies that they send."""

    def __init__(self, url: str, secret: str) -> None:
        self.sent: list[Any] = []
        self._client = importlib.import_module(_PACKAGE).AuthenticatedClient(
            base_url=url,
            token=secret,
            prefix="",
            auth_header_name="X-Account-Secret",
            raise_on_unexpected_status=True,
            httpx_args={"event_hooks": {"request": [self._keep]}},
        )

    def close(self) -> None:
        self._client.get_httpx_client().close()

    def call(self, function: str, **arguments: Any) -> Any:
        """The parsed answer of a function, named with its module: `hooks.upsert_profile`."""
        module = importlib.import_module(f"{_PACKAGE}.api.{function}")
        return module.sync(client=self._client, **arguments)

    def model(self, name: str) -> Any:
        """A generated class of a request or an answer."""
        return getattr(importlib.import_module(f"{_PACKAGE}.models"), name)

    def _keep(self, request: httpx.Request) -> None:
        content = request.read()
        self.sent.append(json.loads(content) if content else None)
