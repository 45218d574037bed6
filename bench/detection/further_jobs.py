"""Further ordinary uses, for training alone: products and jobs that share their means with some harvest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from bench.detection.compose import Ask, Maker
from bench.detection.framed import framed, settings
from bench.detection.grammar import Grammar
from bench.detection.talk import SCHEMA, TOOLS, asked, people, system, talk, temperature, user
from detectors.exchange import Message, Operation


def rehearsal(m: Maker) -> Iterator[Ask]:
    """A team tests its own assistant: a simulated customer plays a few dozen scenarios, after each change again."""
    play = framed(m, "You play this customer: {}\nSay the next line.\n{}", "Scenario {}\nChat:\n{}\nUSER:",
                   "Simulated user. Goal: {}. So far: {}. Next message:")  # fmt: skip
    judge = framed(m, "Did the assistant reach the goal {}?\n{}", "Goal: {}\n{}\nPass or fail, and why.")
    scenes, head, more = m.some(m.pools.short, m.rng.randint(8, 40)), system("You serve our customers."), settings(m)
    for scene in cycle(scenes):
        history, told = list(head), ""
        for _ in range(m.rng.randint(2, 4)):
            line = m.say("prose", scene, m.length(90))
            yield Ask((user(play.format(scene, told[-900:])),), len(line), more, answer=line)
            history.append(user(line))
            answer = m.say("prose", line, m.length(260))
            yield Ask(tuple(history), len(answer), more, answer=answer)
            history.append(Message("assistant", answer))
            told += f"\nUSER: {line}\nBOT: {answer}"
        yield Ask((user(judge.format(scene, told[-1_500:])),), m.length(150), temperature(m, 0.0), "verdict")


def figures(m: Maker) -> Iterator[Ask]:
    """People of a game that players talk to: some twenty characters, many players."""
    grammar = Grammar(m.language, m.rng)
    heads = [f"You are {m.pick(grammar.words.adjectives)} {m.pick(grammar.nouns)}, a figure of our game. Stay in it."
             for _ in range(m.rng.randint(4, 25))]  # fmt: skip
    more, named = {"stream": m.chance(0.5), "max_tokens": 200}, m.chance(0.7)
    turns = [talk(m, head, asked(m, m.pools.short, 0.1), 220, more, named, "prose") for head in heads]
    while True:
        yield next(m.pick(turns))


def own_tests(m: Maker) -> Iterator[Ask]:
    """Tests for the files of one repository, and repairs of those that fail."""
    order = framed(m, "Write pytest tests for this module.\n{}", "{}\n\nUnit tests, please.", "Cover this file:\n{}")
    files, more = m.some(m.pools.code, m.rng.randint(10, 60)), settings(m)
    while True:
        file = f"{m.pick(files)}\n# revision {m.rng.randint(1, 50)}\n" + m.say("code", "module", m.length(600))
        tests = m.say("code", file, m.length(600))
        yield Ask((user(order.format(file)),), len(tests), more, answer=tests)
        if m.chance(0.4):
            yield Ask((user(f"{tests}\n\nE   AssertionError\nFix the test."),), m.length(500), more, "code")


def query_desk(m: Maker) -> Iterator[Ask]:
    """Colleagues' questions into queries, over the one database of a company."""
    grammar = Grammar(m.language, m.rng)
    tables = "\n".join(f"{name}({', '.join(m.some(grammar.nouns, 5))})" for name in m.some(grammar.nouns, 8))
    head = system(f"Translate the question to SQL for this schema.\n{tables}")
    more, named = temperature(m, None, 0.0), m.chance(0.4)
    for text in asked(m, m.pools.questions, 0.15):
        yield Ask((*head, user(text[:300])), m.length(220), more | people(m, named), "code")


