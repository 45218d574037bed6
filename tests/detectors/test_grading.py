"""Frames of grading are found in their wordings and in several languages; ordinary requests have none."""

from __future__ import annotations

import pytest

from detectors.grading import CLASSES, match, names
from detectors.text import normalise

ASKS = {
    "scale": [
        "Rate the essay on a scale of 1 to 10.",
        "Write a score that is an integer between 1 and 5.",
        "Please give a rating from 0 to 100",
        "请给这个回答打分,1到10分",
        "满分为10分",
        "Bewerte den Text auf einer Skala von 1 bis 5",
        "Évaluez ce texte sur une échelle de 1 à 10",
        "Оцените ответ по шкале от 1 до 10",
        "1から10点で評価してください",
        "5段階で評価してください",
        "1～10点で評価",
        "10점 만점으로 평가하세요",
        "请打分，1–10",
        "Benoten Sie ihn, von 1 bis 10.",
        "Evalúe la respuesta de 1 a 5.",
        "Puntúe el texto en una escala.",
        "Avaliar o texto de 1 a 5",
        "Valuta il testo da 1 a 5.",
        "по 10-балльной шкале",
        "قيم من ١ الى ١٠",
        "१ से १० अंक दीजिए",
    ],
    "compare": [
        "Which response is better?",
        "Compare the two answers below.",
        "[The Start of Assistant A's Answer]",
        "Rank these responses from best to worst",
        "哪个回答更好？",
        "Welche Antwort ist besser?",
        "¿Qué respuesta es mejor?",
        "¿Cuál de las dos respuestas es la mejor?",
        "Laquelle des deux réponses est la meilleure ?",
        "Welche der beiden Antworten ist besser?",
        "Какой из двух ответов лучше?",
        "Qual das duas respostas é a melhor?",
        "Quale delle due risposte è migliore?",
        "どちらの答えがよいですか",
        "어느 쪽 답변이 더 좋은가요",
        "أي الإجابتين أفضل؟",
    ],
    "criteria": [
        "Use the rubric below.",
        "Grading criteria: clarity and depth",
        "Consider the helpfulness, relevance, accuracy, depth, creativity of the reply",
        "评分标准如下",
        "критерии оценки",
        "критерии для оценки",
        "採点基準",
        "criteri di valutazione",
    ],
    "verdict": [
        'Output your final verdict by strictly following this format: "[[A]]"',
        "Reply with only the score.",
        'Return {"score": 3, "reason": "..."}',
        "只输出分数",
        "点数だけを出力",
        "Antworten Sie ausschließlich mit der Note.",
        "Ответь только числом",
        "Responda somente a nota",
        "Rispondi solo con il voto.",
        "Only output a number",
    ],
    "judge": [
        "Act as an impartial judge and evaluate the quality of the responses.",
        "You are a strict grader.",
        "Evaluate the following answers.",
        "请作为公正的评委",
        "Eres una evaluadora experta.",
        "als unparteiischem Gutachter",
        "giudice imparziale",
        "You are an expert evaluator",
    ],
    "reward": ["You score for a reward model.", "Build preference data: chosen and rejected", "用于训练奖励模型"],
    "reference": [
        "Compare the student's answer with the key.",
        "Is the candidate answer equivalent to the reference answer?",
        "参考答案: 42",
        "respuestas de referencia",
        "risposta di riferimento",
    ],
}

ORDINARY = [
    "Which phone is better for travel?",
    "What was the final score of the match?",
    "Summarise the mail in two sentences.",
    "Translate the menu into French.",
    "How do I improve my credit rating?",
    "Which one is right?",
    "Write a poem on the sea from the view of a gull.",
    "帮我写一封请假邮件",
    "Classify the ticket into one of: billing, delivery, other.",
    "Count the points where the two lines meet.",
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
    assert len(CLASSES) <= 8
