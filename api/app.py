"""The HTTP application."""

from typing import Final

from litestar import Litestar
from litestar.datastructures import State

from api.answers import EXCEPTION_HANDLERS
from api.app_context import AppContext
from api.controllers.account import AccountController
from api.controllers.changes import ChangesController
from api.controllers.companies import CompaniesController
from api.controllers.documents import DocumentsController
from api.controllers.edits import EditsController
from api.controllers.health import HealthController
from api.controllers.history import HistoryController
from api.controllers.hooks import HooksController
from api.controllers.product_lists import ProductListsController
from api.controllers.profiles import ProfilesController
from api.controllers.properties import PropertiesController
from api.controllers.search import SearchController
from api.direct_routes import DirectRoutes
from api.incoming import Incoming
from api.methods import Methods
from api.settings import Settings
from streams.node import Node

CONTROLLERS: Final = (
    AccountController,
    HooksController,
    ProfilesController,
    SearchController,
    HistoryController,
    EditsController,
    CompaniesController,
    PropertiesController,
    ProductListsController,
    ChangesController,
    HealthController,
    DocumentsController,
)


def create_app(node: Node, settings: Settings) -> Methods:
    """The app that answers for a running node."""
    app = Litestar(
        CONTROLLERS,
        state=State({"context": AppContext.of(node, settings)}),
        request_class=Incoming,
        exception_handlers=EXCEPTION_HANDLERS,
        # Handlers bound their bodies themselves, as they come (`api.bodies`).
        request_max_body_size=None,
        openapi_config=None,  # `api.documents` has it: handlers read their bodies themselves
        logging_config=None,
    )
    return Methods(app, DirectRoutes(app))