def letters(m: Maker) -> Iterator[Ask]:
    """Letters of application: each user's own papers into a draft, then the draft made better as they wish."""
    order = framed(
        m, "Write a cover letter.\nCV: {}\nJob: {}", "{}\n\nApply for: {}", "Profile: {}\nOpening: {}\nLetter:"
    )
    wish = ("shorter, please", "more confident", "mention my course", "less formal", "in British English")
    more = settings(m)
    for text in asked(m, m.pools.documents, 0.05):
        who = people(m, True)
        prompt = order.format(text[:1_200], m.pick(m.pools.short))
        draft = m.say("prose", prompt, m.length(1_100))
        yield Ask((user(prompt),), len(draft), more | who, answer=draft)
        if m.chance(0.5):
            text = f"Draft:\n{draft}\n\nChange: {m.pick(wish)}"
            yield Ask((user(text),), m.length(1_000), more | who, "prose")


def replies(m: Maker) -> Iterator[Ask]:
    """A mailbox: each message sorted, then answered in a draft."""
    sort = framed(m, "Does this need a reply? yes/no\n{}", "Priority of the mail:\n{}", "Category for\n{}")
    write = framed(m, "Draft a reply to:\n{}", "{}\n\nAnswer in my name.", "Reply politely, three sentences.\n{}")
    more = settings(m)
    for text in asked(m, [*m.pools.short, *m.pools.documents], 0.05):
        yield Ask((user(sort.format(text[:1_200])),), 6, temperature(m, 0.0), "label")
        if m.chance(0.6):
            yield Ask((user(write.format(text[:1_200])),), m.length(450), more, "prose")


def minutes(m: Maker) -> Iterator[Ask]:
    """Transcripts of meetings: summed up, then tasks drawn from the summary, then a mail with both."""
    steps = (framed(m, "Sum up the meeting.\n{}", "{}\nMinutes:"), framed(m, "Action items from:\n{}", "{}\nTo do:"),
             framed(m, "Write the follow-up mail.\n{}", "{}\n\nMail to all who took part:"))  # fmt: skip
    more = settings(m)
    texts = m.walk(m.pools.documents)
    while True:
        text = " ".join(next(texts) for _ in range(3))[:4_000]
        for step in steps:
            answer = m.say("prose", text, m.length(600))
            yield Ask((user(step.format(text)),), len(answer), more, answer=answer)
            text = answer


def strings(m: Maker) -> Iterator[Ask]:
    """The texts of a program into some languages, a string at a time, under a glossary."""
    tongues = m.some(("German", "French", "Polish", "Japanese", "Turkish", "Italian"), m.rng.randint(1, 5))
    head = framed(m, "Translate UI strings to {}. Keep placeholders.", "Localise into {}. Glossary applies.")
    more = temperature(m, None, 0.0)
    for text in m.walk(m.pools.short):
        for tongue in tongues:
            yield Ask((*system(head.format(tongue)), user(text[:160])), 1.1 * min(len(text), 160), more, "prose")


def coding_of_cases(m: Maker) -> Iterator[Ask]:
    """Codes for records of a clinic or an insurer, each with the reason for the file."""
    order = framed(m, "Assign the code and explain which words decide it.\n{}", "{}\n\nCode, then rationale.",
                    "Classify the case. Give the label and a one-sentence justification.\n{}")  # fmt: skip
    more = temperature(m, None, 0.0) | ({"schema": SCHEMA} if m.chance(0.5) else {})
    for text in m.walk(m.pools.short if m.chance(0.6) else m.pools.documents):
        yield Ask((user(order.format(text[:1_500])),), m.length(220), more, m.pick(("record", "prose")))


def adventure(m: Maker) -> Iterator[Ask]:
    """A text game in which the model tells what happens and people say what they do."""
    head = framed(m, "You narrate a text adventure. Short scenes, end with a choice.", "Game master of a dungeon.",
                   "Interactive fiction. Second person, present tense.")  # fmt: skip
    more = {"temperature": 0.9, "stream": m.chance(0.6)}
    return talk(m, head, asked(m, m.pools.short, 0.1), 420, more, m.chance(0.4), "prose")


