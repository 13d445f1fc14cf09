"""`python -m server.cli` is `meter382`."""

from . import main

main()
