"""Further wordings of reasoning elicitation, in languages other than English."""

from __future__ import annotations

MORE: dict[str, tuple[str, ...]] = {
    "steps": (
        r"ステップ(?:ごと|毎)に|(?:ステップ|段階)を踏んで|一歩(?:ずつ|一歩)(?:考え|推論|解|進め)|順を追い"
        r"|paso por paso|por pasos\b|pas[ -]à[ -]pas|étape après étape|etapa por etapa|passo per passo|поэтапно"
        r"|по шагам|خطوة (?:تلو|بعد) (?:ال)?(?:أخرى|خطوة)",
        r"(?:denk|überleg|lös|erklär|argumentier|beantwort)\w{0,4}\bGAPschrittweise"
        r"|schrittweise (?:ONE ){0,3}?(?:nachdenk|überleg|lösen|erklär|herleit)",
        r"(?:चरण[- ]दर[- ]चरण|कदम[- ]दर[- ]कदम|चरणबद्ध|स्टेप बाय स्टेप)(?: \S{1,14}){0,3} (?:सोच|हल|समझा|तर्क|बता"
        r"|उत्तर|जवाब|विचार|व्याख्या)|adım adım (?:ONE ){0,2}?(?:düşün|çöz|açıkla|akıl yürüt|ilerle|yanıtla|cevapla"
        r"|anlat)",
        r"(?:suy nghĩ|suy luận|lập luận|giải thích|giải|trả lời|trình bày)GAPtừng bước|(?:pikir|jelaskan|selesaikan"
        r"|bernalar|jawab|kerjakan|uraikan)\w{0,4}GAP(?:langkah demi langkah|selangkah demi selangkah)|(?:myśl|rozum"
        r"|rozwiąż|rozwiązuj|wyjaśni|analizuj|odpowie|tłumacz)\w{0,5}GAPkrok po kroku|(?:denk|redeneer|beredeneer"
        r"|los|leg|werk|antwoord)\w{0,2}\bGAPstap voor stap",
    ),
    "worked": (
        r"(?:حل[اً]{0,2}|الحل) (?:ال)?(?:مفصل|مفصّل|كامل|تفصيلي)|(?:विस्तृत|संपूर्ण|सम्पूर्ण|पूर्ण|पूरा"
        r"|चरणबद्ध) (?:हल|समाधान)|(?:ayrıntılı|detaylı|adım adım) çözüm",
        r"lời giải (?:chi tiết|đầy đủ)|(?:penyelesaian|pembahasan) (?:lengkap|rinci|terperinci)|(?:pełne|szczegółowe"
        r"|kompletne) rozwiązani|(?:volledige|uitgebreide|gedetailleerde) uitwerking",
        r"(?:komplette|ausführliche|detaillierte)[nrs]? (?:lösung(?:sweg)?|rechenweg|herleitung)\w{0,3}"
        r"|résolution (?:complète|détaillée)|resoluci[oó]n (?:completa|detallada)|resolução (?:completa|detalhada)"
        r"|svolgimento (?:completo|dettagliato)",
    ),
    "tags": (
        r"</?(?:思考(?:过程)?|推理(?:过程)?|思考過程|推論(?:過程)?|추론(?: ?과정)?|사고(?: ?과정)?|생각"
        r"|рассуждени[ея]|мысли|размышлени[ея]|razonamiento|pensamientos?|raisonnement|réflexion|raciocínio"
        r"|pensamento|ragionamento|gedanken|denken|überlegung(?:en)?|düşünce|suy_nghi|penalaran|rozumowanie"
        r"|redenering|तर्क|सोच|تفكير|التفكير)>",
    ),
    "full": (
        r"(?:todo|íntegr|enter)\w{0,2} (?:tu|su|el|vuestro)? ?(?:ONE )?razonamiento|(?:todo|completo) (?:tu|su"
        r"|el) proceso de (?:razonamiento|pensamiento)|proceso de (?:razonamiento|pensamiento) (?:completo|interno"
        r"|íntegro|oculto)|razonamientos? (?:oculto|privado|íntegro|al completo)|cadena de (?:pensamiento"
        r"|razonamiento) (?:completa|interna|íntegra|oculta)",
        r"(?:tout|tous|intégralité d[eu]|totalité d[eu]|ensemble d[eu]) ?(?:ton|votre|le|tes|vos"
        r"|les)? (?:ONE )?(?:raisonnement|cheminement|processus de (?:pensée|réflexion))|raisonnements? (?:caché"
        r"|privé|entier|détaillé et complet)|processus de (?:pensée|réflexion|raisonnement) (?:complet|interne"
        r"|intégral|entier)|chaîne de (?:pensée|raisonnement)s? (?:complète|interne|intégrale|entière)",
        r"todo (?:o )?(?:seu |teu |vosso )?(?:ONE )?(?:racioc[ií]nio|processo de (?:pensamento|racioc[ií]nio))"
        r"|racioc[ií]nios? (?:completo|interno|oculto|privado|íntegro|na íntegra|por completo)"
        r"|processo de (?:pensamento|racioc[ií]nio) (?:completo|interno|oculto)|cadeia de (?:pensamento"
        r"|racioc[ií]nio)s? (?:completa|interna|oculta)",
        r"(?:tutto il|tutto|intero|l'intero) (?:tuo |suo |vostro )?(?:ONE )?ragionamento|ragionament[oi] (?:nascost"
        r"|privat|inter[oi]\b|per intero)|processo (?:di pensiero|mentale|di ragionamento) (?:completo|interno"
        r"|intero)|catena di (?:pensiero|pensieri|ragionamento) (?:completa|intera|interna)",
        r"(?:vollständige|komplette|gesamte|ganze|innere|verborgene|interne"
        r"|ungekürzte)[nrms]? (?:ONE )?(?:gedankeng[aä]ng|denkprozess|denkvorgang|gedankenkette|denkweg|denkschritte"
        r"|überlegungen)|alle (?:deine|ihre|eure) (?:ONE )?(?:gedankengänge|denkschritte|überlegungen)",
        r"(?:весь|полный|полную|всю|полностью|внутренний|скрыт[а-я]{2,3}|целиком) (?:[а-я]{1,15} )?(?:ход"
        r"|цепочк[а-я]|процесс)[а-я]{0,2} (?:[а-я]{1,15} )?(?:мысл|рассужд|размышл|мышлен)|скрыт[а-я]{2,3} рассужд"
        r"|(?:полнONE|внутреннONE|все) (?:[а-я]{1,15} )?размышлени",
        r"(?:思考|推論)(?:の)?(?:過程|プロセス|ステップ|流れ|内容)?(?:を|は)(?:すべて|全て|全部|余さず|省略せず"
        r"|漏れなく|包み隠さず|完全に|余すところなく)|(?:完全な|全ての|すべての|内部の|内的な|隠れた|隠された"
        r"|内なる)(?:思考|推論)",
        r"(?:모든|전체|완전한|숨겨진|내면의|온전한) ?(?:사고|추론|생각)(?:의)? ?(?:과정|단계|흐름|사슬)|(?:사고|추론"
        r"|생각)(?:의)? ?(?:과정|단계|흐름)(?:을|를)? ?(?:모두|전부|빠짐없이|생략 ?없이|남김없이|완전히|전체|하나도)",
        r"(?:पूरा|पूरी|संपूर्ण|सम्पूर्ण|पूर्ण|आंतरिक|छिपा हुआ|सारा|समस्त) (?:\S{1,12} ){0,2}?(?:तर्क|चिंतन"
        r"|विचार[- ]प्रक्रिया|सोच)(?!-वितर्क)|(?:सोच|तर्क|विचार|सोचने)(?: की| करने की)? (?:पूरी|संपूर्ण|सम्पूर्ण"
        r"|आंतरिक) (?:प्रक्रिया|श्रृंखला)",
        r"(?:كامل|جميع|كل|مجمل) (?:خطوات |عملية |سلسلة |مراحل )?(?:تفكيرك|استدلالك|أفكارك|التفكير|الاستدلال)"
        r"|(?:تفكيرك|استدلالك|عملية التفكير|سلسلة (?:ال)?(?:تفكير|أفكار|استدلال))(?: \S{1,10})?? (?:ال)?(?:كامل"
        r"|داخلي|خفي|بالكامل|مخفي)",
        r"(?:tüm|bütün|tam|eksiksiz|içsel|gizli) (?:ONE )?(?:akıl yürütme|muhakeme|düşünce (?:süreci|zinciri"
        r"|adımları))|(?:toàn bộ|tất cả|đầy đủ) (?:các |những )?(?:quá trình |bước |chuỗi )(?:suy luận|suy nghĩ"
        r"|lập luận|tư duy)|(?:quá trình|chuỗi) (?:suy luận|suy nghĩ|tư duy) (?:ONE ){0,2}?(?:đầy đủ|nội bộ"
        r"|hoàn chỉnh|bên trong)",
        r"(?:seluruh|semua) (?:proses |langkah |rantai )?(?:penalaran|pemikiran)(?:mu| anda)?\b"
        r"|(?:proses (?:berpikir|penalaran|pemikiran)|penalaran|rantai pemikiran)(?:mu| anda"
        r"| kamu)? (?:secara )?(?:lengkap|penuh|internal|tersembunyi|utuh)",
        r"(?:cał|pełn|kompletn|wewnętrzn|ukryt)(?:y|e|ą|a|ego) (?:ONE )?(?:rozumowani|tok (?:myślenia|rozumowania)"
        r"|proces myślow|łańcuch (?:myśli|rozumowania))|(?:volledige|hele|gehele|interne|verborgen|complete"
        r"|innerlijke) (?:ONE )?(?:redenering|gedachtegang|denkproces|gedachteketen)",
    ),
    "behind": (
        r"(?:razonamiento|proceso de (?:pensamiento|razonamiento)) que (?:te |le |lo )?(?:llev|condu"
        r"|habría)\w{1,5}GAP(?:respuesta|solución|resultado)|(?:reconstru|imagin|recre"
        r"|infier)\w{1,4} (?:ONE ){0,3}?(?:razonamiento|proceso de pensamiento)|razonamiento (?:detrás"
        r"|que hay detrás) de (?:ONE )?(?:respuesta|solución)",
        r"(?:raisonnement|cheminement|processus de (?:pensée|réflexion)) (?:qui |ayant )(?:ONE ){0,2}?(?:mené|mène"
        r"|condui|abouti)\w{0,4}GAP(?:réponse|solution|résultat)|(?:reconstitu|reconstrui|imagin"
        r"|recré)\w{1,4} (?:ONE ){0,3}?(?:raisonnement|processus de (?:pensée|réflexion)|cheminement)"
        r"|raisonnement (?:derrière|sous-jacent à) (?:ONE )?(?:réponse|solution)",
        r"(?:racioc[ií]nio|processo de (?:pensamento|racioc[ií]nio)) que (?:ONE )?(?:lev"
        r"|conduz)\w{1,5}GAP(?:resposta|solução|resultado)|(?:reconstru|imagin"
        r"|recri)\w{1,4} (?:ONE ){0,3}?(?:racioc[ií]nio|processo de pensamento)"
        r"|racioc[ií]nio por tr[aá]s d\w{1,4} (?:ONE )?(?:resposta|solução)"
        r"|ragionamento che (?:ONE ){0,2}?(?:portato|porta a|conduce|condotto)GAP(?:risposta|soluzione|risultato)"
        r"|(?:ricostrui|immagin|ricrea)\w{1,4} (?:ONE ){0,3}?ragionamento|ragionamento (?:dietro"
        r"|alla base) (?:ONE ){0,2}?(?:risposta|soluzione)",
        r"(?:gedankengang|überlegungen?|denkprozess|denkweg|gedankengänge)\b,? (?:der|die"
        r"|welche[rs]?) [^.!?\n]{0,25}?(?:antwort|lösung|ergebnis)\w{0,3} (?:ONE ){0,2}?(?:führ|geführt)"
        r"|(?:rekonstruier|stell dir|erschliess)\w{0,3} (?:ONE ){0,3}?(?:gedankeng|überlegung|denkprozess|denkweg)"
        r"|(?:überlegungen|gedankengang|denkweg) hinter (?:der|dieser|einer|deiner) (?:ONE )?(?:antwort|lösung)",
        r"(?:рассуждени|размышлени|ход мыслей|цепочк)[а-я]{0,3}(?: рассуждений| мыслей)?, (?:которы[а-я]{1,2}"
        r"|котор[а-я]{2,3}) (?:[а-я]{1,15} ){0,2}?(?:прив[её]л|привели|привело|приводи"
        r"|вед[уе]т)[а-я]{0,2} (?:[а-я]{1,15} ){0,3}?(?:ответ|решени|результат)|(?:восстанов|реконструир"
        r"|воссозда)[а-я]{1,5} (?:[а-я]{1,15} ){0,3}?(?:рассужден|ход мысл|размышл)",
        r"(?:答え|回答|解答|結論|応答)(?:に|へと?)(?:至|到達|たどり着|辿り着|導)[^。\n]{0,10}(?:思考|推論|考え)"
        r"|(?:思考|推論)(?:の)?(?:過程|プロセス)?を(?:再構成|再構築|復元|再現|推測|逆算)|(?:答え|回答|解答)の(?:背後"
        r"|裏)にある(?:思考|推論|考え)",
        r"(?:답|답변|정답|결론|해답)(?:에|으로|까지)? ?(?:이르|도달|도출)[^.\n]{0,8}(?:추론|사고|생각)|(?:추론"
        r"|사고)(?:의)? ?(?:과정)?(?:을|를)? ?(?:재구성|복원|역추적)",
        r"(?:得出|得到|推导出|导致)HANZI{0,10}(?:答案|回答|结论)的(?:推理|思考|思维)|(?:答案|回答)(?:背后"
        r"|背后的)HANZI{0,4}(?:推理|思考过程|思维)|补全HANZI{0,8}(?:推理|思考)",
        r"(?:उत्तर|जवाब|समाधान|निष्कर्ष) (?:तक|पर) (?:पहुंच|पहुँच)\S{0,6}(?: \S{1,10}){0,3} (?:तर्क|सोच|विचार)"
        r"|(?:उत्तर|जवाब|समाधान) के पीछे (?:का|की|के) (?:तर्क|सोच|विचार)|(?:الاستدلال|التفكير|المنطق"
        r"|الأفكار) (?:الذي|التي)(?: \S{1,10}){0,2} (?:أدى|أدت|قاد|أوصل|يؤدي)GAP(?:إجابة|جواب|حل)|(?:الاستدلال"
        r"|التفكير) (?:وراء|خلف) (?:هذه |هذا )?(?:ال)?(?:إجابة|جواب|حل)|(?:أعد بناء) (?:ال)?(?:استدلال|تفكير|سلسلة)",
    ),
    "language": (
        r"(?:piensa|razona|piense|razone)n? (?:ONE )?en (?:español|inglés|chino|alemán|francés|japonés|coreano|ruso"
        r"|árabe|portugués)\b|idioma (?:de(?:l| tu| su)) (?:razonamiento|pensamiento)|(?:pense|raciocine"
        r"|pensa) (?:ONE )?em (?:português|inglês|chinês|espanhol|alemão|francês|japonês)\b|idioma d[oe] (?:seu "
        r"|teu )?(?:racioc[ií]nio|pensamento)",
        r"(?:réfléchis|réfléchissez|raisonne|raisonnez) (?:ONE )?en (?:français|anglais|chinois|allemand|espagnol"
        r"|japonais|russe|arabe)\b|langue (?:de|du) (?:ton |votre |la )?(?:raisonnement|réflexion)|(?:ragiona"
        r"|rifletti|ragioni|pensa) (?:ONE )?in (?:italiano|inglese|cinese|tedesco|francese|spagnolo)\b"
        r"|lingua del (?:tuo |suo )?(?:ragionamento|pensiero)",
        r"(?:denke?|überlege?|denken sie|überlegen sie) (?:ONE )?(?:auf|in) (?:deutsch|englisch|chinesisch"
        r"|französisch|spanisch|russisch|japanisch)\b|sprache (?:deines|deiner|ihres|ihrer|des) (?:denkens"
        r"|gedankengangs|überlegungen|denkprozesses)|(?:думай|рассуждай"
        r"|размышляй)(?:те)? (?:[а-я]{1,15} )?(?:на (?:русском|английском|китайском|немецком)|по-(?:русски|английски"
        r"|китайски))|язык[а-я]{0,2} (?:твоих |ваших )?(?:рассуждений|размышлений)",
        r"(?:日本|英|中国|韓国|ドイツ|フランス|スペイン|ロシア)語で(?:思考|推論|考え)(?:し|て|を行|よ|過程)|(?:思考"
        r"|推論)(?:の|に(?:使|用い)う?)(?:言語)|(?:한국어|영어|중국어|일본어)로(?:만)? ?(?:생각|사고|추론)(?:하세"
        r"|하십|하라|하시|할 것|해 ?(?:주|줘|라))|用(?:德语|法语|西班牙语|俄语|阿拉伯语|日语|韩语|英语|汉语"
        r"|印地语)(?:来|进行)?(?:思考|推理)",
        r"(?:हिंदी|हिन्दी|अंग्रेज़ी|अंग्रेजी|चीनी) में (?:ही )?(?:सोचिए|सोचें|सोचो|तर्क कर)|(?:فكّر|فكر|استدل) (?:ب"
        r"|باللغة )(?:ال)?(?:عربية|إنجليزية|صينية|فرنسية)|(?:türkçe|ingilizce|çince) (?:düşün|akıl yürüt)"
        r"|(?:suy nghĩ|suy luận) bằng tiếng|(?:berpikir|bernalar)(?:lah)? dalam bahasa|(?:myśl|rozumuj) po (?:polsku"
        r"|angielsku)|(?:denk|redeneer) in het (?:nederlands|engels)",
    ),
    "debug": (
        r"(?:estás|está|entras?|ahora) (?:ONE )?en (?:el )?modo (?:de )?(?:depuración|diagnóstico|desarrollador"
        r"|inspección)|(?:tu es|vous êtes|passe|passez) (?:ONE )?en mode (?:débogage|diagnostic|développeur"
        r"|inspection)|(?:du bist|sie sind|befindest dich) (?:ONE )?im (?:debug|diagnose|entwickler|wartungs)-?modus"
        r"|(?:você está|estás) (?:ONE )?(?:em|no) modo (?:de )?(?:depuração|diagnóstico|desenvolvedor)",
        r"(?:sei|sei ora) (?:ONE )?in modalità (?:debug|diagnostica|sviluppatore)|(?:ты"
        r"|вы) (?:[а-я]{1,15} )?в режиме (?:отладки|диагностики|разработчика)|(?:あなたは|今は?"
        r"|現在)[^。\n]{0,6}(?:デバッグ|診断|開発者)モード|(?:당신은|너는|지금은?) ?(?:이제 )?(?:디버그|진단"
        r"|개발자) ?모드|(?:你|您)(?:现在)?(?:已)?(?:处于|进入)(?:了)?(?:调试|诊断|开发者)模式",
    ),
    "override": (
        r"(?:ignor[ae]|olvid[ae]|descart[ae]|omite|omita)[nd]? (?:todas? )?(?:las |tus |sus "
        r"|mis )?(?:ONE )?(?:instrucciones|indicaciones|órdenes) (?:ONE )?(?:anterior|previa|precedent)|(?:ignore"
        r"|ignorez|oublie|oubliez) (?:toutes? )?(?:les |tes |vos |mes )?(?:instructions|consignes"
        r"|directives) (?:ONE )?(?:précédent|antérieur)|(?:ignore|ignora|esqueça|esquece"
        r"|desconsidere) (?:todas )?(?:as )?(?:suas )?(?:instruções|ordens) (?:ONE )?(?:anterior|prévia|acima)"
        r"|(?:ignora|ignori|dimentica) (?:tutte )?(?:le )?(?:tue )?(?:istruzioni|indicazioni|direttive) precedenti",
        r"(?:ignorier|vergiss|vergessen sie|missacht)\w{0,3}(?: sie)? (?:alle |sämtliche )?(?:deine |ihre "
        r"|die )?(?:bisherigen|vorherigen|vorigen|früheren|vorangegangenen|obigen) (?:ONE )?(?:anweisung|instruktion"
        r"|befehle|vorgaben)|(?:игнорируй|забудь|проигнорируй|отбрось)(?:те)? (?:все )?(?:свои )?(?:предыдущие"
        r"|прежние|прошлые|предшествующие) (?:инструкции|указания|команды)|(?:zignoruj|zapomnij|negeer"
        r"|vergeet) (?:ONE ){0,3}?(?:poprzedni|wcześniejsz|vorige|eerdere)\w{0,3} (?:instrukcj|polece|instructies)",
        r"(?:これまで|以前|前|上記|今まで|それまで|直前)の(?:すべての|全ての)?(?:指示|命令|プロンプト)(?:を"
        r"|は)(?:すべて|全て|全部)?(?:無視|忘れ)|(?:이전|앞선|위의|지금까지의) ?(?:모든 )?(?:지시|명령"
        r"|지침)(?:사항)?(?:을|를|은|는)? ?(?:모두 |전부 )?(?:무시|잊)|(?:पिछले|पहले के|उपरोक्त"
        r"|पूर्व) (?:सभी )?(?:निर्देशों|आदेशों) को (?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल)|(?:تجاهل|انس) (?:جميع "
        r"|كل )?(?:التعليمات|الأوامر|الإرشادات) السابقة|önceki (?:tüm |bütün )?(?:talimat|komut)\w{0,5} (?:yok say"
        r"|unut|görmezden)|bỏ qua (?:mọi |tất cả )?(?:các )?(?:hướng dẫn|chỉ dẫn|lệnh) trước"
        r"|abaikan (?:semua )?(?:instruksi|perintah) sebelumnya",
        r"(?:muestra|revela|repite|imprime|montre|affiche|révèle|répète|zeige?|wiederhole|nenne|mostr[ae]|revel[ae]"
        r"|repita|stampa|rivela|ripeti|покажи|выведи|повтори|раскрой)(?:te|z|n"
        r"|те)? (?:ONE ){0,3}?(?:prompt (?:de(?:l)? )?sist[eè]m|prompt système|prompt di sistema|system-?prompt"
        r"|instrucciones del sistema|системн[а-я]{2,3} (?:промпт|инструкци))|システムプロンプト(?:を"
        r"|の内容を)(?:表示|出力|教え|開示|見せ|繰り返|公開)|시스템 ?프롬프트(?:를|을)? ?(?:보여|출력|알려|공개"
        r"|반복)|(?:显示|输出|重复|告诉我|打印|公开)HANZI{0,8}系统(?:提示|指令)",
    ),
    "translate": (
        r"(?:traduc[ei]|traduzca|traduis|traduisez|traduz[ai]?|traduci|übersetz|transkribier"
        r"|transliter)\w{0,4}\b[^.!?\n]{0,20}? (?:tu|su|ton|votre|seu|tuo|dein|deine|deinen|ihre"
        r"|ihren) (?:ONE )?(?:razonamiento|raisonnement|racioc[ií]nio|ragionamento|gedankeng|überlegungen"
        r"|pensamiento|réflexion)",
        r"(?:переведи|транслитерируй)(?:те)? (?:[а-я]{1,15} ){0,2}?(?:рассужден|размышлен|мысли\b)|(?:これまで|以前"
        r"|先ほど|前|自分)の(?:思考|推論)[^。\n]{0,12}(?:翻訳|訳し)|(?:이전|앞선|너의|당신의) ?(?:추론|사고"
        r"|생각)[^.\n]{0,12}번역",
    ),
    "exact": (
        r"(?:palabra por palabra|textualmente|al pie de la letra|mot pour mot|mot à mot|wort für wort|wortwörtlich"
        r"|palavra por palavra|parola per parola|дословно|слово в слово)GAP(?:razonamiento|raisonnement|gedankeng"
        r"|racioc[ií]nio|ragionamento|рассужден|system-?prompt|prompt système)",
        r"(?:razonamiento|raisonnement|gedankeng|racioc[ií]nio|ragionamento|рассужден|system-?prompt|prompt système"
        r"|prompt (?:del|de) sistema)GAP(?:palabra por palabra|textualmente|al pie de la letra|mot pour mot"
        r"|mot à mot|wort für wort|wortwörtlich|palavra por palavra|parola per parola|дословно|слово в слово)",
        r"(?:一字一句|そのまま|一言一句)[^。\n]{0,15}(?:推論|思考|システムプロンプト)|(?:推論|思考過程"
        r"|システムプロンプト)[^。\n]{0,15}(?:一字一句|一言一句)|(?:추론|사고 ?과정"
        r"|시스템 ?프롬프트)[^.\n]{0,12}(?:한 글자도|글자 그대로|그대로 (?:출력|반복))",
    ),
    "classifier": (
        r"(?:clasificador|classificador|classificatore|classificateur|klassifikator|классификатор"
        r"|filtro de contenido|filtre de contenu|inhaltsfilter|filtro de conteúdo)\w{0,3}\bGAP(?:debe|puede|doit"
        r"|peut|soll|muss|darf|deve|pode|può|должен|может) (?:ONE )?(?:ignor|permit|laiss|zulass|durchlass|пропус"
        r"|игнор)|(?:分類器|審査システム)(?:は|へ|に)[^。\n]{0,12}(?:無視して|見逃して|通して|許可して)|분류기(?:는"
        r"|에게?)[^.\n]{0,12}(?:무시해|무시하|통과시|허용해)",
    ),
    "expand": (
        r"(?:razonamiento|pensamiento|raisonnement|racioc[ií]nio|ragionamento|рассужден|gedankeng"
        r"|überlegung)\w{0,4} (?:ONE )?(?:cifrad|chiffr|verschlüssel|criptograf|crittograf|зашифрован)"
        r"|(?:verschlüsselte|зашифрованн)\w{1,3} (?:gedanken|überlegung|рассужден)|暗号化された(?:推論|思考)"
        r"|암호화된 ?(?:추론|사고)",
    ),
    "identity": (
        r"(?:eres|usted es|tu es|vous êtes|du bist|sie sind|você é|tu és|sei|ты|вы|sen|kamu adalah|anda adalah"
        r"|jesteś|je bent|bạn là)(?: [-–—])?(?: (?:ahora|maintenant|jetzt|agora|ora|теперь|şimdi|nu"
        r"|teraz))? VENDOR\b|(?:あなたは|君は|당신은|너는|आप|तुम|أنت|انت) ?VENDOR\b",
    ),
}
"""Of each class further wordings, to be read with the names of `elicitation`."""
