"""The command line, `innovasjon`: parse, call, print. Heavy imports stand inside the commands, so that `--help` is quick."""

import io
import os
import sys

import click

from classifier import __version__
from classifier.cli import annotating, labelling, pages, reporting, sampling, training
from classifier.cli.common import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="innovasjon")
def main() -> None:
    """Types of innovation, barriers, phase and value in Norwegian public-sector project descriptions."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # products are small here: threads would only wait for each other
    for stream in (sys.stdout, sys.stderr):  # piped on Windows they would be Windows-1252
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


for command in (
    labelling.label, labelling.predict, pages.report, reporting.summarise,
    training.train, training.evaluate, training.check, training.taxonomy,
    sampling.sample, annotating.convert, annotating.agreement, annotating.suspects,
):  # fmt: skip
    main.add_command(command)
