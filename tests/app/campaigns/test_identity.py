"""Which known campaign is which, and what constraints make of a found one: pure, so tried without a database."""

from hypothesis import given
from hypothesis import strategies as st

from app.campaigns.found import Found, Member
from app.campaigns.identity import Constraints, Known, apart, assign, obey


def found(*clients, key="", score=1.0):
    return Found(key, {client: Member("") for client in clients}, 2, score, 1.0, "", 0.0)


def test_the_one_that_shares_most_keeps_its_name():
    known = [Known("cp_1", frozenset({1, 2, 3}), True), Known("cp_2", frozenset({4, 5}), True)]
    assert assign([found(4, 5, 6), found(1, 2, 9), found(20, 21)], known) == ["cp_2", "cp_1", None]


def test_a_single_shared_client_of_many_does_not_make_it_the_same():
    known = [Known("cp_1", frozenset(range(10)), True)]
    assert assign([found(9, 10, 11, 12, 13)], known) == [None]
    assert assign([found(9, 10, 11, 12, 13, key="k")], [Known("cp_1", frozenset(range(10)), True, "k")]) == ["cp_1"]


def test_an_open_one_goes_before_a_closed_one_and_none_is_taken_twice():
    known = [Known("cp_1", frozenset({1, 2}), False), Known("cp_2", frozenset({1, 2}), True)]
    assert assign([found(1, 2)], known) == ["cp_2"]
    assert sorted(map(str, assign([found(1), found(2)], known))) == ["cp_1", "cp_2"]


def test_constraints_join_first_and_then_cut():
    constraints = Constraints(cannot=((frozenset({1, 2}), frozenset({3})),), must=(frozenset({2, 8}),))
    parts = obey([found(1, 2, 3, 5), found(8, 9)], constraints)
    assert sorted(sorted(part.members) for part in parts) == [[1, 2, 5, 8, 9]]


@given(
    st.frozensets(st.integers(1, 12), min_size=1),
    st.lists(st.tuples(st.frozensets(st.integers(1, 12)), st.frozensets(st.integers(1, 12))), max_size=5),
)
def test_no_two_that_cannot_be_together_ever_are(clients, pairs):
    cannot = tuple((one - other, other) for one, other in pairs)
    groups = apart(clients, Constraints(cannot=cannot))
    assert sorted(client for group in groups for client in group) == sorted(clients)
    for one, other in cannot:
        assert not any(group & one and group & other for group in groups)
