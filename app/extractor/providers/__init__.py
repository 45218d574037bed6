"""Every wire format of the model APIs to Exchange: one entry for a copy, whatever it holds."""

from __future__ import annotations

from app.extractor.providers.exchange import Reading, opaque, parse, read

__all__ = ["Reading", "opaque", "parse", "read"]
