"""The ledger: written twice it says the same, it stays within its size, and finds edited copies of answers."""

from __future__ import annotations

import numpy as np
import pytest
import redis

from app.errors import Unavailable
from app.store import ledger as stored
from app.store.ledger import ANSWER, ISSUED, REFUSED, Ledger, Notes, Place
from app.store.redis import Link
from detectors import grams
from detectors.text import normalise

NOW = 1_764_000_000.0
DAY = 86_400.0


@pytest.fixture
def ledger(redis_url):
    link = Link(redis_url, 5.0)
    yield Ledger(link, 1 << 24, 7.0)
    link.close()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


def notes(issued=(), presented=(), refused=(), minutes=(), answers=()):
    names = np.array([signature for signature, _ in issued], np.uint64)
    issues = np.array([one for _, one in issued], ISSUED)
    return Notes(
        names,
        issues,
        np.array(presented, np.uint64),
        np.array(list(refused), REFUSED),
        minutes,
        np.array(list(answers), ANSWER),
    )


def test_a_signature_leads_to_its_first_issuer(ledger) -> None:
    first = ledger.exchange(notes([(5, (1, 10, 11, NOW)), (6, (2, 20, 21, NOW))], [5, 6, 7]), NOW)
    assert first.again.tolist() == [False, False]
    assert first.known.tolist() == [True, True, False]
    assert first.issuers["client"].tolist() == [1, 2, 0]
    second = ledger.exchange(notes([(5, (3, 30, 31, NOW))], [5]), NOW + 1)
    assert second.again.tolist() == [True]
    assert second.issuers[0].tolist() == (1, 10, 11, NOW)


def test_signatures_are_found_over_the_turn_of_parts_until_they_expire(ledger, client) -> None:
    ledger.exchange(notes([(5, (1, 10, 11, NOW))]), NOW)
    assert ledger.exchange(notes(presented=[5]), NOW + 6 * DAY).known.tolist() == [True]
    assert ledger.exchange(notes(presented=[5]), NOW + 11 * DAY).known.tolist() == [False]
    assert all(0 < client.pttl(key) <= 7 * DAY * 1000 for key in client.scan_iter("{ledger}:*"))


def test_the_older_of_two_issuers_has_the_last_word(ledger) -> None:
    ledger.exchange(notes([(5, (1, 10, 11, NOW))]), NOW)
    ledger.exchange(notes([(5, (2, 10, 11, NOW))]), NOW + 3 * DAY)
    assert ledger.exchange(notes(presented=[5]), NOW + 3 * DAY).issuers["client"].tolist() == [1]


def test_places_count_conversations_up_to_their_own_time_whatever_the_order(ledger) -> None:
    places = [
        Place(5, client, opening, NOW + at) for client, opening, at in ((1, 7, 0), (2, 8, 10), (1, 7, 20), (3, 9, 30))
    ]
    forward, _ = ledger.places(places, [], [], NOW)
    assert forward == [1, 2, 2, 3]
    backward, _ = ledger.places(places[::-1], [], [], NOW)
    assert backward == forward[::-1]
    many = [Place(6, 1, opening, NOW + opening) for opening in range(1, 60)]
    assert ledger.places(many, [], [], NOW)[0][:3] == [1, 2, 3]


def test_further_clients_of_a_signature_are_known(ledger) -> None:
    first = ledger.again(np.array([5], np.uint64), np.array([9], np.uint64), NOW)
    _, held = ledger.places([], [(5, 9), (5, 8)], first, NOW)
    assert held == [True, False]


