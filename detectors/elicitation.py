"""Classes of reasoning elicitation that a text matches, one bit each; linear in the text's length."""

from __future__ import annotations

from detectors.elicitation_languages import MORE
from detectors.phrases import Phrases, Rule, named, rule

# Upper-case words in a wording stand for these parts; texts are folded to lower case, so nothing clashes.
_PARTS = {
    "ONE": r"\w{1,40}",  # a word; bounded too
    "HANZI": r"[^。!?\nぁ-ー]",  # a sign of a Chinese sentence; a Japanese one that has the same words has kana too
    "GAP": r"[^.!?。\n]{0,60}?",  # bounded, so that the time is linear in the text whatever it holds
    "THOUGHT": r"(?:reasoning|thinking|thoughts?|thought process|chain[- ]of[- ]thought|cot|rationale|deliberation"
    r"|inner monologue|internal monologue|scratch ?pad|train of thought|working memory)",
    "WHOLE": r"(?:complete|full|entire|whole|all(?: of)?|every|raw|private|hidden|internal|inner|unabridged|uncut"
    r"|verbose|exhaustive|unfiltered|original)",
    "WRITE": r"(?:write(?: out| down)?|show|print|output|reveal|expose|include|give|dump|record|transcribe|reproduce"
    r"|display|share|provide|list|emit|return|disclose)",
    "VENDOR": r"(?:chatgpt|gpt-?\d|claude|gemini|bard|copilot|deepseek|qwen|kimi|glm|grok|llama|mistral|doubao|ernie)",
    "MAKER": r"(?:openai|anthropic|google|deepseek|alibaba|moonshot|xai|meta|mistral|zhipu|baidu|bytedance)",
    "TONGUE": r"(?:english|chinese|german|french|spanish|russian|japanese|korean|arabic|hindi|portuguese|italian)",
}

