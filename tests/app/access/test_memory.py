"""Who was let in lately may ask how the service is, and nothing else."""

from app.access.memory import LIFE_SECONDS, MOST, Memory
from app.access.tokens import Principal

SOMEBODY = Principal("tk_1", "night", frozenset({"metrics:read", "alerts:read", "alerts:write"}))


def test_it_recalls_for_a_while_and_only_what_is_needed():
    memory = Memory()
    memory.note("secret", SOMEBODY, 100.0)
    found = memory.recall("secret", 100.0 + LIFE_SECONDS)
    assert (found.token_id, found.scopes) == ("tk_1", {"metrics:read"})
    assert memory.recall("secret", 101.0 + LIFE_SECONDS) is None
    assert memory.recall("other", 100.0) is None


def test_whom_the_database_refuses_is_forgotten():
    memory = Memory()
    memory.note("secret", SOMEBODY, 100.0)
    memory.forget("secret")
    memory.forget("never known")
    assert memory.recall("secret", 100.0) is None


def test_it_stays_small_and_keeps_no_secret():
    memory = Memory()
    for number in range(MOST + 10):
        memory.note(f"secret-{number}", SOMEBODY, 1.0)
    assert memory.recall("secret-9", 1.0) is None
    assert memory.recall(f"secret-{MOST}", 1.0) is not None
    assert "secret-" not in repr(vars(memory))
