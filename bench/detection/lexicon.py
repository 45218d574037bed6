"""Words and sentence frames in five languages, written for this benchmark: texts where no public source is at hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language: nouns by field of life; frames with {a} {b} nouns, {j} adjective, {p} reader, {n} {m} numbers."""

    nouns: tuple[tuple[str, ...], ...]  # of ten fields, the same order in every language
    adjectives: tuple[str, ...]
    readers: tuple[str, ...]
    links: tuple[str, ...]  # small words that answers are filled with
    questions: tuple[str, ...]
    tasks: tuple[str, ...]
    facts: tuple[str, ...]  # sentences of documents and answers
    notes: tuple[str, ...]  # what customers write
    sums: tuple[str, ...]  # word problems
    steps: tuple[str, ...]  # how a worked argument goes on
    follow: tuple[str, ...]  # follow-up turns
    space: str = " "
    stop: str = ". "


def _w(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _fields(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_w(line) for line in text.strip().splitlines())


ENGLISH = Lexicon(
    nouns=_fields("""
        dough oven lentils saffron broth knife yeast vinegar cellar pantry ladle grater cumin custard skillet brine
        ferry visa itinerary harbour luggage hostel railway timetable customs summit guidebook cabin detour border tram
        dividend mortgage ledger invoice pension tariff audit broker collateral payroll inflation deposit escrow bond
        vaccine artery insulin fracture allergy dosage enzyme tumour reflex pulse therapy migraine plasma symptom
        statute tenant verdict contract appeal patent witness clause copyright jury lease notary tribunal liability
        compost orchid pruning hedge aphid greenhouse bulb mulch orchard pollen trellis fern frost seedling topsoil
        neutron entropy orbit lens magnet quark vacuum friction isotope plasma resonance photon spectrum torque
        empire treaty dynasty siege guild archive parliament monastery colony revolt census fresco caravan charter
        compiler mutex socket database recursion cache pipeline kernel regex thread queue schema container webhook
        sonata rhythm cello chorus libretto tempo octave ballad conductor melody overture drummer harmony fugue
    """),
    adjectives=_w(
        "small old local cheap sudden modern quiet hidden regular strict simple rare early common heavy public useful "
        "fragile seasonal reliable"
    ),
    readers=_w("beginners pupils managers neighbours nurses visitors engineers parents owners auditors sailors"),
    links=_w(
        "the a of and to in with for that which is are was it this from on by as when because so each most can will "
        "should often also before after about between under more less than one some other"
    ),
    questions=(
        "What is the difference between {a} and {b}?",
        "Why does {a} matter for {j} {b}?",
        "How do I choose a {j} {a} without knowing much about {b}?",
        "Can {a} replace {b}, and what would it cost?",
        "When was {a} first used with {b}?",
        "Who decides whether a {a} counts as {j}?",
        "Is it true that {j} {a} harms {b}?",
        "What happens to {a} if {b} is missing for {n} days?",
    ),
    tasks=(
        "Write a guide to {a} for {p}, in {n} points.",
        "Explain {a} to {p} who only know {b}.",
        "List {n} arguments for and against {j} {a}.",
        "Draft a letter about a {j} {a} and the {b} that came with it.",
        "Compare {a} with {b} in a table and name the better one for {p}.",
        "Make up a story in which a {a} and a {b} change places.",
        "Give {n} examples of {j} {a} and say what they share.",
        "Sort these by age and explain: {a}, {b}, {c}.",
        "Suggest a name and a slogan for a shop that sells {a} and {b}.",
        "Turn this note into a plan: more {a}, less {b}, {n} weeks.",
        "Write code that stores a {a} with its {b} and finds the {j} ones.",
        "Correct this sentence and say why: the {a} were not {j} than {b}.",
    ),
    facts=(
        "A {j} {a} is kept apart from the {b} because both wear out in {n} months.",
        "Most {p} learn about {a} first and meet {b} later.",
        "In {y} the {a} of the town was {j}, and {b} was sold by weight.",
        "Without {a}, the {b} becomes {j} and has to be checked again.",
        "The rule for {a} says that {n} of {m} cases need {b}.",
        "Experts still argue whether {b} came before {a}.",
    ),
    notes=(
        "my {a} has not arrived, order {n}{m}",
        "Can I change the {a} to a {j} one?",
        "the {b} came without its {a}, please send it",
        "I was charged {n} twice for {a}",
        "How long does {a} take to {j} places?",
        "Your {a} page shows the wrong {b}.",
        "need a table for {n} near the {a} at {m}",
        "Where do I find the {j} {b} form?",
    ),
    sums=(
        "A shop has {n} {a} and sells {m} of them each day at {k} coins. How many coins are there after {d} days?",
        "{n} {p} share {m} {a} equally and give {k} back. How many does each one keep?",
        "A {a} weighs {n} times as much as a {b}. Together they weigh {m} pounds. How heavy is the {b}?",
        "It takes {n} {p} {d} hours to move {m} {a}. How long do {k} of them need?",
        "Of {m} {a}, {n} are {j} and a third of those have a {b}. How many {j} {a} have none?",
    ),
    steps=("First,", "Next,", "So", "Since", "Then", "It follows that", "Hence", "Therefore"),
    follow=("And why is that?", "Can you make it shorter?", "thanks, one more thing", "I still don't get it",
            "ok go on", "what about {a}?", "Say it for {p}, please", "Are you sure about the {b}?"),
)  # fmt: skip

CHINESE = Lexicon(
    nouns=_fields("""
        面团 烤箱 扁豆 藏红花 高汤 菜刀 酵母 米醋 地窖 食谱 汤勺 孜然 豆腐 腌菜
        渡轮 签证 行程 港口 行李 旅馆 铁路 时刻表 海关 山顶 向导 小屋 边境 电车
        股息 房贷 账本 发票 养老金 关税 审计 经纪人 抵押 工资 通胀 存款 债券 保险
        疫苗 动脉 胰岛素 骨折 过敏 剂量 酶 肿瘤 反射 脉搏 疗法 偏头痛 血浆 症状
        法规 租客 判决 合同 上诉 专利 证人 条款 版权 陪审团 租约 公证 法庭 责任
        堆肥 兰花 修剪 树篱 蚜虫 温室 球茎 果园 花粉 蕨类 霜冻 幼苗 表土 菊花
        中子 熵 轨道 透镜 磁铁 夸克 真空 摩擦 同位素 共振 光子 光谱 扭矩 电场
        帝国 条约 王朝 围城 行会 档案 议会 寺院 殖民地 起义 户籍 壁画 商队 宪章
        编译器 互斥锁 套接字 数据库 递归 缓存 流水线 内核 正则 线程 队列 模式 容器 回调
        奏鸣曲 节奏 大提琴 合唱 剧本 速度 八度 民谣 指挥 旋律 序曲 鼓手 和声 赋格
    """),
    adjectives=_w("小型 古老 本地 便宜 突然 现代 安静 隐藏 常见 严格 简单 稀有 早期 沉重 公共 有用 脆弱 可靠"),
    readers=_w("初学者 学生 经理 邻居 护士 游客 工程师 家长 业主 老人 孩子 水手"),
    links=_w("的 了 在 和 是 有 这 那 因为 所以 如果 可以 需要 通常 而且 之后 之前 关于 更多 其中 一些 每个 就 也 会"),
    questions=(
        "{a}和{b}有什么区别？",
        "为什么{a}对{j}的{b}很重要？",
        "不太了解{b}的人怎样选择{j}的{a}？",
        "{a}能代替{b}吗？要花多少钱？",
        "{a}最早是什么时候和{b}一起使用的？",
        "{j}的{a}真的会损害{b}吗？",
        "如果{n}天没有{b}，{a}会怎么样？",
    ),
    tasks=(
        "为{p}写一份关于{a}的指南，分{n}点。",
        "向只懂{b}的{p}解释{a}。",
        "列出{n}条支持和反对{j}的{a}的理由。",
        "起草一封信，说明{j}的{a}以及随附的{b}。",
        "用表格比较{a}和{b}，并为{p}选出更好的一个。",
        "编一个故事，让{a}和{b}互换位置。",
        "举{n}个{j}的{a}的例子，并说明它们的共同点。",
        "按年代排列并解释：{a}、{b}、{c}。",
        "给出售{a}和{b}的商店起一个名字和口号。",
        "写一段代码，保存{a}及其{b}，并找出{j}的那些。",
    ),
    facts=(
        "{j}的{a}要和{b}分开存放，因为两者在{n}个月内都会磨损。",
        "大多数{p}先学习{a}，后来才接触{b}。",
        "{y}年，镇上的{a}很{j}，{b}按重量出售。",
        "没有{a}，{b}就会变得{j}，必须重新检查。",
        "关于{a}的规定说，{m}个案例中有{n}个需要{b}。",
    ),
    notes=(
        "我的{a}还没有到，订单号{n}{m}",
        "可以把{a}换成{j}的吗？",
        "{b}里没有{a}，请补寄",
        "{a}被重复扣款{n}元",
        "{a}送到{j}的地方要多久？",
        "你们的{a}页面显示错误的{b}。",
    ),
    sums=(
        "一家商店有{n}个{a}，每天卖出{m}个，每个{k}元。{d}天后收入多少元？",
        "{n}位{p}平分{m}个{a}，再还回{k}个。每人还有几个？",
        "一个{a}的重量是{b}的{n}倍，一共{m}公斤。{b}有多重？",
        "{m}个{a}中有{n}个是{j}的，其中三分之一带有{b}。不带的有几个？",
    ),
    steps=("首先，", "然后，", "所以", "由于", "接着，", "由此可得", "因此，"),
    follow=("为什么呢？", "能再短一点吗？", "谢谢，还有一个问题", "我还是不明白",
            "继续", "那{a}呢？", "请讲给{p}听", "{b}这一点确定吗？"),
    space="",
    stop="。",
)  # fmt: skip

SPANISH = Lexicon(
    nouns=_fields("""
        masa horno lentejas azafrán caldo cuchillo levadura vinagre bodega despensa comino flan sartén salmuera
        transbordador visado itinerario puerto equipaje albergue ferrocarril horario aduana cumbre guía cabaña desvío
        dividendo hipoteca factura pensión arancel auditoría corredor garantía nómina inflación depósito bono seguro
        vacuna arteria insulina fractura alergia dosis enzima tumor reflejo pulso terapia migraña plasma síntoma
        estatuto inquilino veredicto contrato apelación patente testigo cláusula jurado notario tribunal demanda
        abono orquídea poda seto pulgón invernadero bulbo huerto polen helecho helada plántula semilla
        neutrón entropía órbita lente imán vacío fricción isótopo resonancia fotón espectro torsión campo
        imperio tratado dinastía asedio gremio archivo parlamento monasterio colonia revuelta censo fresco caravana
        compilador cerrojo conector tabla recursión caché núcleo hilo cola esquema contenedor consulta rama
        sonata ritmo violonchelo coro libreto tempo octava balada director melodía obertura armonía fuga
    """),
    adjectives=_w("local barato moderno discreto regular estricto raro temprano común público útil frágil fiable"),
    readers=_w("principiantes alumnos gerentes vecinos enfermeros visitantes ingenieros padres dueños marineros"),
    links=_w("el la de y que en con para por un una es son fue se lo como cuando porque cada más menos antes después"),
    questions=(
        "¿Cuál es la diferencia entre {a} y {b}?",
        "¿Por qué importa {a} cuando {b} es {j}?",
        "¿Cómo elijo {a} si no sé nada de {b}?",
        "¿Puede {a} sustituir a {b} y cuánto costaría?",
        "¿Es verdad que {a} daña {b}?",
        "¿Qué pasa con {a} si falta {b} durante {n} días?",
    ),
    tasks=(
        "Escribe una guía sobre {a} para {p}, en {n} puntos.",
        "Explica {a} a {p} que solo conocen {b}.",
        "Da {n} argumentos a favor y en contra de {a}.",
        "Redacta una carta sobre {a} y {b}.",
        "Compara {a} con {b} en una tabla y elige lo mejor para {p}.",
        "Inventa un cuento en el que {a} y {b} cambian de lugar.",
        "Ordena por antigüedad y explica: {a}, {b}, {c}.",
        "Propón un nombre y un lema para una tienda que vende {a} y {b}.",
        "Escribe código que guarde {a} con su {b}.",
    ),
    facts=(
        "Se guarda {a} lejos de {b} porque ambos se gastan en {n} meses.",
        "La mayoría de los {p} aprenden primero {a} y luego {b}.",
        "En {y}, {a} era {j} y {b} se vendía al peso.",
        "Sin {a}, {b} deja de ser {j} y hay que revisarlo.",
        "La norma sobre {a} dice que {n} de {m} casos necesitan {b}.",
    ),
    notes=(
        "no ha llegado mi {a}, pedido {n}{m}",
        "¿Puedo cambiar {a} por algo más {j}?",
        "{b} vino sin {a}, envíenlo por favor",
        "me cobraron {n} dos veces por {a}",
        "Su página de {a} muestra mal {b}.",
    ),
    sums=(
        "Una tienda tiene {n} unidades de {a} y vende {m} al día a {k} monedas. ¿Cuánto gana en {d} días?",
        "{n} {p} reparten {m} piezas de {a} y devuelven {k}. ¿Cuántas le quedan a cada uno?",
        "{a} pesa {n} veces lo que {b}. Juntos pesan {m} kilos. ¿Cuánto pesa {b}?",
    ),
    steps=("Primero,", "Luego,", "Así que", "Como", "Entonces", "Por tanto,"),
    follow=("¿Y por qué?", "¿Puedes hacerlo más corto?", "gracias, otra cosa", "sigo sin entenderlo",
            "continúa", "¿y {a}?", "Dilo para {p}", "¿Seguro lo de {b}?"),
)  # fmt: skip

GERMAN = Lexicon(
    nouns=_fields("""
        Teig Ofen Linsen Safran Brühe Messer Hefe Essig Keller Vorrat Kelle Reibe Kümmel Pfanne Lake
        Fähre Visum Reiseplan Hafen Gepäck Herberge Eisenbahn Fahrplan Zoll Gipfel Hütte Umweg Grenze Straßenbahn
        Dividende Hypothek Hauptbuch Rechnung Rente Prüfung Makler Sicherheit Lohn Inflation Anleihe Einlage
        Impfstoff Arterie Insulin Bruch Allergie Dosis Enzym Tumor Reflex Puls Therapie Migräne Plasma Symptom
        Gesetz Mieter Urteil Vertrag Berufung Patent Zeuge Klausel Urheberrecht Notar Gericht Haftung
        Kompost Orchidee Schnitt Hecke Blattlaus Gewächshaus Zwiebel Mulch Obstgarten Pollen Farn Frost Setzling
        Neutron Entropie Umlaufbahn Linse Magnet Vakuum Reibung Isotop Resonanz Photon Spektrum Drehmoment
        Reich Staatsvertrag Dynastie Belagerung Zunft Archiv Parlament Kloster Kolonie Aufstand Volkszählung Karawane
        Übersetzer Sperre Datenbank Rekursion Zwischenspeicher Kern Faden Warteschlange Schema Behälter Abfrage
        Sonate Rhythmus Cello Chor Libretto Tempo Oktave Ballade Dirigent Melodie Ouvertüre Harmonie Fuge
    """),
    adjectives=_w("klein alt örtlich billig plötzlich modern leise verborgen streng einfach selten früh üblich"),
    readers=_w("Anfänger Schüler Nachbarn Pflegekräfte Besucher Ingenieure Eltern Besitzer Prüfer Seeleute"),
    links=_w("der die das und von zu in mit für ist sind war es sich als wenn weil so mehr weniger vor nach auch"),
    questions=(
        "Was ist der Unterschied zwischen {a} und {b}?",
        "Warum ist {a} wichtig, wenn {b} {j} ist?",
        "Wie wähle ich {a} aus, ohne viel über {b} zu wissen?",
        "Kann {a} statt {b} dienen, und was würde das kosten?",
        "Stimmt es, dass {a} {b} schadet?",
        "Was passiert mit {a}, wenn {b} {n} Tage fehlt?",
    ),
    tasks=(
        "Schreibe einen Leitfaden zu {a} für {p} in {n} Punkten.",
        "Erkläre {a} für {p}, die nur {b} kennen.",
        "Nenne {n} Argumente für und gegen {a}.",
        "Entwirf einen Brief über {a} und {b}.",
        "Vergleiche {a} mit {b} in einer Tabelle und wähle das Bessere für {p}.",
        "Erfinde eine Geschichte, in der {a} und {b} die Plätze tauschen.",
        "Ordne nach Alter und erkläre: {a}, {b}, {c}.",
        "Schlage Name und Motto für einen Laden mit {a} und {b} vor.",
        "Schreibe ein Programm, das {a} mit {b} speichert.",
    ),
    facts=(
        "{a} wird getrennt von {b} gelagert, weil beides in {n} Monaten altert.",
        "Die meisten {p} lernen zuerst {a} und später {b} kennen.",
        "Im Jahr {y} war {a} noch {j}, und {b} wurde nach Gewicht verkauft.",
        "Ohne {a} wird {b} {j} und muss neu geprüft werden.",
        "Die Regel zu {a} sagt, dass {n} von {m} Fällen {b} brauchen.",
    ),
    notes=(
        "{a} ist nicht angekommen, Bestellung {n}{m}",
        "Kann ich {a} gegen {b} tauschen?",
        "{b} kam ohne {a}, bitte nachsenden",
        "{a} wurde zweimal mit {n} berechnet",
        "Die Seite zu {a} zeigt {b} falsch an.",
    ),
    sums=(
        "Ein Laden hat {n} Stück {a} und verkauft täglich {m} zu {k} Münzen. Wie viel nimmt er in {d} Tagen ein?",
        "{n} {p} teilen {m} Stück {a} und geben {k} zurück. Wie viele behält jeder?",
        "{a} wiegt {n}-mal so viel wie {b}, zusammen {m} Kilo. Wie schwer ist {b}?",
    ),
    steps=("Zuerst", "Dann", "Also", "Da", "Daraus folgt", "Somit"),
    follow=("Und warum?", "Geht das kürzer?", "danke, noch etwas", "ich verstehe es nicht", "weiter", "und {a}?",
            "Bitte für {p}", "Stimmt das mit {b}?"),
)  # fmt: skip

ARABIC = Lexicon(
    nouns=_fields("""
        العجين الفرن العدس الزعفران المرق السكين الخميرة الخل القبو المؤونة الكمون المقلاة
        العبارة التأشيرة الرحلة الميناء الأمتعة النزل القطار الجدول الجمارك القمة الدليل الكوخ
        الأرباح الرهن الدفتر الفاتورة المعاش التعرفة التدقيق السمسار الضمان الراتب التضخم السند
        اللقاح الشريان الأنسولين الكسر الحساسية الجرعة الإنزيم الورم النبض العلاج الصداع البلازما
        القانون المستأجر الحكم العقد الاستئناف البراءة الشاهد البند المحلفون الإيجار المحكمة
        السماد الأوركيد التقليم السياج الدفيئة البصلة البستان اللقاح السرخس الصقيع الشتلة
        النيوترون الإنتروبيا المدار العدسة المغناطيس الفراغ الاحتكاك النظير الرنين الفوتون الطيف
        الإمبراطورية المعاهدة السلالة الحصار النقابة الأرشيف البرلمان الدير المستعمرة التمرد القافلة
        المترجم القفل القاعدة العودية الذاكرة النواة الخيط الطابور المخطط الحاوية الاستعلام
        السوناتة الإيقاع التشيلو الجوقة النص الأوكتاف الأغنية القائد اللحن الافتتاحية التناغم
    """),
    adjectives=_w("صغير قديم محلي رخيص مفاجئ حديث هادئ خفي منتظم صارم بسيط نادر شائع مفيد"),
    readers=_w("المبتدئين التلاميذ المديرين الجيران الممرضين الزوار المهندسين الآباء الملاك البحارة"),
    links=_w("في من إلى على عن مع هذا هذه التي الذي كان كل بعض قد لا ما أو ثم لأن عندما قبل بعد أكثر أقل بين"),
    questions=(
        "ما الفرق بين {a} و{b}؟",
        "لماذا يهم {a} إذا كان {b} غير {j}؟",
        "كيف أختار {a} دون معرفة {b}؟",
        "هل يمكن أن يحل {a} محل {b} وكم يكلف ذلك؟",
        "ماذا يحدث لـ{a} إذا غاب {b} لمدة {n} يوما؟",
    ),
    tasks=(
        "اكتب دليلا عن {a} لـ{p} في {n} نقاط.",
        "اشرح {a} لـ{p} الذين لا يعرفون سوى {b}.",
        "اذكر {n} حجج مع وضد {a}.",
        "اكتب رسالة حول {a} و{b}.",
        "قارن {a} مع {b} في جدول واختر الأفضل لـ{p}.",
        "ألف قصة يتبادل فيها {a} و{b} المكان.",
        "رتب حسب القدم واشرح: {a}، {b}، {c}.",
        "اكتب برنامجا يحفظ {a} مع {b}.",
    ),
    facts=(
        "يحفظ {a} بعيدا عن {b} لأن كليهما يتلف خلال {n} أشهر.",
        "يتعلم معظم {p} {a} أولا ثم {b}.",
        "في عام {y} كان {a} غير {j} وكان {b} يباع بالوزن.",
        "بدون {a} يصبح {b} أقل ويجب فحصه من جديد.",
        "تقول القاعدة حول {a} إن {n} من {m} حالة تحتاج إلى {b}.",
    ),
    notes=(
        "لم يصل {a} بعد، الطلب {n}{m}",
        "هل يمكن تغيير {a} إلى شيء {j}؟",
        "وصل {b} بدون {a}، أرجو إرساله",
        "تم خصم {n} مرتين مقابل {a}",
    ),
    sums=(
        "لدى متجر {n} قطعة من {a} ويبيع {m} كل يوم بسعر {k}. كم يكسب في {d} أيام؟",
        "يتقاسم {n} من {p} {m} قطعة من {a} ويعيدون {k}. كم يبقى لكل واحد؟",
        "يزن {a} {n} أضعاف {b} ووزنهما معا {m} كيلو. كم يزن {b}؟",
    ),
    steps=("أولا", "ثم", "إذن", "بما أن", "ومن ثم", "لذلك"),
    follow=("ولماذا؟", "هل يمكن اختصاره؟", "شكرا، سؤال آخر", "لم أفهم بعد", "تابع", "وماذا عن {a}؟"),
)

LEXICONS = {"en": ENGLISH, "zh": CHINESE, "es": SPANISH, "de": GERMAN, "ar": ARABIC}
LANGUAGES = (("en", 0.62), ("zh", 0.17), ("es", 0.08), ("de", 0.07), ("ar", 0.06))
"""How common each language is taken to be among clients, whatever they do."""
