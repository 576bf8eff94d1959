"""`python -m heymarket_async` is the `heymarket` command."""

from heymarket_async.cli import main

main()
