"""Questions and instructions without end: combinations of our own patterns, drawn from a seeded generator."""

from __future__ import annotations

from random import Random

from app.sample.prose import PEOPLE, PLACES, QUALITIES, THINGS, sentence

TRADES = ("baker", "plumber", "surveyor", "librarian", "gardener", "ferry pilot", "tailor", "beekeeper", "printer")
GOODS = ("apples", "bolts", "postcards", "bricks", "tickets", "seedlings", "candles", "marbles", "loaves", "ribbons")
CODE = ("list of words", "binary tree", "queue of jobs", "matrix of integers", "log file", "graph of towns", "stack")
FIELDS = ("optics", "number theory", "soil chemistry", "graph theory", "thermodynamics", "logic", "accounting", "music")

_PROBLEMS = (
    "A {trade} in {place} sells {a} {goods} on Monday and {b} times as many on Tuesday. Each costs {c} cents. "
    "How much does the {trade} take in over both days?",
    "{name} walks from {place} to {place2} at {b} km/h and comes back at {c} km/h; the round trip lasts {d} hours. "
    "How far apart are the two places?",
    "Find the remainder when {a} to the power of {b} is divided by {d}.",
    "How many ways has a {trade} to put {a} different {goods} into {b} identical boxes so that no box stays empty?",
    "A {quality} tank fills through one pipe in {b} hours and drains through another in {d} hours. With both open, "
    "when is it {c} tenths full?",
    "Prove that the sum of the first {b} odd numbers is a square. For which k below {a} is k plus that sum one too?",
    "Write a function that takes a {code} and returns the {b} longest runs that contain no value above {a}. "
    "State its running time.",
    "In a {code} of {a} entries, {c} of every {d} are wrong at random. What is the chance that {b} checks find none?",
    "A ray meets a glass block of index 1.{c} at {a} degrees. By how much is it displaced after {b} cm?",
    "{name}, {name2} and {name3} share {a} {goods} in the ratio {b}:{c}:{d}. {name2} gives away a third. Who has most?",
    "{name} throws a fair {a}-sided die {b} times in {place}. What is the expected number of distinct faces?",
    "Two trains leave {place} and {place2}, {a} km apart, at {b} and {c} km/h. A bird flies between them at {d} km/h. "
    "How far does it fly before they meet?",
    "Which integers x between {b} and {a} satisfy x*x + {c}*x = 0 modulo {d}?",
    "A {quality} {thing} of {a} kg slides down a slope of {b} degrees with friction 0.{c}. Find its speed after {d} m.",
    "In {field}, compare two arguments for this claim: {clause} Which one survives if we drop assumption {c}?",
    "Given f(1)={b} and f(n+1)={c}*f(n)-{d}, find a closed form and the first n with f(n) above {a}.",
)
_TASKS = (
    "Explain to a {trade} why the {quality} {thing} matters in {field}, with one example from {place}.",
    "Write a short story in which {name} loses a {thing} in {place} and {name2} finds it {b} years later.",
    "Draft an e-mail from {name} to the council of {place} that asks for a new {thing} and offers {a} hours of help.",
    "Compare the {thing} and the {thing2} as ways to reach {b} people a day; end with a recommendation.",
    "List {c} unusual uses for a {quality} {thing}, each with the reason why it works.",
    "Give a lesson plan of {b} minutes on {field} for pupils who know only the {thing}.",
    "Implement a {code} in your favourite language that forgets entries older than {a} seconds, with tests.",
    "Write a poem of {c} lines about the {quality} {thing} at {place} without using the letter {letter}.",
    "Describe the history of the {thing} as {name}, a {trade}, would tell it to a child.",
    "Argue both sides: should {place} replace its {thing} with a {quality} {thing2}?",
    "Turn this note into a polite refusal: '{clause}'",
    "Make a table of {c} risks when a {trade} moves a {quality} {thing} across {place}, with a remedy for each.",
    "Suggest names for a shop in {place} that sells {goods} and repairs the {thing}.",
    "Summarise in {c} points what a beginner in {field} should know about the {quality} {thing}.",
    "Invent a riddle whose answer is '{thing}' and explain why '{thing2}' is wrong.",
    "Plan a weekend for {name} and {name2}, who have {a} coins and like {field} and the {thing}.",
)
_CHAT = (
    "hey whats a good {thing} for {place}?",
    "can u explain {field} like im five",
    "I need to tell {name} that the {thing} is broken, how do I put it nicely",
    "ideas for dinner with {goods}? no oven",
    "is {a} km a lot for a first hike",
    "my {thing} makes a noise when it is {quality}, should i worry",
    "what do you think about {place} in spring?",
    "Write me two lines for {name}'s birthday card, she is a {trade}",
    "how many {goods} fit in a box of {b} litres",
    "why is the {thing} always {quality}",
    "convert {a} miles please",
    "quick: synonym for {quality}",
    "My landlord says the {thing} costs {a} extra. Is that normal?",
    "tell me something about {field} nobody knows",
    "{clause} agree?",
)
_FOLLOW_UPS = (
    "ok thanks, and if it rains?",
    "shorter please",
    "hm are you sure",
    "what about {place} instead",
    "can you make it more {quality}?",
    "and for {b} people?",
    "great, now in a table",
    "no i meant the {thing}",
    "why though",
    "that helps, one more thing: {goods}?",
)


def _fill(pattern: str, rng: Random) -> str:
    names, places, things = rng.sample(PEOPLE, 3), rng.sample(PLACES, 2), rng.sample(THINGS, 2)
    return pattern.format(
        name=names[0],
        name2=names[1],
        name3=names[2],
        place=places[0],
        place2=places[1],
        thing=things[0],
        thing2=things[1],
        quality=rng.choice(QUALITIES),
        trade=rng.choice(TRADES),
        goods=rng.choice(GOODS),
        code=rng.choice(CODE),
        field=rng.choice(FIELDS),
        letter=rng.choice("abcdeghiklmnoprstu"),
        clause=sentence(rng),
        a=rng.randint(20, 990),
        b=rng.randint(3, 19),
        c=rng.randint(2, 9),
        d=rng.randint(5, 29),
    )


def problem(rng: Random) -> str:
    """A problem of mathematics, physics, logic or code."""
    return _fill(rng.choice(_PROBLEMS), rng)


def task(rng: Random) -> str:
    """An instruction of the kind that general assistants get."""
    return _fill(rng.choice(_TASKS), rng)


def chat(rng: Random) -> str:
    """The first message of somebody who chats."""
    return _fill(rng.choice(_CHAT), rng)


def follow_up(rng: Random) -> str:
    """A later message of the same person."""
    return _fill(rng.choice(_FOLLOW_UPS), rng)
