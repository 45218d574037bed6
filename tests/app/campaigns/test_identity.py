"""Which known campaign is which, and what constraints make of a found one: pure, so tried without a database."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from app.campaigns.found import Found, Member
from app.campaigns.identity import Constraints, Known, apart, assign, divided, obey, place, united

CLIENTS = frozenset(range(1, 9))


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


def test_who_belongs_with_somebody_that_is_moved_goes_along():
    constraints = Constraints(cannot=((frozenset({1, 2}), frozenset({5, 6})),), must=(frozenset({5, 6, 8, 9}),))
    assert apart(frozenset({1, 2, 3, 5, 6, 8, 9}), constraints) == [frozenset({5, 6, 8, 9}), frozenset({1, 2, 3})]


def test_one_that_comes_back_does_not_tear_a_campaign_apart():
    (left,) = united((frozenset({1, 2, 7}), frozenset({3, 4})), frozenset({1, 2, 3, 4}))
    constraints = Constraints(cannot=(left,), must=(frozenset({1, 2, 3, 4}),))
    assert apart(frozenset({1, 2, 3, 4, 7, 20, 21}), constraints) == [
        frozenset({1, 2, 3, 4, 20, 21}), frozenset({7}),
    ]  # fmt: skip


@given(
    st.frozensets(st.integers(1, 12), min_size=1),
    st.lists(st.tuples(st.frozensets(st.integers(1, 12)), st.frozensets(st.integers(1, 12))), max_size=5),
    st.lists(st.frozensets(st.integers(1, 12)), max_size=3),
)
def test_no_two_that_cannot_be_together_ever_are(clients, pairs, must):
    cannot = tuple((one - other, other) for one, other in pairs)
    groups = apart(clients, Constraints(cannot, tuple(must)))
    assert sorted(client for group in groups for client in group) == sorted(clients)
    for one, other in cannot:
        assert not any(group & one and group & other for group in groups)


def test_the_members_of_a_campaign_stay_with_it_where_they_are_cut_from_others():
    constraints = Constraints(cannot=((frozenset({1, 2}), frozenset({3})),))
    crowds = [frozenset({3, 5, 6, 7})]
    assert apart(frozenset({1, 5, 6, 7, 3, 8}), constraints, crowds) == [frozenset({3, 5, 6, 7}), frozenset({1, 8})]


def test_who_belongs_with_one_who_must_stay_away_does_so_too():
    constraints = Constraints(cannot=((frozenset({2}), frozenset({1})),), must=(frozenset({1, 9}),))
    known = [Known("cp_1", frozenset({2, 5, 6, 7}), True, "k"), Known("cp_2", frozenset({1, 4}), True)]
    placed = place([found(1, 5, 6, 7, 9, key="k")], known, constraints)
    assert [(sorted(part.members), name) for part, name in placed] == [([5, 6, 7], "cp_1"), ([1, 9], "cp_2")]


def test_a_campaign_is_not_known_by_one_member_where_all_others_must_stay_away():
    constraints = Constraints(cannot=((frozenset({1}), frozenset({3, 4})),))
    known = [Known("cp_1", frozenset({1, 2}), True, "k")]
    ((part, name),) = place([found(2, 3, 4, key="k")], known, constraints)
    assert (sorted(part.members), name) == ([2, 3, 4], None)


def test_a_closed_campaign_is_known_whoever_was_found_with_it():
    constraints = Constraints(cannot=((frozenset({1}), frozenset({3})),))
    ((part, name),) = place([found(2, 3)], [Known("cp_1", frozenset({1, 2}), False)], constraints)
    assert (sorted(part.members), name) == ([2, 3], "cp_1")


PARTS = st.lists(st.sampled_from("abc"), min_size=12, max_size=12).map(
    lambda names: [frozenset(client for client in range(1, 13) if names[client - 1] == name) for name in "abc"]
)


@given(
    PARTS,
    PARTS,
    st.lists(st.tuples(st.frozensets(st.integers(1, 12)), st.frozensets(st.integers(1, 12))), max_size=4),
    st.lists(st.frozensets(st.integers(1, 12)), max_size=2),
)
def test_nobody_is_put_to_a_campaign_with_a_member_to_be_kept_from_found_or_not(groups, crowds, pairs, must):
    constraints = Constraints(tuple((one - other, other) for one, other in pairs), tuple(must))
    crowds = [max(apart(crowd, constraints), key=len) for crowd in crowds if crowd]
    known = {f"cp_{number}": crowd for number, crowd in enumerate(crowds)}
    seen = [found(*group, key=str(number)) for number, group in enumerate(groups) if group]
    placed = place(seen, [Known(name, crowd, True) for name, crowd in known.items()], constraints)
    for part, name in placed:
        whole = known.get(name, frozenset()) | part.members.keys()
        assert not any(whole & one and whole & other for one, other in constraints.cannot)
        assert len(part.members) >= 2
    clients = [client for part, _ in placed for client in part.members]
    assert len(clients) == len(set(clients))
    names = [name for _, name in placed if name]
    assert len(names) == len(set(names))


def both(one, other):
    return {frozenset((a, b)) for a in one for b in other}


def within(*groups):
    return {frozenset(pair) for group in groups for pair in combinations(group, 2)}


@given(st.frozensets(st.sampled_from(sorted(CLIENTS))), st.frozensets(st.sampled_from(sorted(CLIENTS))))
def test_a_merge_lifts_what_stands_between_its_own_and_nothing_else(one, clients):
    other = CLIENTS - one
    left = united((one, other), clients)
    assert set().union(*(both(*sides) for sides in left)) == both(one, other) - within(clients)


@given(st.data())
def test_a_split_leaves_each_side_what_belonged_together(data):
    group, stays, some = (data.draw(st.frozensets(st.sampled_from(sorted(CLIENTS)))) for _ in range(3))
    moves = some - stays
    left = within(*divided(group, stays, moves))
    assert left <= within(group) - both(stays, moves)
    assert left >= within(group & moves, group - moves)


@st.composite
def reviews(draw):
    """Splits and merges of campaigns one after the other: what stands, and the last word on each pair of clients."""
    campaigns = [group for group in draw(parts(CLIENTS)) if len(group) > 1]
    constraints, together, asunder = Constraints(), set(), set()
    for _ in range(draw(st.integers(0, 8))):
        one = draw(st.sampled_from(campaigns))
        others = [group for group in campaigns if group != one]
        campaigns.remove(one)
        if others and draw(st.booleans()):
            other = draw(st.sampled_from(others))
            campaigns.remove(other)
            whole = one | other
            campaigns.append(whole)
            cannot = [left for sides in constraints.cannot for left in united(sides, whole)]
            constraints = Constraints(tuple(cannot), (*constraints.must, whole))
            together, asunder = together | within(whole), asunder - within(whole)
        else:
            moves = draw(st.frozensets(st.sampled_from(sorted(one)), max_size=len(one) - 1))
            stays = one - moves
            campaigns += [group for group in (stays, moves) if group]
            must = [left for group in constraints.must for left in divided(group, stays, moves)]
            cannot = ((stays, moves),) if moves else ()
            constraints = Constraints((*constraints.cannot, *cannot), tuple(must))
            together, asunder = together - both(stays, moves), asunder | both(stays, moves)
    return constraints, together, asunder


@st.composite
def parts(draw, clients):
    """Clients in groups of any size."""
    places = {client: draw(st.integers(1, 4)) for client in sorted(clients)}
    return [frozenset(one for one in places if places[one] == place) for place in sorted(set(places.values()))]


@given(reviews(), parts(CLIENTS))
def test_the_last_word_on_each_two_clients_is_obeyed_whatever_was_found(said, groups):
    constraints, together, asunder = said
    assert within(*constraints.must) == together
    assert set().union(*(both(*sides) for sides in constraints.cannot)) == asunder
    made = within(*(one.members for one in obey([found(*group) for group in groups], constraints)))
    assert together <= made
    assert asunder.isdisjoint(made)