def tidy_rows(m: Maker) -> Iterator[Ask]:
    """A spreadsheet's cells put in order, one by one: addresses, titles, units."""
    order = framed(m, "Normalise: {}", "Clean this cell. Output the value.\n{}", "Fix spelling and units: {}")
    more = temperature(m, None, 0.0, 0.0)
    for number, text in enumerate(m.walk(m.pools.short)):
        yield Ask((user(order.format(f"{text[:70]} / {number}")),), m.length(50), more, "prose")


def from_tickets(m: Maker) -> Iterator[Ask]:
    """Articles of a knowledge base out of solved tickets, with the questions that lead to each."""
    order = framed(m, "Turn this ticket into a help article.\n{}", "{}\n\nArticle: problem, cause, fix.",
                    "Write a knowledge base entry and three search phrases.\n{}")  # fmt: skip
    more = settings(m)
    for text in m.walk(m.pools.documents):
        yield Ask((user(order.format(text[:2_000])),), m.length(900), more, "list")


def twice_checked(m: Maker) -> Iterator[Ask]:
    """A product that answers, looks for its own mistakes, and answers again before it shows anything."""
    check = framed(m, "Question: {}\nDraft: {}\nList errors or say OK.", "{}\n\n{}\n\nSelf-review:")
    again = framed(m, "Draft: {}\nReview: {}\nFinal answer:", "{}\n{}\nCorrected:")
    more, named = settings(m), m.chance(0.4)
    for text in asked(m, m.pools.questions, 0.16):
        who = people(m, named)
        draft = m.say("mixed", text, m.length(600))
        yield Ask((user(text),), len(draft), more | who, answer=draft)
        note = m.say("prose", draft, m.length(200))
        yield Ask((user(check.format(text, draft)),), len(note), more | who, answer=note)
        if m.chance(0.7):
            yield Ask((user(again.format(draft, note)),), m.length(600), more | who, "mixed")


def greetings(m: Maker) -> Iterator[Ask]:
    """Short made-up texts for an app: one sign, day or name after the other."""
    grammar = Grammar(m.language, m.rng)
    order = framed(m, "Horoscope for {}, warm tone.", "Birthday wishes for {}, two lines.", "Motto of the day: {}",
                    "Trivia question about {} with answer", "A recipe with {}. Ingredients, then steps.")  # fmt: skip
    more = temperature(m, 0.9, 1.0)
    while True:
        subject = f"{m.pick(grammar.words.adjectives)} {m.pick(grammar.nouns)}, no. {m.rng.randint(1, 365)}"
        yield Ask((user(order.format(subject)),), m.length(350), more, "prose")


def open_answers(m: Maker) -> Iterator[Ask]:
    """Free answers of a survey, each given the themes of one code book."""
    grammar = Grammar(m.language, m.rng)
    book = "\n".join(f"{at}: {noun}" for at, noun in enumerate(m.some(grammar.nouns, m.rng.randint(8, 40))))
    head = system(f"{framed(m, 'Code the answer.', 'Which themes occur?', 'Multi-label. Ids only.')}\n{book}")
    more = temperature(m, None, 0.0) | ({"schema": SCHEMA} if m.chance(0.4) else {})
    for text in m.walk(m.pools.short):
        yield Ask((*head, user(text)), m.length(30), more, "list" if m.chance(0.1) else "label")


def partner(m: Maker) -> Iterator[Ask]:
    """A partner for learners of a language: talk, with each sentence of theirs put right."""
    head = framed(m, "Talk with the learner in simple Italian. Correct mistakes first.", "Language partner, level A2.",
                   "Reply, then show a better way to say what I said.")  # fmt: skip
    return talk(m, head, asked(m, m.pools.short, 0.05), 260, {"stream": m.chance(0.5)}, m.chance(0.7), "prose")


def press(m: Maker) -> Iterator[Ask]:
    """News about a company: each article judged, summed up and its claims listed."""
    steps = m.some((framed(m, "Relevant to us? yes/no\n{}", "Tone of the article:\n{}"),
                    framed(m, "Gist:\n{}", "{}\nTL;DR"),
                    framed(m, "Claims:\n{}", "{}\nWho said what?")), m.rng.randint(1, 3))  # fmt: skip
    more = temperature(m, None, 0.0)
    for text in m.walk(m.pools.documents):
        for step in steps:
            kind = m.pick(("label", "prose"))
            yield Ask((user(step.format(text[:2_500])),), m.length(200), more, kind)