RULES: tuple[Rule, ...] = (
    # A plain request to think aloud or to show the work.
    rule(
        "steps",
        _PARTS,
        r"(?:think|reason|work|go|proceed|solve|explain|answer|walk|respond)\bGAPstep[- ]by[- ]step",
        r"step[- ]by[- ]step (?:reasoning|solution|explanation|thinking|derivation)",
        r"let'?s (?:think|reason|work)",
        r"think (?:carefully|aloud|out loud|hard|deeply|before)",
        r"(?:show|explain|write down|include) (?:all |each of )?(?:your|the|its) (?:work(?:ings?|s)?|reasoning|steps"
        r"|thinking)\b",
        r"reason (?:through|about) (?:it|this|the problem|each)",
        r"(?:explain|give|with|include) (?:me )?(?:your|the|its) (?:full|complete|entire|detailed) reasoning",
        r"一步一?步|逐步(?:思考|推理|分析|解答)|分步|先思考|给出(?:推理|思考)过程|展示(?:推理|思考)",
        r"paso[- ]a[- ]paso|étape[- ]par[- ]étape|schritt[- ]für[- ]schritt|passo[- ](?:a|dopo)[- ]passo",
        r"шаг[- ]за[- ]шагом|пошагово|خطوة بخطوة|단계 ?별로|단계적으로|차근차근",
        r"ステップ[・ ]?バイ[・ ]?ステップ|段階的に(?:考え|思考|推論)|順(?:を追|序立て)って|順序立てて",
        *MORE["steps"],
    ),
    # A worked solution, as in a textbook.
    rule(
        "worked",
        _PARTS,
        r"(?:complete|full|detailed|worked|fully worked)(?: out)? (?:solution|working|derivation|proof)",
        r"explain why (?:every|each) step|justify (?:every|each) step|complete working",
        r"详细(?:的)?(?:解答|解题|解法)|解(?:答|题)过程|詳しい(?:解説|解答)|詳細な(?:解説|解答)|풀이 ?과정",
        r"vollständige[nrs]? lösungsweg|soluci(?:ón completa|ones completas)|soluci(?:ón detallada|ones detalladas)",
        r"solutions? détaillées?|soluç(?:ão completa|ões completas|ão detalhada|ões detalhadas)",
        r"soluzion[ei] (?:complet|dettagliat)[ae]|подробн(?:ое|ого|ым|ые|ых) решени",
        *MORE["worked"],
    ),
    # Reasoning inside inline tags before the answer.
    rule(
        "tags",
        _PARTS,
        r"[<\[]/?(?:think(?:ing)?|reason(?:ing)?|thoughts?|scratch_?pad|cot|rationale|analysis|inner_monologue"
        r"|reflection|chain_of_thought)[>\]]",
        r"begin_of_thought",
        r"(?:inside|within|between|in|use) (?:the )?(?:xml )?(?:think(?:ing)?|reasoning|thought) tags",
        *MORE["tags"],
    ),
    # All of the reasoning, private or hidden reasoning, nothing left out.
    rule(
        "full",
        _PARTS,
        r"WRITE\bGAP\bWHOLE\b[^.!?\n]{0,25}?\bTHOUGHT",
        r"WHOLE (?:of )?(?:your|the|its) (?:ONE )?THOUGHT",
        r"(?:every|each)(?: single| intermediate)? (?:thought|inference|dead end)",
        r"(?:internal|inner|private|hidden) (?:ONE )?THOUGHT",
        r"(?:do not|don'?t|never|without) (?:summari[sz]ONE|abbreviatONE|omit\w*|skip\w*)GAPTHOUGHT",
        r"(?:写|输出|展示|给出|写出)HANZI{0,20}(?:完整|全部|详细|内部|所有|内心)HANZI{0,10}"
        r"(?:思维链|思考过程|推理过程|推理|思考)",
        r"思维链|内心(?:独白|思考)|思考過程を(?:すべて|全て|全部)|내부(?:의|적)? ?(?:사고|추론)",
        r"(?:todo (?:tu|su|el)|completo) (?:ONE )?razonamiento|razonamientos? (?:completo|interno)",
        r"raisonnements? (?:complet|interne|intégra)|(?:vollständige|innere)[nrms]? gedanken(?:gang|gänge)?",
        r"raciocínios? (?:completo|interno)|ragionament[oi] (?:complet|intern)[oi]",
        r"(?:полнONE|внутреннONE|все) (?:ONE )?рассуждениONE",
        *MORE["full"],
    ),
    # The reasoning behind a finished answer.
    rule(
        "behind",
        _PARTS,
        r"reasoning (?:that|which) (?:led|leads|would lead|brought|produced)",
        r"(?:reconstruct|imagine|recreate|articulate|back ?fill|infer) (?:ONE ){0,4}(?:reasoning|thought process"
        r"|thinking|chain[- ]of[- ]thought)",
        r"(?:reasoning|thinking|thought process) behind (?:the|this|that|your|an?) (?:ONE ){0,3}(?:answer|response"
        r"|solution|completion|output)",
        r"how (?:you|the assistant) (?:arrived at|came to|reached) (?:the|this|that|your) (?:ONE )?(?:answer|response"
        r"|result)",
        r"(?:还原|重构|反推)HANZI{0,12}(?:推理|思考)",
        *MORE["behind"],
    ),
    # The language in which to think.
    rule(
        "language",
        _PARTS,
        r"(?:think|reason|deliberate) (?:only |entirely |strictly )?in (?:the )?(?:TONGUE|user'?s|same language"
        r"|language of)",
        r"(?:thinking|reasoning|thoughts?)(?: content| process| trace| section)? (?:must|should|has to|have to"
        r"|needs? to)GAP(?:in|match|use)\bGAP(?:language|TONGUE)",
        r"language of (?:your|the) (?:thinking|reasoning|thoughts?)",
        r"用(?:中文|英文|日文|韩文)(?:进行)?(?:思考|推理)|思考(?:内容|过程)?(?:的)?语言",
        *MORE["language"],
    ),
    # A debugging or inspection mode.
    rule(
        "debug",
        _PARTS,
        r"(?:debug(?:ging)?|inspection|diagnostics?|developer|audit|maintenance|trace|introspection) mode",
        r"(?:for|as part of|this is)(?: an?)? (?:debugging|diagnostic|inspection|audit)(?: purposes?| session| run)?"
        r"GAP(?:THOUGHT|system prompt|hidden|internal)",
        r"THOUGHTGAPfor (?:debugging|diagnostic|inspection) purposes?",
        r"(?:调试|诊断)模式",
        *MORE["debug"],
    ),
    # A claim to be the true system prompt, or a wish to see it.
    rule(
        "override",
        _PARTS,
        r"(?:this|the following|below|here) is (?:now )?(?:the|your) (?:real|true|actual|only|new|updated) system"
        r" (?:prompt|message|instructions?)",
        r"(?:ignore|disregard|forget) (?:all |any )?(?:of )?(?:the |your )?(?:previous|prior|above|earlier)"
        r" (?:system )?(?:instructions?|prompts?|messages?)",
        r"(?:repeat|print|reveal|output|show|tell me) (?:ONE ){0,3}(?:your|the) (?:ONE )?system (?:prompt|message"
        r"|instructions?)",
        r"(?:忽略|无视)(?:之前|以上|先前)的(?:所有)?指令|(?:真正|实际)的系统提示",
        r"(?<!not )(?<!n't )(?<!never )forget (?:ONE ){0,2}?instructions? (?:ONE ){1,4}?(?:received|given)\b",
        *MORE["override"],
    ),
    # Memory or earlier reasoning, translated or transliterated.
    rule(
        "translate",
        _PARTS,
        r"(?:translate|transliterate|romani[sz]e)GAP(?:your|the|prior|previous|earlier|hidden|internal)GAP"
        r"(?:THOUGHT|memory|context window|system prompt)",
        r"(?:翻译|音译)HANZI{0,15}(?:推理|思考|记忆|思维)",
        *MORE["translate"],
    ),
    # Reasoning or instructions, exact to the character.
    rule(
        "exact",
        _PARTS,
        r"(?:verbatim|word[- ]for[- ]word|character[- ](?:for[- ]character|exact)|exactly as (?:it|you|they))GAP"
        r"(?:THOUGHT|system prompt|instructions|memory)",
        r"(?:THOUGHT|system prompt|your instructions|your memory)GAP(?:verbatim|word[- ]for[- ]word"
        r"|character[- ](?:for[- ]character|exact))",
        r"(?:逐字|一字不差|原封不动)HANZI{0,15}(?:推理|思考|提示词|思维)",
        *MORE["exact"],
    ),
    # Words for the classifier that watches.
    rule(
        "classifier",
        _PARTS,
        r"(?:note|message|dear|hello|instruction|to|tell)(?: to| for)? (?:the )?(?:ONE )?(?:classifier|content filter"
        r"|moderation (?:model|system)|safety (?:monitor|filter|system))\s?[:,]",
        r"(?:classifier|content filter|safety monitor|moderation model)GAP(?:must|should|please|may|can) (?:ignore"
        r"|allow|pass|not flag|treat|skip|approve)",
        r"(?:bypass|evade|avoid|without triggering|not trigger) (?:the |any )?(?:ONE )?(?:classifier|content filter)",
        r"(?:分类器|过滤器|审核系统)HANZI{0,10}(?:忽略|放行|通过)",
        *MORE["classifier"],
    ),
    # An encrypted block, a token or a signature to be expanded.
    rule(
        "expand",
        _PARTS,
        r"(?:expand|decode|decrypt|unpack|restore|restate|rehydrate|decompress|continue from|recover)GAP(?:signature"
        r"|encrypted (?:reasoning|thinking|thought|content|block)|redacted[_ ]thinking|thought ?signature"
        r"|reasoning (?:token|blob|block))",
        r"(?:解密|展开|还原)HANZI{0,12}(?:签名|加密)",
        *MORE["expand"],
    ),
    # The assistant as another vendor's product.
    rule(
        "identity",
        _PARTS,
        r"you are (?:now |actually |really )?VENDOR\b",
        r"(?:act|respond|answer|behave) as (?:if you (?:are|were) )?VENDOR\b",
        r"you are (?:an? )?(?:ONE ){0,3}(?:made|trained|developed|created|built) by MAKER\b",
        r"你是(?:由)?(?:chatgpt|claude|gemini|deepseek|通义|千问|豆包|文心|智谱|月之暗面|阿里|百度|字节)",
        *MORE["identity"],
    ),
)

CLASSES: tuple[str, ...] = tuple(one.name for one in RULES)
"""The classes' names in the order of their bits."""

PLAIN = sum(1 << CLASSES.index(name) for name in ("steps", "worked", "tags", "override", "identity"))
"""Bits that ordinary clients set too: thinking aloud, in tags as prompt guides advise, a worked solution, a
security test's override, a persona's name."""

_PHRASES = Phrases(RULES)
match_many = _PHRASES.match_many
match = _PHRASES.match


def names(bits: int) -> tuple[str, ...]:
    """The names of the classes whose bits are set."""
    return named(RULES, bits)
