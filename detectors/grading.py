"""Classes of frames in which a text asks to grade, compare or judge; one bit each, found as elicitation is."""

from __future__ import annotations

from detectors.grading_languages import MORE
from detectors.phrases import Phrases, Rule, named, rule

# What stands for the names in upper case.
_PARTS = {
    "ONE": r"\w{1,40}",  # a word; bounded too
    "HANZI": r"[^。!?\nぁ-ー]",  # a sign of a Chinese sentence; a Japanese one that has the same words has kana too
    "GAP": r"[^.!?。\n]{0,60}?",
    "ANSWERS": r"(?:responses?|answers?|completions?|outputs?|solutions?|summar(?:y|ies)|translations?|candidates?"
    r"|replies|reply|assistants?|models?|essays?|generations?|conversations?)",
    "RATE": r"(?:rate|score|grade|evaluate|assess|judge)",
    "MARK": r"(?:score|rating|grade|mark|points?|verdict|ranking)",
}

RULES: tuple[Rule, ...] = (
    # A mark on a scale.
    rule(
        "scale",
        _PARTS,
        r"(?:on|using|with) an? (?:ONE[- ]){0,3}scale (?:of|from|between|where|\()",
        r"scale (?:of|from) (?:0|1|one|zero)",
        r"(?:0|1|one|zero)(?:-| to | through |–)(?:4|5|6|7|10|100|five|ten|seven)[- ](?:point )?(?:scale|likert)",
        r"RATEGAP(?:from|between) (?:0|1|one|zero|-1)(?:\.0)? (?:to|and|-) (?:1|3|4|5|6|7|10|100|five|ten|seven)\b",
        r"MARK (?:from|between|of) (?:0|1|one|zero)(?:\.0)? (?:to|and|-) (?:1|3|4|5|6|7|10|100|five|ten|seven)\b",
        r"\b(?:0|1)\s?(?:-|–|to)\s?(?:3|4|5|7|10|100)\b[^.\n]{0,20}MARK",
        r"MARK\s?[(\[:]{1,2}\s?(?:0|1)\s?(?:-|–|to)\s?(?:1|3|4|5|7|10|100)\b",
        r"likert scale|(?:5|five|7|seven|10|ten)[- ]point scale|out of (?:5|10|100|five|ten)\b[^.\n]{0,30}MARK",
        r"(?:打分|评分|评价|打个分)HANZI{0,20}(?:1|0|一)\s?(?:到|至|-|–|~|〜)\s?(?:3|5|10|100|五|十)",
        r"[01一](?:到|至)(?:5|10|100|五|十)分|[01](?:-|–|~|〜)(?:5|10|100)分|满分(?:为|是)?\s?\d",
        r"[01](?:から|〜|~|-|–)(?:5|10|100)(?:点|段階|で評価)|(?:3|5|7|10|100)(?:段階|点満点)(?:で|の)?(?:評価|採点)",
        r"(?:1|0)\s?(?:점|에서|부터|~|-|–)[^.\n]{0,6}(?:5|10|100)점|(?:5|10|100)점 ?만점",
        r"(?:puntú[ae]n?|puntuar|califi(?:ca|que)[nr]?|evalú[ae]n?|evaluar|puntuación)GAP(?:escala|del? [01] al? \d)",
        r"escala de(?:l)? [01] a|scala da [01] a|(?:valut(?:a|i|are|ate)|punteggio)\bGAPda [01] a",
        r"(?:bewerte|benote)GAP(?:skala|von [01] bis)|skala von [01] bis",
        r"(?:note[zr]?|évalue[zr]?)GAP(?:échelle|de [01] à)|échelle de [01] à",
        r"оцен[а-я]{1,8}GAP(?:по шкале|от [01] до)|по шкале от|балльной шкале",
        r"(?:avali(?:e|em|ar)|pontu(?:e|em|ar))\bGAP(?:escala|de [01] a)",
        r"من [01١٠] (?:إلى|الى)|على مقياس|स्केल पर|अंक (?:दें|दीजिए|दीजिये)|[1१] से (?:5|10|५|१०)|thang điểm|ให้คะแนน",
        r"RATE (?:the |these |each |every |all |both |this |four |two ){0,2}(?:ONE ){0,2}?(?:ANSWERS"
        r"|texts?),? (?:from |between |with )?(?:0|1|one|zero) (?:to|-|through) (?:3|4|5|6|7|10|100|five|ten"
        r"|seven)\b",
        *MORE["scale"],
    ),
    # Two or more answers set side by side.
    rule(
        "compare",
        _PARTS,
        r"which (?:ONE ){0,3}ANSWERS (?:ONE ){0,2}(?:better|best|more|worse|preferred|preferable|superior)\b",
        r"which (?:of the |one of |of these )(?:two |three |four |following )?ANSWERS (?:is|are|do you|would you)\b",
        r"compare (?:the )?(?:ONE ){0,4}ANSWERS",
        r"(?:assistant|response|answer|model|output|completion|candidate|solution|summary) (?:a|1|one)\b[^\n]{0,90}"
        r"(?:assistant|response|answer|model|output|completion|candidate|solution|summary) (?:b|2|two)\b",
        r"(?:start|begin) of (?:assistant|response|answer|model)[_ ]?(?:a|b|1|2)\b",
        r"(?:better|preferred|stronger) (?:of the )?(?:two |following )?(?:ANSWERS)\b",
        r"rank (?:the |these |all )?(?:ONE ){0,3}ANSWERS",
        r"(?:哪个|哪一个|哪一)(?:回答|答案|回复|模型|助手|更)HANZI{0,8}(?:更好|更优|好|优)|比较HANZI{0,12}(?:回答|答案|回复)",
        r"(?:どちら|どの)(?:の)?(?:回答|応答|答え)[^。\n]{0,10}(?:優れ|優秀|良い|よい|より)",
        r"(?:어느|어떤)(?: 쪽의?)? (?:답변|응답)[^.\n]{0,10}(?:더|나은|낫|좋)",
        r"qué respuesta es (?:la )?mejor|cuál (?:de las )?(?:dos )?(?:respuestas? )?es (?:la )?mejor",
        r"quelle réponse est (?:la )?meilleure|laquelle des (?:deux )?réponses est (?:la )?meilleure",
        r"welche (?:der (?:beiden )?)?antwort(?:en)? ist (?:die )?bess",
        r"какой (?:из )?(?:двух |этих )?ответ(?:ов)? лучше|сравни(?:те)?GAPответ",
        r"qual (?:das (?:duas )?)?respostas? é (?:a )?melhor|quale (?:delle (?:due )?)?rispost[ae] è (?:la )?migliore",
        r"أي (?:من )?(?:ال)?(?:إجاب|رد)GAPأفضل|कौन[- ]?सा (?:उत्तर|जवाब) (?:बेहतर|अच्छा)",
        *MORE["compare"],
    ),
    # What a mark goes by.
    rule(
        "criteria",
        _PARTS,
        r"\brubrics?\b",
        r"(?:grading|scoring|evaluation|assessment|judging|marking) (?:criteri(?:a|on)|rubric|guidelines?|instructions?"
        r"|standards?|scheme)",
        r"RATEGAP(?:based on|according to|in terms of|considering|with respect to|for)GAP(?:criteria|helpfulness"
        r"|accuracy|correctness|relevance|coherence|fluency|clarity|factuality|harmlessness|faithfulness|completeness)",
        r"(?:helpfulness|relevance|accuracy|correctness|coherence|honesty|depth|clarity), (?:ONE, ){0,6}(?:and |or )?"
        r"(?:helpfulness|relevance|accuracy|correctness|coherence|creativity|level of detail|depth|clarity|honesty"
        r"|harmlessness|fluency|completeness)",
        r"criteri(?:a|on)GAP(?:RATE|MARK)|award (?:one|1|a|full|\d) ?points?|add 1 point",
        r"(?:评分|评价|评估|打分)(?:标准|准则|细则|维度)|(?:評価|採点)(?:基準|項目)|(?:채점|평가) ?기준",
        r"критери[а-я]{1,4} (?:для )?оцен|criterios? de (?:evaluación|calificación)|critères? d'évaluation",
        r"bewertungskriteri|critérios? de avaliação|criteri(?:o)? di valutazione",
        r"معايير (?:التقييم|التصحيح)|मूल्यांकन (?:मानदंड|के मानदंड)|tiêu chí (?:đánh giá|chấm)|เกณฑ์การ(?:ให้คะแนน|ประเมิน)",
        *MORE["criteria"],
    ),
    # The form of the verdict.
    rule(
        "verdict",
        _PARTS,
        r"\[\[(?:[abc123456789]|rating|score|number|yes|no|tie)\]\]",
        r"(?:output|return|respond|reply|answer|give|provide|print|end|conclude|state) (?:ONE ){0,3}(?:only|just|solely"
        r"|nothing but) ?(?:with |by )?(?:a |an |the |your |one )?(?:ONE ){0,2}MARK",
        r"(?:only|just) (?:output|return|respond|reply|answer|give|provide|print) (?:with )?(?:a |an |the |your )?"
        r"(?:ONE ){0,2}(?:MARK|number|integer)",
        r"[\"'](?:score|rating|verdict|grade|judge?ment|winner|preference|overall_score|total_score)[\"']\s?:",
        r"<(?:score|rating|verdict|grade|judge?ment|winner|preference)>",
        r"(?:your|a|the) (?:final|overall) (?:verdict|rating|judge?ment|evaluation)\b",
        r"(?:overall|total|final) score\s?:",
        r"(?:score|rating|verdict|grade|judge?ment|winner)\s?:\s?(?:<|\[|\{|_|x\b|\d\s?/)",
        r"(?:correct|pass|true|yes|better|accept) or (?:incorrect|fail|false|no|worse|reject)"
        r"GAP(?:only|verdict|judge?ment)",
        r"(?:只|仅)需?(?:输出|返回|回答|给出)HANZI{0,8}(?:分数|评分|数字|得分|结论)|最终(?:得分|评分|判断|结论)(?![ぁ-ー])",
        r"(?:点数|スコア|評点|数字|数値)(?:のみ|だけ)|(?:점수|숫자)만|только (?:оценк(?:у|ой)|числ(?:о|ом)|балл)",
        r"(?:nur|ausschliesslich) (?:mit )?(?:die|der|einer) (?:note|zahl|punktzahl|bewertung)\b",
        r"(?:solo|sólo|únicamente) (?:la|el|con la|con el) (?:puntuación|calificación|número|nota)",
        r"(?:uniquement|seulement) (?:la note|le score)|(?:apenas|somente) (?:a nota|a pontuação|o número)",
        r"(?:solo|soltanto|esclusivamente) (?:con )?(?:il (?:punteggio|voto)|la valutazione)",
        *MORE["verdict"],
    ),
    # The part of a judge.
    rule(
        "judge",
        _PARTS,
        r"(?:impartial|fair|strict|objective|unbiased|expert|professional|experienced|careful|critical|harsh|neutral)"
        r" (?:ONE )?(?:judge|grader|evaluator|rater|annotator|assessor|examiner|referee|critic|marker|reviewer)",
        r"(?:you are|act as|you're|as|acting as|role of) (?:an? |the )?(?:ONE ){0,3}(?:judge|grader|evaluator|rater"
        r"|assessor|examiner|evaluation assistant|grading assistant|teacher grading|quality checker)\b",
        r"RATE (?:the )?(?:quality|correctness|helpfulness|accuracy|factuality|relevance|overall quality) of",
        r"(?:your task is|you will be asked|your job is|please) (?:to )?RATEGAPANSWERS",
        r"RATE (?:the |this |each |these |following ){1,3}(?:ONE ){0,3}ANSWERS\b",
        r"(?:公正|严格|专业|客观)的?(?:评委|裁判|评判|评估|评审|阅卷)|(?:评估|评价|评判)HANZI{0,12}(?:回答|答案|回复)的?(?:质量|品质)",
        r"请对HANZI{0,16}(?:打分|评分)",
        r"(?:公平な|厳格な|中立な)?(?:審査員|採点者|評価者)|(?:공정한|엄격한) ?(?:심사위원|평가자|채점자)",
        r"(?:беспристрастн|строг|справедлив)[а-я]{1,4} (?:судь|эксперт|экзаменатор)|juez imparcial|jueza imparcial",
        r"(?:unparteiisch|unvoreingenommen|streng)e[rnms]? (?:richter|prüfer|gutachter)",
        r"juge impartial|juíza imparcial|juiz imparcial|giudice imparziale|evaluador(?:a)? expert[oa]",
        *MORE["judge"],
    ),
    # Marks as a training signal, or answers revised by principles for it.
    rule(
        "reward",
        _PARTS,
        r"\breward (?:model|score)|preference (?:data|label|pair|dataset|judge?ment|model)",
        r"(?:chosen|preferred|winning) (?:and|or|vs\.?|/) (?:rejected|dispreferred|losing)",
        r"constitutional principle|奖励模型|偏好(?:数据|标注|对)|報酬モデル|보상 ?모델"
        r"|модел[а-я]{1,3} вознаграждения",
        r"(?:process|step[- ]level|outcome) (?:reward|supervision)"
        r"|(?:correctness|validity) of (?:each|every) (?:reasoning"
        r" )?step",
        r"\b(?:critique|revision) ?requests?\s?:",
        r"(?:ways|aspects|respects|parts) (?:in |of |where )[^.!?\n]{0,20}?(?:assistant|model|ai"
        r"|chatbot)(?:'s)? (?:ONE )?(?:response|answer|reply|message|output) (?:is|was|are|may be|might be"
        r"|could be)\b",
        r"(?:rewrite|revise) (?:ONE )?(?:assistant|model|ai|chatbot)(?:'s)? (?:ONE )?(?:response|answer"
        r"|reply)GAP(?:remove|harm|ethic|toxic|bias|principle|constitution)",
        r"(?:critique|criticise|criticize|revise|rewrite) (?:ONE ){0,4}?(?:response|answer|reply"
        r"|draft) (?:according to|against|based on|in light of|under|to (?:follow|comply with|satisfy"
        r"|respect))GAP(?:principle|constitution)",
        *MORE["reward"],
    ),
    # An answer held against a known one.
    rule(
        "reference",
        _PARTS,
        r"(?:reference|gold(?:en)?|ground[- ]truth|correct|expected|standard|ideal|model) (?:answer|solution|response"
        r"|output)GAP(?:compare|student|candidate|predict|submission|same|equivalent|match)",
        r"(?:compare|student|candidate|predicted|prediction|submission|equivalent|match|same|correct)GAP(?:reference"
        r"|gold(?:en)?|ground[- ]truth|expected) (?:answer|solution|response|output)",
        r"(?:student|submitted)(?:'s)? (?:answer|solution|response|essay|submission)",
        r"(?:参考|标准)答案|(?:模範|正解)(?:解答|回答)|(?:모범|참조) ?(?:답안|정답)|эталонн[а-я]{1,3} ответ",
        r"respuestas? de referencia|réponses? de référence|(?:referenz|muster)(?:antwort|lösung)",
        r"respostas? de referência|rispost[ae] di riferimento",
        *MORE["reference"],
    ),
)

CLASSES: tuple[str, ...] = tuple(one.name for one in RULES)
"""The classes' names in the order of their bits."""

match = Phrases(RULES).match


def names(bits: int) -> tuple[str, ...]:
    """The names of the classes whose bits are set."""
    return named(RULES, bits)