def panel(m: Maker) -> Iterator[Ask]:
    """Made-up buyers asked about a product: some fifty profiles, the same few questions, for each draft again."""
    grammar = Grammar(m.language, m.rng)
    heads = [f"You are a {m.pick(grammar.words.adjectives)} buyer, {m.rng.randint(18, 80)}, who likes {noun}."
             for noun in m.some(grammar.nouns, m.rng.randint(10, 50))]  # fmt: skip
    questions, more = m.some(m.pools.questions, m.rng.randint(3, 10)), temperature(m, 0.7, 1.0)
    while True:
        draft = m.pick(m.pools.short)
        for head in heads:
            text = f"About this offer: {draft}\n{m.pick(questions)[:200]}"
            yield Ask((*system(head), user(text)), m.length(260), more, "prose")


def endings(m: Maker) -> Iterator[Ask]:
    """Sentences finished while people write: the beginning in, a few words out."""
    more = {"max_tokens": m.pick([16, 32, 64]), "temperature": m.pick([0.0, 0.3]), "stream": m.chance(0.4)}
    more["operation"] = m.pick((Operation.COMPLETION, Operation.CHAT))
    order = framed(m, "{}", "Continue the text: {}", "{} [complete]")
    named = m.chance(0.4)
    for text in asked(m, m.pools.documents, 0.1):
        end = m.rng.randint(40, 400)
        for step in range(m.rng.randint(1, 4)):
            yield Ask((user(order.format(text[: end + 25 * step])),), m.length(60), more | people(m, named), "prose")


def claims(m: Maker) -> Iterator[Ask]:
    """Facts of an article checked: claims drawn, a search made for each, a verdict on what was found."""
    draw = framed(m, "List checkable claims.\n{}", "{}\n\nClaims:", "Extract factual statements:\n{}")
    verdict = framed(m, "Claim: {}\nSources: {}\nTrue, false or unclear?", "{}\nEvidence:\n{}\nVerdict with reason:")
    more = settings(m) | ({"tools": TOOLS} if m.chance(0.3) else {})
    for text in m.walk(m.pools.documents):
        listed = m.say("list", text, m.length(350))
        yield Ask((user(draw.format(text[:2_000])),), len(listed), more, answer=listed)
        for claim in listed.split("\n")[: m.rng.randint(1, 4)]:
            found = m.say("prose", claim, m.length(500))
            yield Ask((user(verdict.format(claim[:300], found)),), m.length(160), more, "verdict")


def own_port(m: Maker) -> Iterator[Ask]:
    """One program moved to another language, file by file, with the compiler's messages."""
    order = framed(m, "Port this file to Go. Keep names.\n{}", "{}\n\nKotlin version:", "Convert to TypeScript:\n{}")
    files, more = m.some(m.pools.code, m.rng.randint(10, 80)), temperature(m, None, 0.0)
    for file in cycle(files):
        text = f"{file}\n" + m.say("code", file, m.length(700))
        put = m.say("code", text, m.length(700))
        yield Ask((user(order.format(text)),), len(put), more, answer=put)
        while m.chance(0.35):
            put = f"{put}\n// fixed {m.rng.randint(1, 99)}"
            prompt = f"{put}\n\nerror at line {m.rng.randint(1, 90)}: type mismatch. Fix."
            yield Ask((user(prompt),), len(put), more, answer=put)


def explained(m: Maker) -> Iterator[Ask]:
    """A button beside each word, figure or clause of a product: what does this mean?"""
    order = framed(m, "Explain in two sentences: {}", "{}\n\nWhat does this mean for me?", "Plain words, please: {}")
    more, named = temperature(m, None, 0.3), m.chance(0.5)
    for text in asked(m, [*m.pools.short, *m.pools.questions], m.pick((0.05, 0.3, 0.6))):
        yield Ask((user(order.format(text[:250])),), m.length(260), more | people(m, named), "prose")
