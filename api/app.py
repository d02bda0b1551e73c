"""The HTTP application."""

from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig

from api.answers import EXCEPTION_HANDLERS
from api.controllers.account import AccountController
from api.controllers.changes import ChangesController
from api.controllers.companies import CompaniesController
from api.controllers.edits import EditsController
from api.controllers.hooks import HooksController
from api.controllers.operations import OperationsController
from api.controllers.profiles import ProfilesController
from api.controllers.search import SearchController
from api.door import Door
from api.incoming import Incoming
from api.settings import Settings
from streams.node import Node


def create_app(node: Node, settings: Settings) -> Litestar:
    """The Litestar app that answers for a running node."""
    return Litestar(
        [
            AccountController,
            HooksController,
            ProfilesController,
            SearchController,
            EditsController,
            CompaniesController,
            ChangesController,
            OperationsController,
        ],
        state=State({"door": Door.of(node, settings)}),
        request_class=Incoming,
        exception_handlers=EXCEPTION_HANDLERS,
        # Handlers bound their bodies themselves, as they come (`api.bodies`).
        request_max_body_size=None,
        openapi_config=OpenAPIConfig(title="profilelog", version="3", path="/schema"),
        logging_config=None,
    )
