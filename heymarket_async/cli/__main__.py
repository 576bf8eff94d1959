"""`python -m heymarket_async.cli` is the `heymarket` command."""

from heymarket_async.cli import main

main()
