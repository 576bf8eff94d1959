"""Builds the documentation site: `python -m docs`. Any warning of the build is an error."""

try:
    import zensical as _zensical  # noqa: F401 - it runs as a process of its own

    from docs.build import build
except ModuleNotFoundError as error:
    raise SystemExit(f"{error.name} is not installed: pip install -e '.[docs]'") from None

if __name__ == "__main__":
    build()
