"""Classes of wordings in which a text asks for material to train with; one bit each, found as elicitation is."""

from __future__ import annotations

from detectors.phrases import Phrases, Rule, named, rule
from detectors.synthesis_languages import MORE, TEXTS

# What stands for the names in upper case.
_PARTS = {
    "ONE": r"\w{1,40}",  # a word; bounded too
    "HANZI": r"[^。!?\nぁ-ー]",  # a sign of a Chinese sentence; a Japanese one that has the same words has kana too
    "GAP": r"[^.!?。\n]{0,60}?",
    "MAKE": r"(?:generate|create|write|produce|compose|design|formulate|propose|invent|devise|craft|construct|draft"
    r"|come up with|brainstorm|make up|synthesi[sz]e|think of|develop)",
    "COUNT": r"(?:\d{1,4}|an?|the|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|fifty"
    r"|several|many|multiple|some|more|another|a (?:set|list|series|number|batch|collection|pool|range) of)",
    "TASK": r"(?:questions?|instructions?|tasks?|problems?|prompts?|quer(?:y|ies)|exercises?|puzzles?|riddles?)",
    "SOURCE": r"(?:context|passage|document|text|paragraph|article|chunk|excerpt|snippet|content|material|abstract)",
    "REPLY": r"(?:response|answer|output|completion|solution|reply)",
    "PREGUNTAS": r"(?:preguntas?|instrucciones|instrucción|tareas?|ejercicios?|\d problemas)",
    "FRAGEN": r"(?:fragen?|anweisung(?:en)?|aufgaben?|übungen|übung)",
    "LEARNER": r"(?:model|models|llm|llms|ai|assistant|chatbot|network|classifier|embedder|retriever)",
    **TEXTS,
}

