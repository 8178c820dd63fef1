"""``rootlet lab offer``."""

from __future__ import annotations

from pathlib import Path

import click

from rootlet import files, signing
from rootlet.cli import show


@click.command(
    "offer",
    epilog="""\b
Examples:
  rootlet lab offer pumps-7.rlt
  rootlet lab offer pumps-7.rlt --port 18883 --dir lab

Exit codes: 0 published, 2 bad input, 5 no lab answers.
""",
)
@click.argument("file", metavar="NEW", type=click.Path(path_type=Path))
@click.option("--address", default="127.0.0.1", show_default=True, help="Where the lab is.")
@click.option("--port", default=8883, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Its folder.  [default: one in your data folder]",
)
@click.option("--topic", help="Where its devices listen.  [default: rootlet/offers/TARGET]")
@show.json_option
def command(  # noqa: PLR0913 - one parameter per option
    *,
    file: Path,
    address: str,
    port: int,
    folder: Path | None,
    topic: str | None,
    json_output: bool,
) -> None:
    """Offer a signed bundle or key set to the devices of a running lab, over its broker.

    The message is retained: a device that connects later gets it too. What it says of it is for
    its hooks, and for rootlet rotate status.
    """
    data = files.read(file, signing.MAX_SIZE)
    made = signing.parse(data, str(file))
    target = made.as_key_set().target if made.is_key_set else made.as_bundle().target
    topic = topic or f"rootlet/offers/{target}"

    from rootlet.lab import offers  # noqa: PLC0415 - help must not load the lab

    offers.publish(folder or own_folder(), (address, port), topic, data)
    if json_output:
        show.as_json("lab-offer/1", {"file": str(file), "topic": topic, "bytes": len(data)})
        return
    click.echo(f"offered: {len(data)} bytes, retained on {topic}")


def own_folder() -> Path:
    """Return the folder of a lab when none is named."""
    import platformdirs  # noqa: PLC0415 - commands load what they use

    return Path(platformdirs.user_data_dir("rootlet")) / "lab"
