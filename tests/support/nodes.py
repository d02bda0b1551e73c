"""Several nodes of one deployment, and requests that go to any of them."""

import random
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx

from streams.log.kafka_access import KafkaAccess
from tests.support.service import Account, Service, eventually

_SEED: Final = 20_261_129


class Spread(httpx.BaseTransport):
    """Sends each request to one of the nodes, chosen at random."""

    def __init__(self, nodes: Sequence[Service], seed: int = _SEED) -> None:
        self._nodes = nodes
        self._random = random.Random(seed)
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        node = httpx.URL(self._random.choice(self._nodes).url)
        request.url = request.url.copy_with(host=node.host, port=node.port)
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


@contextmanager
def running_nodes(kafka: KafkaAccess, folder: Path, number: int) -> Generator[list[Service]]:
    """So many nodes of one deployment; every one owns partitions, and each is ready."""
    with ExitStack() as stack:
        first = Service(kafka, folder / "node-0")
        nodes = [stack.enter_context(first)]
        for place in range(1, number):
            node = Service(kafka, folder / f"node-{place}", prefix=first.prefix)
            node.hash_key = first.hash_key
            nodes.append(stack.enter_context(node))
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_ready()
        wait_spread(nodes)
        yield nodes


def wait_spread(nodes: Sequence[Service]) -> None:
    """Returns when the partitions are spread over the nodes, and all of them are ready."""

    def is_spread() -> bool:
        answers = [node.http.get("/ready") for node in nodes]
        return all(
            answer.status_code == 200 and answer.json().get("nodes", 1) == len(nodes)
            for answer in answers
        )

    eventually(is_spread, seconds=60)


def spread(account: Account, nodes: Sequence[Service]) -> Account:
    """The account, whose requests go to any of the nodes; returns when all of them take its secret."""
    for node in nodes:
        headers = {"X-Account-Secret": account.secret}
        eventually(
            lambda node=node, headers=headers: (
                node.http.get("/", headers=headers).status_code == 200
            )
        )
    account.http.close()
    account.http = httpx.Client(
        base_url=nodes[0].url,
        headers={"X-Account-Secret": account.secret},
        timeout=httpx.Timeout(60),
        transport=Spread(nodes),
    )
    return account
