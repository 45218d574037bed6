"""Requests for training material are found in their wordings and in several languages; ordinary requests have none."""

from __future__ import annotations

import pytest

from detectors.synthesis import CLASSES, MATERIAL, TASKS, match, names
from detectors.text import normalise

ASKS = {
    "tasks": [
        "Come up with 12 new instructions for a helpful assistant.",
        "Write a challenging word problem about trains.",
        "Generate exactly five questions a patient might ask.",
        "You are a prompt generator.",
        "请生成十个关于物理的问题",
        "化学に関する質問を五つ作成してください",
        "역사에 대한 질문을 다섯 개 만들어 주세요",
        "Genera cinco preguntas sobre la fotosíntesis.",
        "Génère dix questions de culture générale.",
        "Erstelle drei Aufgaben zur Bruchrechnung.",
        "Crie perguntas sobre o texto.",
        "Придумай пять задач по геометрии.",
        "Erstellen Sie 20 Fragen zum Text.",
        "Schreiben Sie zehn Aufgaben.",
        "Bitte 20 neue Fragen zum Text erstellen.",
        "Genere 20 preguntas.",
        "Cree diez ejercicios.",
        "Escríbeme 20 preguntas.",
        "Formule 20 problemas de álgebra.",
        "Générez 20 questions sur le texte.",
        "Générer des exercices",
        "Gerar 20 perguntas.",
        "Scrivi dieci domande sul testo.",
        "Сгенерировать 20 вопросов",
        "请生成20道数学题",
        "化学の問題10個を作りなさい",
        "질문 20개를 생성하세요",
        "문제들을 만드세요",
    ],
    "pairs": [
        "Produce question and answer pairs for each section.",
        "Return a JSON list of QA pairs.",
        "Each line holds an instruction, an input, and an output.",
        "Add one hard negative passage.",
        "Give a chosen and a rejected reply.",
        "输出问答对",
        "질문 쌍과 답변: 질문-답변 쌍을 출력",
        "pares pregunta-respuesta",
        "Frage-Antwortpaare",
        "質問・回答のペア",
        "пары «вопрос-ответ»",
        "coppie di domande e risposte",
    ],
    "training": [
        "These will become training examples.",
        "We build an instruction-tuning dataset.",
        "Make synthetic conversations.",
        "The text is used to fine-tune a small language model.",
        "用于训练数据",
        "datos de entrenamiento para un modelo",
        "données d'entrainement",
        "Trainingsbeispiele",
        "訓練資料，合成資料",
        "訓練データ",
        "파인 튜닝",
        "дообучить модель",
        "dati di addestramento",
    ],
    "evolve": [
        "Rewrite this question so that it becomes more difficult.",
        "#Rewritten Prompt#:",
        "Increase the difficulty a little.",
        "A harder version of the task, please.",
        "把下面的指令改写得更复杂",
    ],
    "diverse": [
        "The prompts shall be a diverse set of instructions.",
        "Avoid repeating verbs.",
        "Ensure diversity.",
        "要求多样性",
    ],
    "topics": ["List 20 subtopics of marine biology.", "Expand the topic tree.", "列出十个子主题"],
    "user": [
        "Simulate a curious user.",
        "Play the role of a human who talks to a machine.",
        "Write the user's next message.",
        "Generate a dialogue between a doctor and a patient.",
        "请扮演用户",
    ],
    "backward": [
        "Find an instruction to which the following text would be the answer. The instruction that would produce it:",
        "Guess the prompt behind this.",
        "Write questions that can be answered from the passage.",
        "请根据以下文章内容提出三个问题",
    ],
}

ORDINARY = [
    "What are the instructions for assembling this shelf?",
    "Write a function that reverses a list.",
    "Respond to the user politely and call the tool when needed.",
    "Write a poem on the sea from the view of a gull.",
    "Summarise the mail in two sentences.",
    "Solve the problem: 12 apples are shared by 4 children.",
    "Translate the menu into French.",
    "Answer the question with the passages below.",
    "Create a table with two columns.",
    "帮我写一封请假邮件",
    "Write a reply to this customer.",
    "Draft release notes for version 2.",
    "Ich habe einige Fragen zum Erstellen einer Rechnung.",
    "Ich habe zwei Fragen, weil wir morgen einen Brief schreiben.",
    "Bei Fragen können Sie ein Ticket erstellen.",
    "¿Usted cree que hay preguntas sin responder?",
    "Isso pode gerar problemas na rede.",
    "Es posible que el cambio genere problemas.",
    "",
]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ASKS.items() for text in texts])
def test_each_class_is_found_in_its_wordings(name, text):
    assert name in names(match(normalise(text)))


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_requests_match_nothing(text):
    assert names(match(normalise(text))) == ()


def test_every_class_has_a_wording_here_and_fits_the_field():
    assert set(ASKS) == set(CLASSES)
    assert len(CLASSES) <= 16


def test_a_wish_for_variety_alone_asks_for_no_tasks():
    assert names(MATERIAL) == ("pairs", "training", "evolve", "backward")
    assert MATERIAL & ~TASKS == 0
    assert set(CLASSES) - set(names(TASKS)) == {"diverse"}
