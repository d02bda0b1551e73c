"""How Kafka is reached: what each client is given, and what a file of properties says."""

# aiokafka and Faust are annotated in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from schemas.errors import OperatorError
from streams.broker.properties import client_properties
from streams.consumer_group.faust_options import faust_options
from streams.log.kafka_access import KafkaAccess, read_properties
from tests.support.certificates import Authority
from tests.support.service import REPOSITORY

PASSWORD = "whispered"
PLAIN = KafkaAccess("a:1", "SASL_PLAINTEXT", username="us", password=PASSWORD)
EVERY_KIND = [
    KafkaAccess("a:1,b:2"),
    KafkaAccess("a:1", "SSL"),
    PLAIN,
    replace(PLAIN, protocol="SASL_SSL", mechanism="SCRAM-SHA-512"),
]


def test_a_client_shows_the_password_where_kafka_asks_for_one() -> None:
    assert PLAIN.client_options() == {
        "bootstrap_servers": "a:1",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "us",
        "sasl_plain_password": PASSWORD,
    }
    assert "sasl_plain_password" not in replace(PLAIN, protocol="SSL").client_options()


def test_a_client_checks_who_answers_where_there_is_tls() -> None:
    for access in EVERY_KIND:
        context = access.client_options().get("ssl_context")

        assert (context is not None) == ("SSL" in access.protocol)
        assert context is None or context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("access", EVERY_KIND)
def test_faust_shows_what_every_other_client_shows(access: KafkaAccess) -> None:
    options = faust_options(access)

    shown = dict(credentials_to_aiokafka_auth(options["broker_credentials"]))
    expected = access.connection_options()
    assert {name: value for name, value in shown.items() if value is not None} == expected
    assert ",".join(options["broker"]).replace("kafka://", "") == access.bootstrap


def test_no_client_is_made_without_it() -> None:
    """Whoever names the address alone would be refused by a Kafka that asks for more."""
    by_hand = re.compile(r"bootstrap_servers\s*=|kafka://")
    sources = [path for layer in ("api", "streams") for path in (REPOSITORY / layer).rglob("*.py")]

    found = [path.name for path in sources if by_hand.search(path.read_text())]

    assert found == ["faust_options.py"]


def test_the_password_is_in_no_repr() -> None:
    assert PASSWORD not in repr(PLAIN)


@pytest.mark.parametrize("given", [{}, {"username": "us"}, {"username": "us", "password": ""}])
def test_sasl_without_credentials_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(OperatorError, match=r"PROFILELOG_KAFKA_USERNAME .*PROFILELOG_KAFKA_PASS"):
        KafkaAccess("a:1", "SASL_SSL", **given)  # pyright: ignore[reportArgumentType] - of these names


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    for file in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(OperatorError, match=rf"cannot be used \(.+\): {file} "):
            KafkaAccess("a:1", "SSL", ca_file=file).client_options()


def test_a_key_with_a_passphrase_is_refused_and_nobody_asked_for_it(tmp_path: Path) -> None:
    made = Authority(tmp_path).certified("client")
    locked = tmp_path / "locked.key"
    words = ["-aes256", "-passout", "pass:words", "-in", str(made.key), "-out", str(locked)]
    subprocess.run(["openssl", "pkey", *words], check=True, capture_output=True)
    access = KafkaAccess("a:1", "SSL", cert_file=made.cert, key_file=made.key)

    assert access.ssl_context is not None
    with pytest.raises(OperatorError, match="without a passphrase"):
        replace(access, key_file=locked).client_options()


def test_a_file_of_properties_says_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text(client_properties(PLAIN))

    assert read_properties(file) == PLAIN


def test_an_operators_file_of_properties_is_read(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text(
        "# ours\n\n bootstrap.servers = a:1,b:2\nsecurity.protocol=SASL_SSL\n"
        "sasl.mechanism=SCRAM-SHA-256\nsasl.username=us\nsasl.password=with=sign\n"
        "ssl.ca.location=/etc/ca.pem\ngroup.id=passed-over\n"
    )

    assert read_properties(file) == KafkaAccess(
        "a:1,b:2", "SASL_SSL", "SCRAM-SHA-256", "us", "with=sign", ca_file=Path("/etc/ca.pem")
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "bootstrap.servers"),
        ("bootstrap.servers=a:1\nsecurity.protocol=TELNET", "security.protocol has to be one of"),
        (f"bootstrap.servers=a:1\nsasl.mechanism={PASSWORD}", "sasl.mechanism has to be one of"),
        (
            f"bootstrap.servers=a:1\nsecurity.protocol=SASL_SSL\nsasl.password={PASSWORD}",
            "username",
        ),
    ],
)
def test_a_file_that_says_too_little_is_refused_without_its_values(
    tmp_path: Path, text: str, wanted: str
) -> None:
    (tmp_path / "kafka.properties").write_text(text)

    with pytest.raises(OperatorError, match=wanted) as refused:
        read_properties(tmp_path / "kafka.properties")

    assert PASSWORD not in str(refused.value)
