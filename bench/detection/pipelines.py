"""Ordinary programs of several steps: what the model said is a later prompt's material, for somebody's own work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from bench.detection.compose import Ask, Maker
from bench.detection.talk import SCHEMA, TOOLS, asked, people, system, temperature, user
from detectors.exchange import Message


def crew(m: Maker) -> Iterator[Ask]:
    """Agents with a role each: one's result is the next one's material, until the task of a person is done."""
    role = m.ours(["You are {}. Your goal: serve the team. Begin with what you found, end with your final answer.",
                   "You are the {} of a small team. Read the work so far, add your part, hand over.",
                   "Role: {}. Use only what you are given. Return your full contribution.",
                   "Act as {} in this group. Be brief; the next colleague reads only what you write."])  # fmt: skip
    frame = m.ours(["Current task: {}\n\nThis is the context you're working with:\n{}", "{}\n\nWork so far:\n{}",
                    "Request: {}\n---\nColleagues wrote:\n{}", "{1}\n\nThe group was asked: {0}"])  # fmt: skip
    roles = m.some(["researcher", "analyst", "writer", "reviewer", "editor", "planner"], m.rng.randint(2, 4))
    more = temperature(m, None, 0.0, 0.7) | ({"tools": TOOLS} if m.chance(0.4) else {})
    for task in asked(m, m.pools.questions, 0.2):
        work: list[str] = []
        for one in roles:
            prompt = frame.format(task[:800], "\n\n".join(work[-2:]) or "(nothing yet)")
            answer = m.say("mixed", prompt, m.length(700))
            yield Ask((*system(role.format(one)), user(prompt)), len(answer), more, answer=answer)
            work.append(answer)


def report(m: Maker) -> Iterator[Ask]:
    """Long texts section by section: an outline first, then each part under the outline and the part before it."""
    plan = m.ours(["Outline a report on: {}\nSix numbered headings.", "{}\n\nPropose a table of contents.",
                   "Plan a paper about {} as a numbered list.", "Structure a white paper. Subject: {}"])  # fmt: skip
    part = m.ours(["Outline:\n{}\n\nThe section before:\n{}\n\nWrite section {}.", "{}\n\n...{}\n\nGo on with part {}.",
                   "Contents: {}\nText so far ends: {}\nNow chapter {}:", "{}\n---\n{}\n---\nNext: {}"])  # fmt: skip
    more = temperature(m, None, 0.3, 0.7) | m.pick([{}, {"max_tokens": 2048}])
    for subject in m.walk(m.pools.questions):
        outline = m.say("list", subject, 500)
        yield Ask((user(plan.format(subject[:500])),), len(outline), more, answer=outline)
        text = ""
        for number in range(m.rng.randint(3, 8)):
            prompt = part.format(outline, text[-1_200:], number + 1)
            text = m.say("prose", prompt, m.length(1_600))
            yield Ask((user(prompt),), len(text), more, answer=text)
        if m.chance(0.5):
            summary = f"{part.format(outline, text[-1_500:], 0)}\nSum it up for the board."
            yield Ask((user(summary),), m.length(500), more, "prose")


def map_reduce(m: Maker) -> Iterator[Ask]:
    """Long documents summed up: piece by piece, then the summaries together."""
    each = m.ours(["Write a concise summary of the following:\n\n{}", "{}\n\nKey points:",
                   "Sum up this part of a longer document.\n{}", "Notes on the passage:\n{}"])  # fmt: skip
    whole = m.ours(["The following is a set of summaries:\n{}\nDistil these into one.", "{}\n\nCombine these notes.",
                    "Parts:\n{}\n\nWrite the summary of the whole.", "Merge into one text:\n{}"])  # fmt: skip
    more = temperature(m, None, 0.0, 0.0, 0.3)
    texts = m.walk(m.pools.documents)
    while True:
        said: list[str] = []
        for _ in range(m.rng.randint(3, 9)):
            prompt = each.format(next(texts)[:2_500])
            said.append(m.say("prose", prompt, m.length(380)))
            yield Ask((user(prompt),), len(said[-1]), more, answer=said[-1])
        yield Ask((user(whole.format("\n".join(said))),), m.length(700), more, "prose")


def memory_chat(m: Maker) -> Iterator[Ask]:
    """A companion that remembers: after each turn facts are drawn from what was said, and lead later prompts."""
    facts = m.ours(["Extract facts about the user from the exchange. JSON list of strings.\n{}",
                    "{}\n\nWhich preferences does this show? Return JSON.", "Update the profile from:\n{}",
                    "Memory manager. New conversation:\n{}\nReturn what to keep."])  # fmt: skip
    head = m.ours(["You are a companion. What you know of the user:\n{}", "Memories:\n{}\nAnswer in their light.",
                   "Known so far: {}\nBe warm and brief.", "Use these notes when they help.\n{}"])  # fmt: skip
    more = temperature(m, None, 0.7) | {"stream": m.chance(0.4)}
    known: dict[str, list[str]] = {}
    for text in asked(m, [*m.pools.questions, *m.pools.short], 0.05):
        who = people(m, True)
        notes = known.setdefault(who["user"], [])
        shown = who if m.chance(0.3) else {}
        answer = m.say("mixed", text, m.length(500))
        order = head.format("\n".join(notes[-6:]) or "nothing yet")
        yield Ask((*system(order), user(text)), len(answer), more | shown, answer=answer)
        prompt = facts.format(f"user: {text[:800]}\nassistant: {answer[:1_200]}")
        kept = m.say("record", prompt, 140)
        yield Ask((user(prompt),), len(kept), {"temperature": 0.0, **shown}, answer=kept)
        notes.append(kept)


def rag_metrics(m: Maker) -> Iterator[Ask]:
    """A team measures its own retrieval: claims out of each answer, a verdict on them, the question guessed back."""
    claims = m.ours(["Break the answer into simple statements.\nQuestion: {}\nAnswer: {}\nJSON:",
                     "Question: {}\nAnswer: {}\n\nList every claim on its own line.",
                     "Given {} and the reply {}, return its atomic facts.", "{}\n{}\nWhat is claimed?"])  # fmt: skip
    verdict = m.ours(["Context:\n{}\nStatements:\n{}\nFor each: 1 if supported, else 0, with the reason.",
                      "{}\n\nCheck these claims against the text above, one verdict each:\n{}",
                      "Passage: {}\nClaims: {}\nVerdicts in JSON:", "{}\n---\n{}\nSupported? Explain."])  # fmt: skip
    guess = m.ours(["Generate a question for the given answer.\n{}", "{}\nWhich question does this answer?",
                    "Answer: {}\nQuestion:", "Guess what was asked:\n{}"])  # fmt: skip
    items = [(m.pick(m.pools.questions), m.pick(m.pools.documents)) for _ in range(m.pick([20, 40, 80, 150]))]
    more = temperature(m, None, 0.0, 0.0) | ({"schema": SCHEMA} if m.chance(0.4) else {})
    several = {"choices": 3} if m.chance(0.6) else {}
    for question, text in cycle(items):
        answer = m.say("prose", f"{question} {text[:600]}", m.length(300))
        prompt = claims.format(question[:500], answer)
        stated = m.say("list", answer, m.length(350))
        yield Ask((user(prompt),), len(stated), more, answer=stated)
        yield Ask((user(verdict.format(text[:1_500], stated)),), m.length(500), more, "verdict")
        yield Ask((user(guess.format(answer)),), m.length(90), more | several, "prose")


def graph_index(m: Maker) -> Iterator[Ask]:
    """A graph out of one's own documents: entities of each piece, then those that were missed, then what joins them."""
    order = m.ours(["Goal: identify all entities and their relations in the text. Use the delimiters.\n\n{}",
                    "{}\n\nList (entity|type|description) and (source|target|relation), one a line.",
                    "Build a knowledge graph from this.\nText: {}", "Text:\n{}\nTriples, explained:"])  # fmt: skip
    again = m.ours(["MANY entities were missed. Add them below.", "Anything else? Continue in the same format.",
                    "Some are missing. Go on.", "Complete the list."])  # fmt: skip
    more = temperature(m, None, 0.0)
    gleaning = m.chance(0.6)
    for text in m.walk(m.pools.documents):
        first = user(order.format(text[:2_400]))
        found = m.say("list", text, m.length(900))
        yield Ask((first,), len(found), more, answer=found)
        if gleaning:
            yield Ask((first, Message("assistant", found), user(again)), m.length(350), more, "list")
        if m.chance(0.3):
            joined = f"Descriptions of one entity. Merge them.\n{found[:400]}\n{m.say('prose', text, 200)}"
            yield Ask((user(joined),), m.length(250), more, "prose")


