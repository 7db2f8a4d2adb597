"""`python -m classifier` is `innovasjon`."""

from classifier.cli import main

main()