def test_refusals_are_kept_by_minute_and_are_few(ledger, client) -> None:
    minute = int(NOW // 60)
    seen = ledger.exchange(notes(refused=[(4, 1, NOW), (5, 1, NOW + 60)], minutes=[minute, minute + 1]), NOW)
    assert seen.refused["body"].tolist() == [4, 5]
    crowd = [(k, 1, NOW) for k in range(stored.MOST_REFUSED + 100)]
    for _ in range(3):
        ledger.exchange(notes(refused=crowd), NOW)
    assert client.strlen(stored.refused_key(minute)) <= 2 * (stored.MOST_REFUSED + 100) * REFUSED.itemsize


def answers(client, at, texts, seed=3):
    gists = grams.gists([normalise(text) for text in texts], seed)
    return [(gist, client, int(at), number) for number, gist in enumerate(gists.tolist())]


def find(client, hashes, now=NOW, days=7.0):
    return stored.lookup(client.execute_command, np.asarray(hashes, np.uint32), now, days)


def words(rng, count):
    return [f"word{rng.integers(3_000)}" for _ in range(count)]


def edited(rng, text, share):
    """A copy with so many of its words replaced, left out or put elsewhere."""
    out = []
    for word in text.split():
        if rng.random() >= share:
            out.append(word)
        elif rng.random() < 0.5:
            out.append(f"new{rng.integers(3_000)}")
    return " ".join(out)


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 1.0), (0.05, 0.95), (0.1, 0.8), (0.2, 0.35)])
def test_edited_copies_are_found_and_nobody_else_is(ledger, client, share, wanted) -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(words(rng, int(rng.integers(80, 400)))) for _ in range(300)]
    for number in range(30):
        mine = answers(100 + number, NOW, texts[10 * number : 10 * number + 10])
        ledger.exchange(notes(answers=mine), NOW)
    right = wrong = 0
    for number, text in enumerate(texts[:150]):
        found = find(client, grams.shingles(normalise(edited(rng, text, share)), 3))
        right += any(match.client == 100 + number // 10 for match in found)
        wrong += sum(match.client != 100 + number // 10 for match in found)
    assert right / 150 >= wanted
    assert wrong == 0


def test_an_answer_within_a_larger_document_is_found_with_its_share(ledger, client) -> None:
    rng = np.random.default_rng(2)
    answer = " ".join(words(rng, 200))
    ledger.exchange(notes(answers=answers(7, NOW - DAY, [answer])), NOW - DAY)
    document = f"{' '.join(words(rng, 250))} {answer} {' '.join(words(rng, 250))}"
    (match,) = find(client, grams.shingles(normalise(document), 3))
    assert (match.client, match.share, match.answers) == (7, 1.0, 1)
    assert match.first == match.last == NOW - DAY


def test_a_batch_that_is_written_again_finds_the_same(ledger, client) -> None:
    text = " ".join(words(np.random.default_rng(3), 100))
    for _ in range(3):
        ledger.exchange(notes(answers=answers(7, NOW, [text, text])), NOW)
    (match,) = find(client, grams.shingles(text, 3))
    assert match.answers == 2


def test_the_oldest_goes_first_where_the_size_is_reached(redis_url, client) -> None:
    link = Link(redis_url, 5.0)
    small = Ledger(link, 48 * 1_000, 7.0)
    rng = np.random.default_rng(4)
    texts = [" ".join(words(rng, 60)) for _ in range(300)]
    for day in range(6):
        now = NOW + day * DAY
        small.exchange(notes(answers=answers(day, now, texts)), now)
        small.keep(now)
    assert small.keep(NOW + 5 * DAY) <= 48 * 1_000
    found = find(client, grams.shingles(texts[0], 3), NOW + 5 * DAY)
    assert sorted(match.client for match in found) == [4, 5]
    for turn, now in enumerate((NOW, NOW + 4 * DAY)):
        small.exchange(notes([(turn * 1_000 + k + 1, (1, 1, 1, now)) for k in range(70)]), now)
    small.keep(NOW + 4 * DAY)
    assert small.exchange(notes(presented=[1, 1_001]), NOW + 4 * DAY).known.tolist() == [False, True]
    link.close()


def test_a_part_that_is_too_large_by_itself_takes_no_more(redis_url, client) -> None:
    link = Link(redis_url, 5.0)
    small = Ledger(link, 64 * 1_000, 7.0)
    rng = np.random.default_rng(5)
    texts = [" ".join(words(rng, 20)) for _ in range(400)]
    for turn in range(20):
        many = [(turn * 1_000 + k + 1, (1, 1, 1, NOW)) for k in range(100)]
        small.exchange(notes(many, answers=answers(turn, NOW, texts)), NOW)
        small.keep(NOW)
    assert sum(map(len, client.lrange(stored.answer_key(NOW, 7.0), 0, -1))) < 2 * 48 * 1_000
    assert client.hlen(stored.issued_key(NOW, 7.0)) <= 200
    link.close()


def test_a_server_that_is_away_is_said_to_be(private_valkey) -> None:
    private_valkey.start()
    link = Link(private_valkey.url, 0.5)
    one = Ledger(link, 1 << 20, 7.0)
    one.exchange(notes([(5, (1, 1, 1, NOW))]), NOW)
    private_valkey.kill()
    with pytest.raises(Unavailable):
        one.exchange(notes(presented=[5]), NOW)
    link.close()


def test_a_template_that_many_answers_have_finds_nobody_by_itself(ledger, client) -> None:
    rng = np.random.default_rng(6)
    template = " ".join(words(rng, 60))
    texts = [f"{template} {' '.join(words(rng, 60))}" for _ in range(300)]
    for number, text in enumerate(texts):
        ledger.exchange(notes(answers=answers(number, NOW, [text])), NOW)
    assert find(client, grams.shingles(template, 3)) == []
    (match, *_) = find(client, grams.shingles(texts[17], 3))
    assert (match.client, match.share) == (17, 1.0)