RULES: tuple[Rule, ...] = (
    # New questions, instructions or tasks.
    rule(
        "tasks",
        _PARTS,
        r"MAKE (?:me |exactly |at least |up to |about |only |just )?(?:COUNT )?(?:[\w'-]{1,40},? ){0,4}?TASK\b",
        r"(?:generate|generating|creating|writing|come up with) (?:[\w'-]{1,40},? ){0,3}?(?:user (?:requests?"
        r"|inputs?|messages?"
        r"|utterances?)|test cases|seed (?:tasks?|examples?))",
        r"(?:generation|generator|creation|writer|creator) of (?:[\w'-]{1,40} ){0,2}?TASK\b|TASK (?:generator"
        r"|writer|creator)\b",
        r"(?:生成|创建|编写|设计|提出|撰写|构造|写出|编造|创作|拟定)HANZI{0,20}(?:问题|指令|任务|题目|提示词|练习题"
        r"|试题|应用题)",
        r"(?:生成|创建|编写|设计|提出|编造|拟定|给我出|请出|帮我出)HANZI{0,6}[\d一二两三四五六七八九十几]\s?道HANZI{0,8}题",
        r"(?:質問|問題|指示文?|タスク|課題|プロンプト)(?:[\d一二三四五六七八九十]{1,3}[つ個問件])?を[^。\n]{0,12}"
        r"(?:生成|作成|作(?:って|りなさい|れ)|考え(?:て|なさい|よ)|書(?:いて|きなさい)|出題)",
        r"(?:질문|문제|지시문?|과제|프롬프트)(?:들)?(?:을|를|\s?\d{1,4}\s?(?:개|가지|문항))[^.\n]{0,12}(?:생성|작성|만들|만드[세십시])",
        r"(?:genera|generar|crea|crear|escribe|redacta|inventa|elabora|formula)\bGAP(?:preguntas?|instrucciones"
        r"|instrucción"
        r"|tareas?|problemas?|ejercicios?)\b",
        r"(?:genere|generad|genérame|cree(?! (?:que|en)\b)|cread|créame|escriba|escribir|escribid|escríbeme|redacte"
        r"|redactar|invente|inventar|elabore|elaborar|formule|formular)\bGAPPREGUNTAS\b",
        r"(?:gén[èé]re[rz]?|crée[rz]?|écri(?:s|re|vez)|rédige[rz]?|invente[rz]?|formule[rz]?)\bGAP(?:questions?"
        r"|instructions?"
        r"|tâches?|problèmes?|exercices?)\b",
        r"(?:generieren?|erstell(?:en?)?|schreib(?:en?)?|erzeugen?|entwirf|entwerfen|formulieren?|erfinden?)\bGAPFRAGEN\b",
        r"(?:\d|zwei|drei|vier|fünf|sechs|acht|zehn|zwölf|zwanzig|neue|weitere|einige|mehrere) (?:ONE ){0,2}FRAGEN\b"
        r"[^.!?,\n]{0,60}?(?<!zum )(?<!beim )(?:generieren|erstellen|schreiben|erzeugen|entwerfen|formulieren|erfinden)"
        r"(?=\s?[.!?:;,)]|\s?$| und\b)",
        r"(?:gere|crie|escreva|elabore|invente|formule)\bGAP(?:perguntas?|instruções|instrução|tarefas?|problemas?"
        r"|exercícios?)\b",
        r"(?:gerar|criar|escrever|elaborar|inventar|formular)\bGAP(?:perguntas?|instruções|instrução|tarefas?|exercícios?"
        r"|\d problemas)\b",
        r"(?:genera|generare|generate|generi|crea|creare|create|crei|scrivi|scrivere|scrivete|scriva|inventa|inventare"
        r"|formula|formulare|elabora|elaborare)\bGAP(?:domand[ae]|istruzion[ei]|compit[oi]|esercizi(?:o)?)\b",
        r"(?:сгенериру|созда|напиши|придума|состав|сформулиру|сгенерировать|генерируй|генерировать|написать"
        r"|придумывать|сформулировать)[а-я]{0,6}GAP(?:вопрос|инструкци|задач|задани|упражнени)",
        *MORE["tasks"],
    ),
    # A task together with its answer, or a triple for an embedder.
    rule(
        "pairs",
        _PARTS,
        r"(?:question|problem|instruction|prompt|query|input)s?(?: and |[- ]?&[- ]?|[-/ ]|, )(?:their |its |an? )?"
        r"(?:REPLY|passage|document)s? (?:pairs?|tuples?|triplets?|triples?|examples?|dataset)",
        r"\b(?:qa|q&a|q/a|q-a)[- ](?:pairs?|dataset|examples?|triplets?)",
        r"(?:pairs?|sets?) of (?:ONE ){0,2}(?:questions?|instructions?|prompts?|problems?|queries)"
        r"(?: and |[- /&]{1,3})(?:ONE ){0,2}REPLYs?",
        r"instruction, (?:an? )?(?:input|context),? (?:and )?(?:an? )?(?:output|response)",
        r"(?:hard|easy) negative (?:document|passage|example|sample|sentence)s?",
        r"(?:chosen|preferred|winning|good) (?:and|or|vs\.?|/) (?:a |an )?(?:rejected|dispreferred|losing|bad)\b",
        r"问答对|问题(?:和|与|及|、|-)答案(?:对)?|指令(?:和|与|、|-)(?:回复|输出|响应|回答)|(?:질문"
        r"|문답)[- ]?(?:과 )?(?:답변 )?쌍|質問(?:と|・|-|/)?(?:回答|答え)の?(?:ペア|組|セット)",
        r"pares (?:de )?pregunta|paires? (?:de )?questions?|fragen?[- ](?:und[- ])?antwort(?:en)?[- ]?paare?",
        r"pares (?:de )?pergunta|coppie (?:di )?domand|пар(?:ы|а|у|ами)? [«\"]?вопрос",
        r"(?:quer(?:y|ies)|requests?|questions?|instructions?) and (?:the |their |its )?(?:corresponding|matching"
        r"|correct|expected|right|necessary) (?:function|tool|api)[- ]calls?",
        *MORE["pairs"],
    ),
    # What it is for.
    rule(
        "training",
        _PARTS,
        r"(?:training|fine[- ]?tuning|finetuning|instruction[- ]tuning|sft|rlhf|dpo|distillation|alignment"
        r"|pre-?training)"
        r" (?:ONE ){0,2}(?:data|datasets?|sets?|corpus|examples?|samples?|pairs?|instances?)\b",
        r"synthetic (?:ONE ){0,2}(?:data|datasets?|examples?|samples?|corpus|conversations?|dialogues?|documents?)\b",
        r"(?:to|for|of) (?:train|training|fine-?tune|fine-?tuning|teach|teaching|align|aligning|distill|distilling"
        r"|instruct)"
        r" (?:an? |the |another |our |new )?(?:[\w-]{1,40} ){0,3}?LEARNER\b",
        r"(?:teach|train|help)(?:es|s|ing)? (?:an? |the )?(?:student|smaller|weaker|target|other) LEARNER\b",
        r"训练(?:数据|资料|样本|语料|集)(?![ぁ-ー])|微调(?!整)|(?:数据|资料)集(?:的)?(?:样本|构建|生成)|合成(?:数据|资料)(?![ぁ-ー])",
        r"(?:学習|訓練)(?:用)?データ|ファインチューニング|학습(?:용)? ?데이터|파인 ?튜닝",
        r"datos de entrenamiento|données d'entra[iî]nement|trainings(?:daten|beispiel)|dados de trein(?:o|amento)",
        r"dati di (?:addestramento|training)|обучающ[а-я]{2,3} (?:данн|выборк|пример)|дообуч(?:ени|ить)",
        r"(?:student|smaller|weaker) LEARNER (?:ONE ){0,3}?(?:learn from|learn how|imitate|mimic|be (?:fine-?tuned"
        r"|trained))",
        r"(?:textbook|course unit|wikihow|coursework)\bGAP(?:related to|inspired by|drawing on"
        r"|in the spirit of) (?:the |this |that |given |following ){0,2}(?:ONE )?(?:extract|excerpt|snippet"
        r"|web ?page|seed)\b",
        *MORE["training"],
    ),
    # A task made harder, or another one after its likeness or after a snippet.
    rule(
        "evolve",
        _PARTS,
        r"(?:rewrite|rewriting|evolve|rephrase|modify|transform|revise|adapt|upgrade|turn|complicate"
        r"|alter)\bGAPTASK\bGAP"
        r"(?:more|harder|complex|complicated|difficult|challenging|increas|another|new|version|variant|depth"
        r"|breadth)",
        r"(?:increase|increasing|raise|raising|enhance|deepen|elevate)\b[^.!?\n]{0,30}?(?:difficulty|complexity)\b",
        r"(?:harder|more (?:complex|complicated|difficult|challenging|demanding|advanced)) (?:version|variant"
        r"|form)?s?"
        r" ?(?:of )?(?:the |this |that |your |given )?(?:ONE )?TASK\b",
        r"(?:given|rewritten|evolved|created|new|original|final) (?:prompt|instruction|question|problem)#",
        r"(?:brand[- ]new|entirely new|completely new|similar but different|inspired by)\b[^.\n]{0,40}?TASK\b",
        r"add(?:ing)? (?:one|an?|some|more|another) (?:more )?(?:constraints?|requirements?)(?:[/ ](?:constraints?"
        r"|requirements?))?GAPTASK",
        r"(?:改写|重写|改编|升级|改造)HANZI{0,15}(?:指令|提示|问题|题目)|更复杂|更难|更有挑战|增加难度|提高难度|难度更高",
        r"(?:draw|take|gain|get|seek)(?:s|ing)? (?:ONE )?inspiration from (?:the |this |a "
        r"|an )?(?:ONE ){0,3}(?:instructions?|snippets?|seed (?:prompts?|questions?|tasks?|examples?))\b",
        *MORE["evolve"],
    ),
    # Unlike those there are.
    rule(
        "diverse",
        _PARTS,
        r"(?:diverse|varied|distinct|unique|novel|different|creative|wide variety of|wide range of|broad range of)"
        r" (?:[\w'-]{1,40},? ){0,3}?(?:TASK|sub-?topics?|topics|personas?|scenarios|conversations|dialogues)\b",
        r"(?:do not|don'?t|avoid|avoiding|without|never) (?:repeat|duplicat|reus|recycl)\w{0,4}\bGAP(?:TASK|verbs?"
        r"|topics?"
        r"|previous|existing|above|examples?|each other)",
        r"TASK\b[^.!?\n]{0,30}?(?:different|distinct|dissimilar|differ(?:s|ing)?) from (?:ONE ){0,2}(?:previous"
        r"|existing"
        r"|above|given|others?|examples?|each other|original)",
        r"(?:maximi[sz]|ensur|promot|increas)\w{1,3} (?:ONE )?diversity\b",
        r"多样(?:性|化)|不(?:要|得|能|可)重复|(?:与|和)(?:上述|以上|已有|现有|前面)HANZI{0,8}不同|多様(?:な|性)"
        r"|다양(?:한|성)",
        *MORE["diverse"],
    ),
    # What the tasks are to be about.
    rule(
        "topics",
        _PARTS,
        r"(?:list|generate|create|give|provide|suggest|name|propose|brainstorm|expand|identify"
        r"|break)\bGAP(?:sub-?topics?"
        r"|sub-?categories|sub-?fields|sub-?areas|sub-?domains|sub-?tasks)\b",
        r"(?:topic|concept|knowledge|skill) tree|taxonomy of|(?:root|parent|leaf) topic",
        r"(?:create|generate|invent|imagine|describe) (?:COUNT )?(?:[\w-]{1,40},? ){0,3}?personas?\b",
        r"(?:列出|生成|给出|提供)HANZI{0,12}(?:子主题|子话题|子类别|细分主题|子领域)",
        r"who (?:is|would be) (?:most )?likely to (?:read|write|ask)GAP(?:text|passage|document|web ?page)",
        *MORE["topics"],
    ),
    # The part of the user, or both parts.
    rule(
        "user",
        _PARTS,
        r"(?:simulat|imitat|mimic|emulat|impersonat)\w{0,5} (?:an? |the )?(?:ONE ){0,2}(?:user|human|customer"
        r"|student)s?\b",
        r"(?:act|acting|pretend|speak|respond|reply|write|behave|role-?play)\b[^.!?\n]{0,25}? (?:as|like) (?:an? "
        r"|the )?"
        r"(?:ONE )?(?:user|human)\b",
        r"(?:role|part) of (?:an? |the )?(?:ONE )?(?:user|human)\b",
        r"(?:user|human)(?:'s)? (?:next|first|follow-?up|opening) (?:ONE )?(?:messages?|questions?|quer(?:y|ies)"
        r"|turns?"
        r"|utterances?|repl(?:y|ies)|prompts?)",
        r"(?:next|follow-?up|another|plausible|realistic) (?:ONE )?(?:user|human) (?:messages?|questions?|quer(?:y"
        r"|ies)|turns?"
        r"|utterances?|prompts?|inputs?)",
        r"MAKE\b[^.!?\n]{0,40}?(?:conversations?|dialogues?|chats?) (?:between|where|in which)\b",
        r"(?:扮演|模拟|模仿)HANZI{0,8}(?:用户|使用者|人类|提问者)|(?:用户|使用者)(?:的)?(?:下一|后续)(?:个|条|轮|步)?(?:问题|消息"
        r"|提问|发言)",
        r"(?:生成|编写|创作|构造)HANZI{0,20}对话",
        r"MAKE\b[^.!?\n]{0,30}?multi-?(?:turn|round) (?:ONE )?(?:conversations?|dialogues?|dialogs?|chats?)",
        r"(?:humans?|users?|person|speakers?)\b[^.!?\n]{0,50}?\b(?:ai|assistant|chatbot|model"
        r"|agent)s?\b[^.!?\n]{0,20}?(?:take turns|taking turns|alternate) (?:ONE )?(?:chat|talk|speak|convers"
        r"|discuss|asking)",
        r"(?:human|user)(?:'s)? (?:statements?|turns?|messages?|lines?|utterances?) (?:always |must "
        r"|should )?(?:start|begin)s? with[^.!?\n]{0,40}?(?:ai|assistant|bot|model)\b",
        r"(?:complete|fill in|extend|continue) the (?:ONE )?transcript\b",
        r"(?:never|do not|don't) (?:flip|swap|reverse) (?:the |our |your )?roles?\b|(?:must|will|should|shall"
        r"|have to) (?:ONE )?instruct me\b",
        *MORE["user"],
    ),
    # The task for an answer or a text that is there.
    rule(
        "backward",
        _PARTS,
        r"TASK (?:that|which|whose|for which|to which)\b[^.!?\n]{0,30}?(?:lead|produce|result in|elicit|be answered"
        r"|yield"
        r"|answerable|answered|answer is|response is|output is|have been)",
        r"(?:guess|infer|reconstruct|predict|recover|reverse[- ]engineer)\b[^.!?\n]{0,40}?(?:TASK|user request)\b",
        r"MAKE\bGAPquestions?\b[^.!?\n]{0,40}?(?:based on|from|about|using|answerable|answered|covering"
        r"|grounded)\bGAPSOURCE",
        r"(?:based on|from|given|using|read|with) (?:ONE ){0,2}SOURCEGAP(?:MAKE)GAPquestions?\b",
        r"(?:根据|基于|阅读)HANZI{0,15}(?:文本|段落|上下文|文章|内容|资料|文档|材料)HANZI{0,15}(?:生成|提出|编写|设计"
        r"|构造)HANZI{0,10}(?:问题|问答|题)",
        *MORE["backward"],
    ),
)

CLASSES: tuple[str, ...] = tuple(one.name for one in RULES)
"""The classes' names in the order of their bits."""

MATERIAL: int = sum(1 << CLASSES.index(name) for name in ("pairs", "training", "evolve", "backward"))
"""The bits of the classes that seldom mean anything but training."""

TASKS: int = MATERIAL | sum(1 << CLASSES.index(name) for name in ("tasks", "topics", "user"))
"""The bits of all classes that ask for tasks: to wish for variety is common."""

match = Phrases(RULES).match


def names(bits: int) -> tuple[str, ...]:
    """The names of the classes whose bits are set."""
    return named(RULES, bits)
