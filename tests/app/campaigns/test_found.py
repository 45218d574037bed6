"""A found campaign cut in parts and put together: nobody is lost, and edges stay where two members have them."""

from app.campaigns.found import Edge, together


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
    assert [edge.weight for edge in both.edges] == sorted((edge.weight for edge in both.edges), reverse=True)


def test_an_edge_of_a_part_says_how_many_of_the_part_have_it():
    edge = Edge("wording", 1, 12, 14, 9.0, "12 of 12 share a wording, which 14 clients have in all.", tuple(range(12)))
    part = edge.among({0, 1, 2, 77})
    assert (part.members, part.holders, part.clients) == (3, (0, 1, 2), 14)
    assert part.sentence == "3 of 4 share a wording, which 14 clients have in all."


def test_an_edge_of_which_not_all_holders_are_named_says_at_least():
    edge = Edge("wording", 1, 1_200, 1_400, 9.0, "1,200 of 1,300 share a wording.", tuple(range(100)))
    part = edge.among(range(50, 200))
    assert (part.members, part.sentence) == (50, "At least 50 of 150 share a wording.")
    assert part.among(range(50, 60)).sentence == "At least 10 of 10 share a wording."


def test_what_two_campaigns_have_is_one_edge_of_both():
    one = Edge("wording", 1, 3, 9, 5.0, "3 of 3 share a wording.", (1, 2, 3))
    other = Edge("wording", 1, 2, 9, 5.0, "2 of 4 share a wording.", (7, 8))
    third = Edge("network", 2, 2, 2, 7.0, "2 of 4 share a network.", (8, 9))
    assert [(edge.members, edge.sentence) for edge in together([one, other, third], 7)] == [
        (2, "2 of 7 share a network."),
        (5, "5 of 7 share a wording."),
    ]
