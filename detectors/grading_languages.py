"""Further frames of grading, in languages other than English."""

from __future__ import annotations

MORE: dict[str, tuple[str, ...]] = {
    "scale": (
        r"\d'?(?:den|dan|ten|tan)? (?:ile )?\d{1,3}'?(?:e|a|ye|ya)? (?:kadar|arasında)[^.!?\n]{0,25}?(?:puan"
        r"|değerlendir|not ver)|\d üzerinden (?:ONE )?(?:puan|değerlendir)|(?:nilai|skor"
        r"|beri nilai)\w{0,3}\bGAP(?:skala [01]|dari [01] (?:sampai|hingga))|skala [01] (?:sampai|hingga|-)"
        r"|w skali (?:od )?[01]|(?:oceń|oceniaj)\w{0,3}GAPod [01] do|(?:beoordeel|scoor)GAP(?:schaal|van [01] tot)"
        r"|schaal van [01]|(?:chấm|đánh giá)GAPtừ [01] đến",
    ),
    "compare": (
        r"hangi (?:cevap|yanıt) daha (?:iyi|başarılı)|câu trả lời nào (?:tốt|hay) hơn|jawaban mana yang (?:lebih"
        r"|terbaik)|która odpowiedź jest (?:ONE )?lep|welk antwoord is (?:ONE )?be(?:ter|st)|(?:vergleiche"
        r"|vergleichen sie|compara|compare|comparez|confronta|porównaj|vergelijk"
        r"|bandingkan) (?:ONE ){0,3}?(?:antworten|respuestas|réponses|respostas|risposte|odpowiedzi|antwoorden"
        r"|jawaban)\b",
    ),
    "criteria": (r"değerlendirme (?:ölçüt|kriter)|kriteria penilaian|kryteri(?:a|ów) oceny|beoordelingscriteri",),
    "verdict": (
        r"(?:فقط (?:ال)?(?:درجة|رقم|تقييم)|(?:الدرجة|الرقم|التقييم) فقط|(?:केवल|सिर्फ) (?:अंक|स्कोर|संख्या)"
        r"|(?:sadece|yalnızca) (?:puan|sayı|skor)|chỉ (?:ONE )?(?:điểm số|con số)|hanya (?:ONE )?(?:skor|angka"
        r"|nilai)|(?:tylko|wyłącznie) (?:ONE )?(?:ocen[ęa]|liczb)|(?:alleen|enkel) (?:ONE )?(?:score|cijfer|getal))",
    ),
    "judge": (
        r"(?:محكّم|محكم|حكم|مقيّم|مقيم) (?:محايد|عادل|نزيه|صارم)|(?:निष्पक्ष|कठोर) (?:निर्णायक|मूल्यांकनकर्ता"
        r"|परीक्षक|न्यायाधीश)|(?:tarafsız|adil|katı) (?:bir )?(?:hakem|değerlendirici|yargıç)|giám khảo (?:công bằng"
        r"|khách quan|công tâm)|(?:juri|penilai|hakim) yang (?:adil|objektif|netral)|bezstronn\w{1,3} (?:sędzi"
        r"|ekspert)|onpartijdige (?:beoordelaar|jury|rechter)",
    ),
    "reward": (
        r"(?:根据|依据|按照|依照)HANZI{0,10}(?:原则|宪法|准则)HANZI{0,10}(?:批评|批判|修改|修订|改写"
        r"|评判)HANZI{0,8}(?:回答|回复|答案)|(?:原則|憲法)に(?:従|基づ|照ら|沿)[^。\n]{0,12}(?:回答"
        r"|応答)[^。\n]{0,8}(?:批判|批評|修正|改訂|書き直)|(?:원칙|헌법)에 (?:따라|근거|비추어)[^.\n]{0,12}(?:답변"
        r"|응답)[^.\n]{0,8}(?:비판|비평|수정|고쳐)",
        r"(?:critica|critique|critiquez|revisa|revise|reescribe|reescreva|réécris|réécrivez|critiquer|rivedi"
        r"|riscrivi) (?:ONE ){0,4}?(?:respuesta|réponse|resposta|risposta) (?:ONE ){0,3}?(?:según|selon|conforme"
        r"|de acuerdo con|de acordo com|secondo|d'après|al regard|au regard)GAP(?:principi|princíp|constitu)"
        r"|(?:kritisier|überarbeit)\w{0,3} (?:ONE ){0,4}?antwort (?:ONE )?(?:nach|gemäss|anhand"
        r"|entsprechend)GAP(?:prinzip|grundsätz|grundsatz|verfassung)|(?:раскритикуй|перепиши|исправь"
        r"|пересмотри)(?:те)? (?:[а-я]{1,15} ){0,3}?ответ (?:[а-я]{1,15} ){0,3}?(?:принцип|конституц)",
        r"modelo de recompensa|modèle de récompense|belohnungsmodell|modell[oi] di ricompensa|نموذج (?:ال)?مكافأة"
        r"|रिवॉर्ड मॉडल|ödül model|mô hình phần thưởng|model (?:imbalan|nagrody)|beloningsmodel"
        r"|datos de preferencias?|données de préférences?|präferenzdaten|dados de preferências?|dati di preferenza"
        r"|данны[а-я]{1,2} (?:о )?предпочтени|選好データ|嗜好データ|선호 ?데이터",
    ),
    "reference": (
        r"(?:الإجابة|إجابة|الجواب) (?:ال)?(?:مرجعية|نموذجية|المرجعي|النموذجي)|(?:संदर्भ|आदर्श|मॉडल) (?:उत्तर|जवाब)"
        r"|referans (?:cevap|yanıt)|đáp án (?:chuẩn|mẫu|tham khảo)|jawaban (?:referensi|acuan|rujukan)|odpowied(?:ź"
        r"|zi|zią) (?:wzorcow|referencyjn)|(?:referentie|model)antwoord",
    ),
}
"""Of each class further wordings, to be read with the names of `grading`."""
