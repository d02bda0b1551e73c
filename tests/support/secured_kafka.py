"""A Kafka as others run it: SASL_SSL with SCRAM users, a port for client certificates, and ACLs."""

import asyncio
import secrets
import socket
import subprocess
import uuid
from pathlib import Path

from streams.broker.jars import class_path, jar_cache, locked_jars
from streams.broker.java import failure_of, find_java, start_java
from streams.broker.probe import answers
from streams.broker.properties import CLIENT, JAVA_OPTIONS, server_properties
from streams.log.kafka_access import KafkaAccess
from tests.support.certificates import Authority, Certificate

USER = "service"
OPERATOR = "operator"  # the certificate of a superuser
_START_SECONDS = 60


class SecuredKafka:
    """One node. `admin` may do everything, `user` what its ACLs say, and so does `operator` by its certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(24)
        self._ports = _free_ports(4)
        self.authority = Authority(folder / "certificates")
        self._operator = self.authority.certified(OPERATOR)
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "kafka").mkdir()

    @property
    def admin(self) -> KafkaAccess:
        address = f"127.0.0.1:{self._ports[0]}"
        return KafkaAccess(address, "SASL_PLAINTEXT", "PLAIN", CLIENT, self._password)

    @property
    def user(self) -> KafkaAccess:
        ca = self.authority.own.cert
        address = f"127.0.0.1:{self._ports[2]}"
        return KafkaAccess(address, "SASL_SSL", "SCRAM-SHA-512", USER, self._password, ca)

    @property
    def operator(self) -> KafkaAccess:
        cert, key = self._operator
        address = f"127.0.0.1:{self._ports[3]}"
        ca = self.authority.own.cert
        return KafkaAccess(address, "SSL", ca_file=ca, cert_file=cert, key_file=key)

    def start(self) -> None:
        asyncio.run(self._start())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def _start(self) -> None:
        java, jars = find_java(), class_path(locked_jars(), jar_cache(), print)
        settings = self._folder / "server.properties"
        settings.write_text(self._settings(self.authority.certified("broker")))

        def started(*main: str) -> subprocess.Popen[bytes]:
            log = self._folder / "server.log"
            return start_java(java, JAVA_OPTIONS, jars, list(main), folder=self._folder, log=log)

        scram = f"SCRAM-SHA-512=[name={USER},password={self._password}]"
        cluster = uuid.uuid4().hex[:22]
        storage = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster]
        formatting = started(*storage, "--config", str(settings), "--add-scram", scram)
        assert await failure_of(formatting, _START_SECONDS) is None, self._log_tail()
        self._process = started("kafka.Kafka", str(settings))
        async with asyncio.timeout(_START_SECONDS):
            while not await answers(self.admin):
                assert self._process.poll() is None, self._log_tail()
                await asyncio.sleep(0.05)

    def _settings(self, own: Certificate) -> str:
        """The embedded broker's, whose later lines go before the earlier ones."""
        clients, controller, secured, certified = self._ports
        embedded = server_properties(
            port=clients,
            controller_port=controller,
            purge_within=30,
            password=self._password,
            own_password=secrets.token_urlsafe(24),
        )
        store = self._folder / "broker.pem"
        store.write_text(own.key.read_text() + own.cert.read_text())
        listeners = (
            f"CLIENTS://127.0.0.1:{clients},SECURED://127.0.0.1:{secured},"
            f"CERTIFIED://127.0.0.1:{certified}"
        )
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        more = {
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT,"
            "SECURED:SASL_SSL,CERTIFIED:SSL",
            "listener.name.secured.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.secured.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.certified.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.own.cert),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:broker;User:{CLIENT};User:CN={OPERATOR}",
        }
        return embedded + "".join(f"{name}={value}\n" for name, value in more.items())

    def _log_tail(self) -> str:
        return (self._folder / "server.log").read_text()[-3000:]


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
