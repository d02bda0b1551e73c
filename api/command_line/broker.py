"""`profilelog broker`: only the embedded broker."""

from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, JsonOption
from api.command_line.output import print_json, print_text
from api.command_line.process import run_until_stopped
from api.server import embedded_broker
from api.settings import Settings
from streams.broker import CLIENT_FILE


def broker(data: DataOption = None, json: JsonOption = False) -> None:
    """Run only the embedded Kafka broker, until Ctrl-C or SIGTERM."""
    settings = Settings.load(data=data)
    configure_logging(settings.log_level)
    clients = settings.data.resolve() / CLIENT_FILE

    async def work() -> None:
        async with embedded_broker(settings) as running:
            if json:
                at = {"kafka": running.access.bootstrap, "kafka_properties": str(clients)}
                print_json({**at, "pid": running.pid})
            else:
                print_text(
                    f"Kafka is ready at {running.access.bootstrap}\n  what clients need: {clients}"
                )
            await running.watch()

    run_until_stopped(work)
