"""What a browser may do with our pages: the security headers, and which return paths are ours."""

from __future__ import annotations

from urllib.parse import urlsplit

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS: dict[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
HOME = "/alerts"
PAGES = ("/alerts", "/campaigns", "/clients", "/decisions", "/status", "/help")
LONGEST_RETURN = 2000  # characters


def return_path(text: str) -> str:
    """`text` where it is the path of one of our own pages, else the home page."""
    if len(text) > LONGEST_RETURN or "\\" in text or not text.isprintable() or not text.startswith("/"):
        return HOME
    parts = urlsplit(text)
    ours = any(parts.path == page or parts.path.startswith(f"{page}/") for page in PAGES)
    if parts.scheme or parts.netloc or not ours or ".." in parts.path:
        return HOME
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