def graded_suite(m: Maker) -> Iterator[Ask]:
    """An evaluation that marks its own answers: a fixed set, each answered and then graded against the key, anew."""
    grade = m.ours(["Question: {}\nExpert answer: {}\nSubmission: {}\nIs it correct? GRADE: C or I.",
                    "{}\nReference: {}\nCandidate: {}\nJudge the candidate. End with correct or incorrect.",
                    "[Q] {}\n[Key] {}\n[Given] {}\nScore 0 or 1 and say why.", "{}\n{}\n{}\nVerdict:"])  # fmt: skip
    items = [*m.some(m.pools.questions, m.pick([20, 60, 120])), *m.some(m.pools.maths, 30)]
    more: dict[str, Any] = temperature(m, 0.0, 0.0, None) | m.pick([{}, {"max_tokens": 1024}])
    form = m.pick(["mixed", "reasoning"])
    judged = m.chance(0.8)
    for item in cycle(items):
        answer = m.say(form, item, m.length(600))
        yield Ask((user(item),), len(answer), more, answer=answer)
        if judged:
            prompt = grade.format(item[:900], "see the key", answer[:2_000])
            yield Ask((user(prompt),), m.length(160), {"temperature": 0.0}, "verdict")


def serial_translation(m: Maker) -> Iterator[Ask]:
    """Subtitles or a book in order: each piece with the pieces before it and how they were put."""
    frame = m.ours(["Previous:\n{}\nTranslated as:\n{}\n\nTranslate the next lines into Dutch:\n{}",
                    "Context: {} => {}\n\nNow into Italian:\n{}", "So far: {}\n{}\nContinue with: {}",
                    "{}\n{}\n=====\n{}\n=====\nSame voice, in Danish."])  # fmt: skip
    more = temperature(m, None, 0.0, 0.3)
    before, put = "", ""
    for text in m.walk(m.pools.short if m.chance(0.5) else m.pools.documents):
        text = text[: m.rng.randint(200, 900)]
        answer = m.say("prose", text, 1.05 * len(text))
        prompt = frame.format(before[-400:], put[-400:], text)
        yield Ask((user(prompt),), len(answer), more, answer=answer)
        before, put = text, answer


