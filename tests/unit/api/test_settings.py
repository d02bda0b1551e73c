"""Settings: what the environment may say, what is said back, and what a deployment makes of it."""

import stat
from pathlib import Path

import pytest

from api.settings import HASH_KEY_FILE, Settings, deployment, kept
from schemas.errors import OperatorError
from streams.log.kafka_access import KafkaAccess

KEY = "5e" * 32
KAFKA = KafkaAccess("127.0.0.1:9092")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PROFILELOG_{name.upper()}", raising=False)
    monkeypatch.setenv("PROFILELOG_DATA", str(tmp_path / "data"))


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILELOG_PORT", "1")
    monkeypatch.setenv("PROFILELOG_HOST", "::1")

    settings = Settings.load(port=2, host=None)

    assert (settings.port, settings.host) == (2, "::1")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILELOG_KAFKA", "")

    assert Settings.load().kafka is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA", "no-port"),
        ("KAFKA", "a:1,b:99999"),
        ("KAFKA_SECURITY_PROTOCOL", "TELNET"),
        ("KAFKA_SASL_MECHANISM", "GSSAPI"),
        ("PORT", "high"),
        ("PORT", "65536"),
        ("HASH_KEY", "5e" * 31),
        ("HASH_KEY", "xy" * 32),
        ("PARTITIONS", "0"),
        ("TOPIC_PREFIX", "a topic"),
        ("PURGE_WITHIN", "29"),
        ("WRITE_TIMEOUT", "0"),
        ("HEADER_LIMIT", "1"),
        ("HEADER_TIMEOUT", "0"),
        ("BODY_TIMEOUT", "0.5"),
        ("IDLE_TIMEOUT", "0"),
        ("ANSWER_TIMEOUT", "-1"),
        ("MAX_PENDING_BYTES", "1"),
        ("LOG_LEVEL", "loud"),
        ("URL", "127.0.0.1:8080"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"PROFILELOG_{name}", value)

    with pytest.raises(OperatorError, match=f"^PROFILELOG_{name}: ") as refused:
        Settings.load()

    assert "\n" not in str(refused.value)


def test_a_refused_hash_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILELOG_HASH_KEY", "c0ffee")

    with pytest.raises(OperatorError) as refused:
        Settings.load()

    assert "c0ffee" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILELOG_PORT", "high")
    monkeypatch.setenv("PROFILELOG_PARTITIONS", "many")

    with pytest.raises(OperatorError, match=r"PROFILELOG_PORT.*PROFILELOG_PARTITIONS"):
        Settings.load()


def test_secrets_are_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILELOG_HASH_KEY", KEY)
    monkeypatch.setenv("PROFILELOG_SECRET", "whisper")

    shown = repr(Settings.load())

    assert KEY not in shown
    assert "whisper" not in shown


def test_the_defaults_follow_the_kind_of_deployment() -> None:
    settings = Settings.load(hash_key=KEY)

    embedded = deployment(settings, kafka=KAFKA, embedded=True)
    of_ones_own = deployment(settings, kafka=KAFKA, embedded=False)

    assert (embedded.partitions, embedded.replication, embedded.purge_within) == (1, 1, 30)
    assert (of_ones_own.partitions, of_ones_own.replication) == (8, 3)
    assert of_ones_own.purge_within == 86_400


def test_an_operators_kafka_is_reached_as_the_variables_say() -> None:
    assert Settings.load().own_kafka() is None
    assert Settings.load(kafka="a:1").own_kafka() == KafkaAccess("a:1")

    settings = Settings.load(
        kafka="a:1",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-256",
        kafka_username="us",
        kafka_password="whispered",
        kafka_ca_file="ca.pem",
    )

    assert settings.own_kafka() == KafkaAccess(
        "a:1", "SASL_SSL", "SCRAM-SHA-256", "us", "whispered", Path("ca.pem")
    )
    assert "whispered" not in repr(settings)


def test_an_operators_kafka_is_reached_as_a_file_says(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text("bootstrap.servers=a:1\n")

    assert Settings.load(kafka_properties=file).own_kafka() == KafkaAccess("a:1")
    with pytest.raises(OperatorError, match="KAFKA and PROFILELOG_KAFKA_PROPERTIES exclude each"):
        Settings.load(kafka_properties=file, kafka="a:1").own_kafka()
    with pytest.raises(OperatorError, match=r"^PROFILELOG_KAFKA_PROPERTIES: .* cannot be read"):
        Settings.load(kafka_properties=tmp_path / "missing").own_kafka()


def test_what_is_set_goes_before_both_defaults() -> None:
    settings = Settings.load(hash_key=KEY, partitions=5, replication=2, purge_within=60)

    for embedded in (True, False):
        made = deployment(settings, kafka=KAFKA, embedded=embedded)
        assert (made.partitions, made.replication, made.purge_within) == (5, 2, 60)


def test_the_embedded_mode_makes_one_hash_key_for_its_owner_only() -> None:
    settings = Settings.load()

    first = deployment(settings, kafka=KAFKA, embedded=True)
    second = deployment(settings, kafka=KAFKA, embedded=True)

    assert len(first.hash_key) == 32
    assert first.hash_key == second.hash_key
    assert _mode(settings.data / HASH_KEY_FILE) == 0o600
    assert _mode(settings.data) == 0o700


def test_another_mode_uses_the_hash_key_of_the_folder() -> None:
    settings = Settings.load()
    made = deployment(settings, kafka=KAFKA, embedded=True)

    assert deployment(settings, kafka=KAFKA, embedded=False).hash_key == made.hash_key


def test_another_mode_makes_no_hash_key_but_says_how_to() -> None:
    settings = Settings.load()

    with pytest.raises(OperatorError, match=r"PROFILELOG_HASH_KEY.*openssl rand -hex 32"):
        deployment(settings, kafka=KAFKA, embedded=False)

    assert not settings.data.exists()


def test_a_broken_hash_key_file_is_refused_and_left_alone() -> None:
    settings = Settings.load()
    kept(settings.data / HASH_KEY_FILE, "abc")

    with pytest.raises(OperatorError, match=rf"{HASH_KEY_FILE} needs 64 hex digits"):
        deployment(settings, kafka=KAFKA, embedded=True)

    assert kept(settings.data / HASH_KEY_FILE, KEY) == "abc"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
