"""Classes of reasoning elicitation that a text matches, one bit each; linear in the text's length."""

from __future__ import annotations

import re
from typing import NamedTuple


class _Class(NamedTuple):
    """One way of asking for reasoning: the words that must occur, and the wording that must match."""

    name: str
    anchors: tuple[str, ...]  # a text without any of them is passed over at the cost of a substring search
    pattern: re.Pattern[str]


def _class(name: str, anchors: str, *wordings: str) -> _Class:
    # Gaps are bounded, so that the time is linear in the text whatever it holds.
    return _Class(name, tuple(anchors.split("|")), re.compile("|".join(f"(?:{wording})" for wording in wordings)))


_GAP = r"[^.!?。！？\n]{0,60}?"
_THOUGHT = (
    r"(?:reasoning|thinking|thoughts?|thought process|chain[- ]of[- ]thought|cot|rationale|deliberation|inner monologue"
    r"|internal monologue|scratch ?pad|train of thought|working memory)"
)
_WHOLE = (
    r"(?:complete|full|entire|whole|all(?: of)?|every|raw|private|hidden|internal|inner|unabridged|uncut|verbose|exhaustive"
    r"|detailed internal|unfiltered|original)"
)
_WRITE = (
    r"(?:write(?: out| down)?|show|print|output|reveal|expose|include|give|dump|record|transcribe|reproduce|display|share"
    r"|provide|list|emit|return|disclose)"
)

