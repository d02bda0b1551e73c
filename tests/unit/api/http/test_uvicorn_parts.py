"""A uvicorn that has moved what is built on is refused at import (`api.http.uvicorn_parts`)."""

import importlib

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http import uvicorn_parts


def test_a_uvicorn_without_one_of_the_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.delattr(HttpToolsProtocol, "on_response_complete")
        with pytest.raises(ImportError, match=r"HttpToolsProtocol\.on_response_complete"):
            importlib.reload(uvicorn_parts)

    importlib.reload(uvicorn_parts)