def guarded(m: Maker) -> Iterator[Ask]:
    """A help desk behind rails: what is asked is checked, then answered, then the answer is checked."""
    before = m.ours(["Check whether the user message complies with the policy.\nMessage: {}\nAnswer [Yes/No]:",
                     "{}\n\nShould this be blocked? yes or no", "Intent of the message below, one word.\n{}",
                     "Input rail. Text: {}\nunsafe or safe?"])  # fmt: skip
    after = m.ours(["Check whether the bot message complies with the policy.\nMessage: {}\nAnswer [Yes/No]:",
                    "Bot said:\n{}\n\nShould this be blocked? yes or no", "Is every claim here supported?\n{}",
                    "Output rail. Text: {}\nunsafe or safe?"])  # fmt: skip
    head = system(m.ours(["You serve our customers.", "Answer in our name.", "Be polite and brief.", "Help desk."]))
    more = temperature(m, None, 0.0, 0.2) | {"stream": m.chance(0.3)}
    named = m.chance(0.3)
    for text in asked(m, m.pools.short if m.chance(0.5) else m.pools.questions):
        who = people(m, named)
        yield Ask((user(before.format(text[:600])),), 4, {"temperature": 0.0, **who}, "label")
        answer = m.say("prose", text, m.length(350))
        yield Ask((*head, user(text)), len(answer), more | who, answer=answer)
        yield Ask((user(after.format(answer)),), 4, {"temperature": 0.0, **who}, "label")


def front_end(m: Maker) -> Iterator[Ask]:
    """A chat program that has each conversation named, tagged and continued: the answers come back for that."""
    name = m.ours(["Create a title of 3 to 5 words for this chat.\n{}", "### Task:\nSuggest follow-up questions.\n{}",
                   "Name the conversation below.\n{}", "Give three tags for it, JSON.\n<chat>{}</chat>"])  # fmt: skip
    more = temperature(m, None, 0.7) | {"stream": True}
    longest = m.rng.randint(2, 4)
    for text in asked(m, [*m.pools.questions, *(one[0].text for one in m.pools.dialogues)], 0.05):
        history = [user(text)]
        for turn in range(m.rng.randint(1, longest)):
            answer = m.say("mixed", history[-1].text, m.length(800))
            yield Ask(tuple(history), len(answer), more, answer=answer)
            history += [Message("assistant", answer), user(m.pick(m.pools.short))]
            if not turn:
                said = f"USER: {text[:600]}\nASSISTANT: {answer[:1_500]}"
                yield Ask((user(name.format(said)),), 40, {}, "prose")


def evidence(m: Maker) -> Iterator[Ask]:
    """Questions over papers: each passage summed up and marked for the question, then answered out of the best."""
    each = m.ours(["Excerpt:\n{}\n\nQuestion: {}\nSummarise what matters to the question; relevance 0-10. JSON.",
                   "{}\n----\nDoes this help to answer: {}? Say how, with a score.",
                   "Passage: {}\nQuery: {}\nRelevant facts and a mark:", "{}\n{}\nNotes, then a number."])  # fmt: skip
    whole = m.ours(["Answer from the context with citations.\n{}\nQuestion: {}", "{}\n\nWrite the answer to: {}",
                    "Evidence:\n{}\n\nQ: {}\nA:", "{}\n====\n{}\nReply in a paragraph."])  # fmt: skip
    library = m.some(m.pools.documents, m.rng.randint(20, 120))
    more = temperature(m, None, 0.0)
    for question in asked(m, m.pools.questions, 0.1):
        found: list[str] = []
        for text in m.some(library, m.rng.randint(3, 8)):
            prompt = each.format(text[:1_800], question[:400])
            found.append(m.say("verdict", prompt, m.length(260)))
            yield Ask((user(prompt),), len(found[-1]), more, answer=found[-1])
        yield Ask((user(whole.format("\n".join(found), question[:400])),), m.length(600), more, "prose")