_CLASSES: tuple[_Class, ...] = (
    _class(
        "steps",
        "step|think|reason|work|一步|分步|逐步|思考|推理|paso a paso|étape par|schritt für|passo a|шаг|ステップ|段階|順を|단계|차근"
        "|خطوة",
        r"(?:think|reason|work|go|proceed|solve|explain|answer|walk|respond)\b" + _GAP + r"step[- ]by[- ]step",
        r"step[- ]by[- ]step (?:reasoning|solution|explanation|thinking|derivation)",
        r"let'?s (?:think|reason|work)",
        r"think (?:carefully|aloud|out loud|hard|deeply|before)",
        r"(?:show|explain|write down|include) (?:all |each of )?(?:your|the|its) (?:work(?:ing)?s?|reasoning|steps|thinking)\b",
        r"reason (?:through|about) (?:it|this|the problem|each)",
        r"(?:explain|give|with|include) (?:me )?(?:your|the|its) (?:full|complete|entire|detailed) reasoning",
        r"一步一?步|逐步(?:思考|推理|分析|解答)|分步|先思考|给出(?:推理|思考)过程|展示(?:推理|思考)",
        r"paso a paso|étape par étape|schritt für schritt|passo a passo|шаг за шагом|пошагово",
        r"ステップ[・ ]?バイ[・ ]?ステップ|段階的に(?:考え|推論)|順を追って|단계별로|차근차근|خطوة بخطوة",
    ),
    _class(
        "worked",
        "solution|every step|each step|working|derivation|proof|详细|过程|過程|解説|풀이|lösungsweg|solución|решени",
        r"(?:complete|full|detailed|worked|fully worked)(?: out)? (?:solution|working|derivation|proof)",
        r"explain why (?:every|each) step|justify (?:every|each) step|complete working",
        r"详细(?:的)?(?:解答|解题|解法)|解(?:答|题)过程|詳しい解説|풀이 ?과정|vollständige[nr]? lösungsweg"
        r"|solución (?:completa|detallada)|solution détaillée|подробное решение",
    ),
    _class(
        "tags",
        "<|[|_of_thought| tags",
        r"[<\[](?:/)?(?:think(?:ing)?|reason(?:ing)?|thoughts?|scratch_?pad|cot|rationale|analysis|inner_monologue"
        r"|reflection|chain_of_thought)[>\]]",
        r"begin_of_thought",
        r"(?:inside|within|between|in|use) (?:the )?(?:xml )?(?:think(?:ing)?|reasoning|thought) tags",
    ),
    _class(
        "full",
        "reasoning|thinking|thought|monologue|scratch|cot|rationale|deliberation|memory|inference|dead end|思|推理"
        "|razonamiento|raisonnement|gedanken|raciocínio|рассужден|사고|추론",
        _WRITE + r"\b" + _GAP + r"\b" + _WHOLE + r"\b[^.!?\n]{0,25}?\b" + _THOUGHT,
        _WHOLE + r" (?:of )?(?:your|the|its) (?:\w+ )?" + _THOUGHT,
        r"(?:every|each)(?: single| intermediate)? (?:thought|inference|dead end)",
        r"(?:internal|inner|private|hidden) (?:\w+ )?" + _THOUGHT,
        r"(?:do not|don'?t|never|without) (?:summari[sz]\w+|abbreviat\w+|omit\w*|skip\w*|leav\w+ (?:anything|any)(?: \w+)? out)"
        + _GAP
        + _THOUGHT,
        r"(?:写|输出|展示|给出|写出)[^。！？\n]{0,20}(?:完整|全部|详细|内部|所有|内心)[^。！？\n]{0,10}(?:思维链|思考过程|推理过程|推理|思考)",
        r"思维链|内心(?:独白|思考)",
        r"(?:todo (?:tu|el)|completo) (?:\w+ )?razonamiento|razonamiento (?:completo|interno)",
        r"raisonnement (?:complet|interne|intégral)|(?:vollständigen?|inneren?) gedanken(?:gang|gänge)?",
        r"raciocínio (?:completo|interno)|(?:полн\w+|внутренн\w+|все) рассуждени\w+|思考過程をすべて|내부 (?:사고|추론)",
    ),  # fmt: skip
    _class(
        "behind",
        "reasoning|thought|thinking|arrived at|came to|reached|推理|思考",
        r"reasoning (?:that|which) (?:led|leads|would lead|brought|produced)",
        r"(?:reconstruct|imagine|recreate|articulate|back ?fill|infer) (?:\w+ ){0,4}(?:reasoning|thought process|thinking"
        r"|chain[- ]of[- ]thought)",
        r"(?:reasoning|thinking|thought process) behind (?:the|this|that|your|an?) (?:\w+ ){0,3}(?:answer|response|solution"
        r"|completion|output)",
        r"how (?:you|the assistant) (?:arrived at|came to|reached) (?:the|this|that|your) (?:\w+ )?(?:answer|response|result)",
        r"(?:还原|重构|反推)[^。\n]{0,12}(?:推理|思考)",
    ),
    _class(
        "language",
        "think|reason|deliberate|language|思考|推理",
        r"(?:think|reason|deliberate) (?:only |entirely |strictly )?in (?:the )?(?:english|chinese|german|french|spanish"
        r"|russian|japanese|korean|arabic|hindi|portuguese|italian|user'?s|same language|language of)",
        r"(?:thinking|reasoning|thoughts?)(?: content| process| trace| section)? (?:must|should|has to|have to|needs? to)"
        + _GAP
        + r"(?:in|match|use)\b"
        + _GAP
        + r"(?:language|english|chinese|japanese|korean|german)",
        r"language of (?:your|the) (?:thinking|reasoning|thoughts?)",
        r"用(?:中文|英文|日文|韩文)(?:进行)?(?:思考|推理)|思考(?:内容|过程)?(?:的)?语言",
    ),  # fmt: skip
    _class(
        "debug",
        "debug|inspection|diagnostic| mode|audit|调试|诊断",
        r"(?:debug(?:ging)?|inspection|diagnostics?|developer|audit|maintenance|trace|introspection) mode",
        r"(?:for|as part of|this is)(?: an?)? (?:debugging|diagnostic|inspection|audit|internal debugging)"
        r"(?: purposes?| session| run)?" + _GAP + r"(?:" + _THOUGHT + r"|system prompt|hidden|internal)",
        r"(?:" + _THOUGHT + r")" + _GAP + r"for (?:debugging|diagnostic|inspection) purposes?",
        r"(?:调试|诊断)模式",
    ),
    _class(
        "override",
        "system |ignore|disregard|forget|系统提示|指令",
        r"(?:this|the following|below|here) is (?:now )?(?:the|your) (?:real|true|actual|only|new|updated) system"
        r" (?:prompt|message|instructions?)",
        r"(?:ignore|disregard|forget) (?:all |any )?(?:of )?(?:the |your )?(?:previous|prior|above|earlier)"
        r" (?:system )?(?:instructions?|prompts?|messages?)",
        r"(?:repeat|print|reveal|output|show|tell me) (?:\w+ ){0,3}(?:your|the) (?:\w+ )?system (?:prompt|message|instructions?)",
        r"(?:忽略|无视)(?:之前|以上|先前)的(?:所有)?指令|(?:真正|实际)的系统提示",
    ),
    _class(
        "translate",
        "translat|transliterat|翻译|音译|romani",
        r"(?:translate|transliterate|romani[sz]e)"
        + _GAP
        + r"(?:your|the|prior|previous|earlier|hidden|internal)"
        + _GAP
        + r"(?:"
        + _THOUGHT
        + r"|memory|context window|system prompt)",
        r"(?:翻译|音译)[^。\n]{0,15}(?:推理|思考|记忆|思维)",
    ),  # fmt: skip
    _class(
        "exact",
        "verbatim|word-|word for|character|exactly as|逐字|一字不差|原封不动",
        r"(?:verbatim|word[- ]for[- ]word|character[- ](?:for[- ]character|exact)|exactly as (?:it|you|they))"
        + _GAP
        + r"(?:"
        + _THOUGHT
        + r"|system prompt|instructions|memory)",
        r"(?:"
        + _THOUGHT
        + r"|system prompt|your instructions|your memory)"
        + _GAP
        + r"(?:verbatim|word[- ]for[- ]word|character[- ](?:for[- ]character|exact))",
        r"(?:逐字|一字不差|原封不动)[^。\n]{0,15}(?:推理|思考|提示词|思维)",
    ),  # fmt: skip
    _class(
        "classifier",
        "classifier|filter|moderation |safety |分类器|过滤器|审核",
        r"(?:note|message|dear|hello|instruction|to|tell)(?: to| for)? (?:the )?(?:\w+ )?(?:classifier|content filter"
        r"|moderation (?:model|system)|safety (?:monitor|filter|system))\s?[:,]",
        r"(?:classifier|content filter|safety monitor|moderation model)"
        + _GAP
        + r"(?:must|should|please|may|can) (?:ignore"
        r"|allow|pass|not flag|treat|skip|approve)",
        r"(?:bypass|evade|avoid|without triggering|not trigger) (?:the |any )?(?:\w+ )?(?:classifier|content filter)",
        r"(?:分类器|过滤器|审核系统)[^。\n]{0,10}(?:忽略|放行|通过)",
    ),
    _class(
        "expand",
        "signature|encrypted|redacted|reasoning |签名|加密",
        r"(?:expand|decode|decrypt|unpack|restore|restate|rehydrate|decompress|continue from|recover)"
        + _GAP
        + r"(?:signature|encrypted (?:reasoning|thinking|thought|content|block)|redacted[_ ]thinking|thought ?signature"
        r"|reasoning (?:token|blob|block))",
        r"(?:解密|展开|还原)[^。\n]{0,12}(?:签名|加密)",
    ),  # fmt: skip
    _class(
        "identity",
        "you are |act as |pretend|你是",
        r"you are (?:now |actually |really )?(?:chatgpt|gpt-?\d|claude|gemini|bard|copilot|deepseek|qwen|kimi|glm|grok|llama"
        r"|mistral|doubao|ernie)\b",
        r"(?:act|respond|answer|behave) as (?:if you (?:are|were) )?(?:chatgpt|gpt-?\d|claude|gemini|deepseek|qwen|kimi|grok)\b",
        r"you are (?:an? )?(?:\w+ ){0,3}(?:made|trained|developed|created|built) by (?:openai|anthropic|google|deepseek|alibaba"
        r"|moonshot|xai|meta|mistral|zhipu|baidu|bytedance)",
        r"你是(?:由)?(?:chatgpt|claude|gemini|deepseek|通义|千问|豆包|文心|智谱|月之暗面|阿里|百度|字节)",
    ),
)

CLASSES: tuple[str, ...] = tuple(one.name for one in _CLASSES)
"""The classes' names in the order of their bits."""

PLAIN = (1 << CLASSES.index("steps")) | (1 << CLASSES.index("worked")) | (1 << CLASSES.index("identity"))
"""Bits that ordinary clients set too: thinking aloud, a worked solution, a persona's name."""


def match(text: str) -> int:
    """Bits of the CLASSES that `text` matches; linear in its length, which the caller bounds."""
    folded = text.casefold()
    bits = 0
    for position, (_, anchors, pattern) in enumerate(_CLASSES):
        for anchor in anchors:
            if anchor in folded:
                if pattern.search(folded):
                    bits |= 1 << position
                break
    return bits


def names(bits: int) -> tuple[str, ...]:
    """The names of the classes whose bits are set."""
    return tuple(name for position, name in enumerate(CLASSES) if bits >> position & 1)
