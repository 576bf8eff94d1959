"""The old place of `RateLimit`, which pickles from version 0.1.0 name, such as in queued jobs."""

from heymarket_async.pacing.window import RateLimit

__all__ = ["RateLimit"]
