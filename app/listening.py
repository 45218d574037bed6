"""Why a port cannot be listened on, said by the setting that is wrong."""

from __future__ import annotations

import errno

from app.errors import SettingError


def listen_error(part: str, host: str, port: int, error: OSError | UnicodeError) -> SettingError:
    """The error of STILLWATCH_<part>_PORT where the port is the matter, else of STILLWATCH_<part>_HOST."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        problem, remedy = f"port {port} on {host} is in use", f"stop what listens there, or set STILLWATCH_{part}_PORT"
    elif number == errno.EACCES:
        problem, remedy = f"port {port} needs more rights", "give a port from 1024 up"
    else:
        cause = getattr(error, "strerror", None) or "it is no host's name"
        problem = f"cannot listen on {host}: {cause}"
        return SettingError(f"STILLWATCH_{part}_HOST", problem, "give an address of this machine")
    return SettingError(f"STILLWATCH_{part}_PORT", problem, remedy)
