"""Frames of grading are found in the languages of a model API's customers; what is near them is not."""

from __future__ import annotations

from detectors.grading import match, names
from detectors.grading_languages import MORE
from tests.detectors.classes import wording_tests

ASKS = {
    "scale": [
        "Rate the four texts 1 to 5.",
        "Grade each answer from 0 to 10.",
        "Cevabı 5 üzerinden değerlendir.",
        "Beri nilai dari 1 sampai 10.",
        "Oceń odpowiedź w skali od 1 do 5.",
        "Beoordeel het antwoord op een schaal van 1 tot 5.",
        "Chấm câu trả lời từ 1 đến 10.",
    ],
    "compare": [
        "Hangi cevap daha iyi?",
        "Câu trả lời nào tốt hơn?",
        "Która odpowiedź jest lepsza?",
        "Welk antwoord is beter?",
        "Vergleiche die beiden Antworten.",
        "Compara las dos respuestas.",
    ],
    "criteria": ["değerlendirme kriterleri", "kriteria penilaian", "kryteria oceny", "beoordelingscriteria"],
    "verdict": ["اكتب الدرجة فقط", "केवल अंक लिखिए", "Sadece puanı yaz.", "Alleen het cijfer."],
    "judge": ["محكم محايد", "निष्पक्ष निर्णायक", "tarafsız bir hakem", "bezstronny sędzia", "onpartijdige beoordelaar"],
    "reward": [
        "Critique Request: In what is the reply unkind?",
        "Name the ways in which the assistant's answer is unfair.",
        "Revise the response according to the principle below.",
        "请根据以下原则修改回答",
        "次の原則に従って回答を書き直してください",
        "다음 원칙에 따라 답변을 수정하세요",
        "Überarbeite die Antwort gemäß den Grundsätzen.",
        "Reescribe la respuesta según el principio siguiente.",
        "modelo de recompensa",
        "Präferenzdaten",
    ],
    "reference": ["الإجابة المرجعية", "आदर्श उत्तर", "referans cevap", "đáp án mẫu", "modelantwoord"],
}

ORDINARY = [
    "Rate our shop 1 to 5 stars.",
    "Oceń, czy umowa jest ważna.",
    "Welk antwoord moet ik invullen?",
    "Revision of the contract is requested.",
    "Rewrite the reply so that it follows our style guide.",
    "The assistant's answer was kind.",
    "Überarbeite die Einleitung gemäß der Vorgabe.",
    "根据合同原则修改条款",
    "केवल नाम लिखिए",
    "Sadece adı yaz.",
]


test_each_class_is_found_in_its_languages, test_what_is_near_matches_nothing = wording_tests(
    ASKS, ORDINARY, lambda text: names(match(text))
)


def test_every_class_has_further_languages():
    assert set(MORE) == set(ASKS)
