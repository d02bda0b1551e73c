"""The HTTP application."""

from collections.abc import Callable
from typing import Any, Final

from litestar import Litestar
from litestar.datastructures import State

from api.answers import Answer, error_answer
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
from api.nodes.door import Door
from api.nodes.forwarding import Forwarding
from api.settings import Settings
from streams.node import Node
from streams.partition.owned_partitions import Elsewhere

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


def create_app(node: Node, settings: Settings) -> Door:
    """The app that answers for a running node."""

    def answer_error(request: Incoming, error: Exception) -> Answer | Forwarding:
        if isinstance(error, Elsewhere):
            return Forwarding(request, error, node.cluster.peers)
        return error_answer(request, error)

    handlers: dict[int | type[Exception], Callable[..., Any]] = {Exception: answer_error}
    context = AppContext.of(node, settings)
    app = Litestar(
        CONTROLLERS,
        state=State({"context": context}),
        request_class=Incoming,
        exception_handlers=handlers,
        # Handlers bound their bodies themselves, as they come (`api.bodies`).
        request_max_body_size=None,
        openapi_config=None,  # `api.documents` has it: handlers read their bodies themselves
        logging_config=None,
    )
    return Door(Methods(app, DirectRoutes(app, answer_error)), context)
