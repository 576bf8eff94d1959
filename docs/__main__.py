"""Builds the documentation site: `python -m docs`. Any warning of the build is an error."""

from docs.build import build

if __name__ == "__main__":
    build()
