"""A found campaign cut in parts and put together: nobody is lost, and edges stay where two members have them."""

from app.campaigns.found import Edge, united


def test_a_part_keeps_its_members_and_what_two_of_them_have(found):
    whole = found(
        1, 2, 3, 4, edges=(Edge("wording", 1, 4, 5, 9.0, "", (1, 2, 3, 4)), Edge("network", 2, 2, 2, 3.0, "", (1, 4)))
    )
    part = whole.only([1, 2, 99])
    assert set(part.members) == {1, 2}
    assert [(edge.kind, edge.members, edge.holders) for edge in part.edges] == [("wording", 2, (1, 2))]
    assert part.requests == 80


def test_two_as_one_have_everybody_and_the_stronger_ones_words(found):
    weak, strong = found(1, 2, 3, score=10.0), found(3, 4, key="b", score=12.0)
    both = weak.and_also(strong)
    assert set(both.members) == {1, 2, 3, 4}
    assert (both.key, both.score, both.sentence) == ("b", 12.0, strong.sentence)
    assert len({(edge.kind, edge.token) for edge in both.edges}) == len(both.edges)
    assert [edge.weight for edge in both.edges] == sorted((edge.weight for edge in both.edges), reverse=True)


def test_what_ties_both_of_two_stands_once_with_everybody_who_has_it():
    first, second = Edge("wording", 1, 9, 14, 9.8, "Nine.", (1, 2)), Edge("wording", 1, 3, 15, 7.0, "Three.", (2, 3))
    other = Edge("network", 1, 2, 2, 3.0, "", (1, 2))
    assert united([first, second, other]) == [Edge("wording", 1, 11, 15, 9.8, "Nine.", (1, 2, 3)), other]
