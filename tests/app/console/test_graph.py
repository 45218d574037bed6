"""The graph stays readable however large the campaign is, and what is left out is counted."""

from app.console.graph import HUBS, MEMBERS, Hub, Node, draw


def test_everything_is_drawn_where_it_fits():
    nodes = [Node(f"cl_{place:016x}", mixed=place == 0) for place in range(5)]
    hubs = [Hub(1, "wording", frozenset(node.client_id for node in nodes)), Hub(2, "<network>", frozenset())]
    drawing = draw(nodes, hubs, 5)
    assert (drawing.members_left_out, drawing.hubs_left_out) == (0, 0)
    assert drawing.svg.count("<circle") == 5
    assert drawing.svg.count('class="tie strongest"') == 5
    assert "&lt;network&gt;" in drawing.svg
    assert "0004</text>" in drawing.svg
    assert drawing.named  # which the page then explains


def test_a_large_one_is_bounded_and_says_what_is_missing():
    nodes = [Node(f"cl_{place:016x}") for place in range(100)]
    holders = frozenset(node.client_id for node in nodes)
    drawing = draw(nodes, [Hub(number, "wording", holders) for number in range(1, 21)], 25_000)
    assert (drawing.members_left_out, drawing.hubs_left_out) == (25_000 - MEMBERS, 20 - HUBS)
    assert drawing.svg.count("<path") == MEMBERS * HUBS
    assert 'class="name"' not in drawing.svg
    assert not drawing.named


def test_nothing_to_draw_is_no_error():
    assert draw([], [], 0).svg.startswith("<svg")
