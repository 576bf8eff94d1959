"""The public names of `heymarket_async.probe`, imported when the first of them is used."""

from heymarket_async.probe.run import Finding, Findings, probe

__all__ = ["Finding", "Findings", "probe"]
