"""Write `jars.lock`: resolve Kafka and its logger, and name every jar with its sha256.

Run as `python -m streams.broker.lock_jars` when the version of Kafka changes.
"""

from pathlib import Path

from jgo.maven import MavenContext

from streams.broker.jars import jar_cache, sha256_of

# slf4j-simple and not log4j-slf4j-impl: that one drags an older kafka-clients in.
ROOTS = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
LOCK = Path(__file__).with_name("jars.lock")
HEADER = "# The embedded broker's class path: python -m streams.broker.lock_jars\n"


def main() -> None:
    """Resolve the roots through jgo and write the lock beside this file."""
    context = MavenContext(repo_cache=jar_cache())
    roots, transitive = context.resolver.resolve([context.create_dependency(r) for r in ROOTS])
    needed = [d.artifact for d in transitive if d.scope in {"compile", "runtime"}]
    lines = [
        f"{jar.groupId}:{jar.artifactId}:{jar.version} {sha256_of(jar.resolve())}\n"
        for jar in [root.artifact for root in roots] + needed
    ]
    LOCK.write_text(HEADER + "".join(lines), "ascii")


if __name__ == "__main__":
    main()
