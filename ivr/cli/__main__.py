"""`python -m ivr.cli`."""

from ivr.cli import main

main()
