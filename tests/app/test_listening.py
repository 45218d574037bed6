"""Why a port cannot be listened on."""

from __future__ import annotations

import errno
import os

import pytest

from app.listening import listen_error


@pytest.mark.parametrize(
    ("error", "setting", "problem"),
    [
        (OSError(errno.EADDRINUSE, "in use"), "STILLWATCH_GATEWAY_PORT", "port 80 on here is in use"),
        (OSError(errno.EACCES, "denied"), "STILLWATCH_GATEWAY_PORT", "port 80 needs more rights"),
        (OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL)), "STILLWATCH_GATEWAY_HOST", "Cannot assign"),
        (OSError(-2, "Name or service not known"), "STILLWATCH_GATEWAY_HOST", "cannot listen on here: Name or"),
        (UnicodeError("label empty or too long"), "STILLWATCH_GATEWAY_HOST", "it is no host's name"),
    ],
)
def test_the_setting_that_is_wrong_is_named(error, setting, problem):
    told = listen_error("GATEWAY", "here", 80, error)
    assert told.setting == setting
    assert problem in str(told)
    assert "Remedy: " in str(told)
