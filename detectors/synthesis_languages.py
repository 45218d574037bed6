"""Further wordings of training material asked for, in languages other than English."""

from __future__ import annotations

TEXTS = {
    "FUENTE": r"(?:textos?|pasajes?|párrafos?|artículos?|documentos?|fragmentos?|contextos?|extractos?|contenidos?)",
    "TEXTE": r"(?:textes?|passages?|paragraphes?|articles?|documents?|extraits?|contextes?|contenus?)",
    "FONTE": r"(?:textos?|trechos?|parágrafos?|artigos?|documentos?|passagem|passagens|contextos?|conteúdos?)",
    "BRANO": r"(?:testo|testi|bran[oi]|paragraf[oi]|articol[oi]|document[oi]|contest[oi]|estratt[oi]|contenut[oi])",
    "QUELLTEXT": r"\w{0,8}(?:text|abschnitt|artikel|dokument|absatz|auszug|passage|kontext)(?:e?s)?",
}
"""Words for the text that is there, by the names that wordings of `backward` have for them."""

MORE: dict[str, tuple[str, ...]] = {
    "tasks": (
        r"(?:أنشئ|انشئ|اكتب|ولّد|صغ|اقترح|ابتكر|صمم|إنشاء|توليد)(?: (?!إجاب|جواب|رد"
        r"|ال)\S{1,15}){0,2}? (?:من ال)?(?:أسئلة|اسئلة|سؤال[اً]{0,2}|مسائل|مسألة|تمارين|تمرين[اً]{0,2}|مهام جديدة)\b",
        r"(?:प्रश्न|सवाल|निर्देश|अभ्यास)(?:ों)?(?: भी| को| पत्र)? (?:बनाइ|बनाएं|बनाएँ|बनाओ|बना दें|बना दीजिए|बनाने"
        r"|तैयार कर|तैयार कीजि|लिखिए|लिखें|लिखो|उत्पन्न कर|जनरेट कर)",
        r"\b(?:soru|görev|alıştırma|problem|talimat)(?:lar|ler|ları|leri|su|sı)? (?:seti |listesi )?(?:oluştur|üret"
        r"|hazırla|yaz|tasarla|türet)(?:y?[uüıi]n)?(?:[uüıi]z)?(?:[uüıiae]?r m[ıiuü]s[ıiuü]n)?\b",
        r"(?:tạo|soạn|viết|sinh|nghĩ|đưa)(?: ra| thêm| cho (?:tôi|mình)){0,2}(?: \d{1,4}| các| những| một số| một bộ"
        r"| vài| ba| năm| mười| hai mươi)? (?:câu hỏi|bài tập|đề bài|bài toán|câu lệnh)",
        r"\b(?:buat|tulis|susun|hasilkan|rancang|ciptakan)(?:lah|kan|kanlah)?(?: (?:daftar|\d{1,4}|sebuah|beberapa"
        r"|tiga|lima|sepuluh|dua puluh|butir|buah|contoh)){0,3} (?:pertanyaan|soal|latihan|instruksi)\b",
        r"(?:wygeneruj|stwórz|utwórz|napisz|wymyśl|ułóż|przygotuj|opracuj|sformułuj)(?:cie|my)?(?: (?!odpow"
        r"|na\b)\w{1,20}){0,3} (?:pytań|pytani[ae]|zadań|zadani[ae]|poleceń|poleceni[ae]|ćwiczeń|ćwiczeni[ae])\b",
        r"\b(?:genereer|maak|schrijf|bedenk|formuleer|verzin|ontwerp)(?: (?!antwoord)\w{1,20}){0,3} (?:vragen"
        r"|opdrachten|opgaven|oefeningen|vraagstukken)\b",
    ),
    "pairs": (
        r"(?:pares|parejas) (?:de )?(?:instrucci|tarea)|paires? (?:de )?(?:consigne|instruction)"
        r"|paare?n? aus (?:je )?(?:ONE )?(?:frage|anweisung|aufgabe)|coppie (?:di )?(?:istruzion|compit)"
        r"|pares (?:de )?instruç",
        r"пар(?:ы|а|у|ами)? [«\"]?инструкци|вопросно-ответн|질의 ?응답 쌍|指示(?:と|・|-|/)?(?:回答|応答"
        r"|出力)の?(?:ペア|組|セット)|(?:지시문?|명령어?)[- ]?(?:과 |와 )?(?:응답|답변) ?쌍|q&?aの?(?:ペア|組)",
        r"(?:أزواج|زوج)[اً]{0,2}(?: من)? (?:ال)?(?:أسئلة|اسئلة|سؤال|تعليمات)|(?:प्रश्न|सवाल)(?:[- ](?:और |व |एवं )?"
        r"| और |ों और )(?:उत्तर|जवाब)(?:ों)?(?: के| की)? (?:युग्म|जोड़|पेयर)|soru(?:[- ]| ve )(?:cevap"
        r"|yanıt)\w{0,4} (?:çift|ikili)",
        r"cặp (?:câu )?hỏi|cặp (?:chỉ dẫn|lệnh)|pasangan (?:pertanyaan|tanya|soal|instruksi)|\bpar[yęaą] (?:pyta"
        r"|polece)|vraag[- ](?:en[- ])?antwoord[- ]?(?:paren|koppels)",
        r"(?:查询|问题|请求|提问)(?:和|与|及|以及)(?:其|对应的?|相应的?|正确的?){1,2}(?:函数|工具|api|接口)的?调用"
        r"|(?:質問|クエリ|依頼|要求)と(?:それに)?(?:対応する|正しい)(?:関数|ツール|api)の?呼び出し|(?:질문|쿼리"
        r"|요청)(?:과|와) ?(?:그에 )?(?:해당하는|대응하는|맞는) ?(?:함수|도구|api) ?호출",
        r"(?:consult|solicitud|pregunt|petici)ONE (?:ONE ){1,3}?(?:correspondiente|correct)ONE llamad|(?:requête"
        r"|demande|question)s? (?:et|avec) (?:ONE )?appels? (?:d[e']|aux? )GAPcorrespond|anfragen? (?:und"
        r"|mit) (?:ONE )?(?:passende|zugehörige|entsprechende|korrekte)[nr]? (?:funktions|werkzeug|tool)",
    ),
    "training": (
        r"para (?:el )?(?:entrena|ajusta|afina)\w{1,6}(?: de| a)?(?: (?:un|una|el|la|los|otro|nuestro|nuevo"
        r"|gran))?(?: ONE){0,2}? (?:modelos?|llm|ia|asistente|red)\b|datos sintéticos|modelos? (?:estudiante"
        r"|alumno)\b",
        r"(?:pour|afin d'|afin de)(?: l')? ?(?:entra[iî]ne|affine|spécialise)\w{1,5}(?: (?:de|d'un|d'une|un|une|le"
        r"|la|notre|du|des))?(?: ONE){0,2}? (?:modèles?|llm|ia|assistant|réseau)|données synthétiques"
        r"|modèles? (?:élève|étudiant)s?\b",
        r"(?:um|zum|zur|für (?:das|die|den))\b[^.!?\n]{0,40}?(?:modell?e?s?|llms?|chatbots?"
        r"|assistenten)\b(?: \w{1,12}){0,2}? (?:zu )?(?:trainieren|feinabzustimmen|fein abzustimmen"
        r"|nachzutrainieren)|zum (?:training|trainieren|feintuning|fine-?tuning) (?:ONE ){0,3}?(?:\w{0,15}modell|llm"
        r"|ki|assistent)|synthetische[nr]? (?:daten|dialoge|gespräche)|(?:schüler|studenten)-?modell",
        r"para (?:o )?(?:treina|ajusta|refina)\w{1,6}(?: de| do)?(?: (?:um|uma|o|a|os|outro|nosso|novo"
        r"|grande))?(?: ONE){0,2}? (?:modelos?|llm|ia|assistente|rede)\b|dados sintéticos|modelos? (?:estudante"
        r"|aluno)\b",
        r"per (?:l')?(?:addestra|allena|affina)\w{1,6}(?: di)?(?: (?:un|una|il|la|i|altro|nostro|nuovo"
        r"|grande))?(?: ONE){0,2}? (?:modell[oi]|llm|assistente|rete)\b|dati sintetici|modell[oi] student[ei]",
        r"(?:для|чтобы) (?:дообуч|обуч|тренировк|трениров|настройк)[а-я]{1,5} (?:[а-я]{1,20} ){0,3}?(?:модел"
        r"|нейросет|llm|ассистент)|синтетическ[а-я]{1,3} (?:данн|датасет|диалог)|модел[а-я]{0,3}-(?:ученик|студент)",
        r"モデル(?:の|を)(?:追加)?(?:学習|訓練|トレーニング|微調整|蒸留)(?:用|の?ため|に(?:使|用い|利用)"
        r"|させる(?:ため|の)|する(?:ため|の))|(?:合成|学習用|教師)データ(?:セット)?を?[^。\n]{0,8}(?:生成|作成"
        r"|作って|作る)|(?:生徒|学生)モデル",
        r"모델(?:을|의)? ?(?:추가 ?)?(?:학습|훈련|미세 ?조정|증류)(?:용|에 (?:사용|쓰|활용)|을 위|하기 위|시키기 위"
        r"|시킬)|합성 ?(?:데이터|대화)|학생 ?모델|(?:훈련|미세 ?조정)(?:용)? ?데이터",
        r"(?:用于|用来|以便|来)(?:训练|微调|蒸馏|教会)HANZI{0,12}(?:模型|助手|llm)|学生模型|(?:教科书|教材"
        r"|课程单元)HANZI{0,20}(?:摘录|网页片段)|(?:摘录|网页片段)HANZI{0,20}(?:教科书|教材|课程单元)",
        r"بيانات (?:ال)?(?:تدريب|اصطناعية)|لتدريب (?:ال)?(?:نموذج|نماذج|شبكة|مساعد)|(?:ال)?نموذج (?:ال)?طالب\b"
        r"|प्रशिक्षण (?:डेटा|डाटा|उदाहरण)|(?:मॉडल|llm)(?: को| के| \S{1,8} को) (?:प्रशिक्षित|प्रशिक्षण|ट्रेन|फाइन)"
        r"|कृत्रिम डेटा|सिंथेटिक डेटा|छात्र मॉडल",
        r"eğitim ver(?:isi|ileri)|sentetik (?:veri|diyalog)|model\w{0,5} eğitmek (?:için|üzere)|öğrenci model"
        r"|dữ liệu (?:huấn luyện|tổng hợp)|để (?:huấn luyện|tinh chỉnh)(?: \S{1,8}){0,3}? mô hình|data (?:pelatihan"
        r"|sintetis)|untuk melatih (?:ONE ){0,3}?model|dan(?:e|ych) (?:treningow|syntetyczn|uczący)|do (?:trenowania"
        r"|dostrajania|uczenia) (?:ONE ){0,3}?model|trainings(?:data|gegevens)|synthetische (?:data|gegevens)"
        r"|(?:taal)?model(?:len)? te trainen",
    ),
    "evolve": (
        r"(?:reescrib|reescrit|transform|conviert|convert|modifi|reformul|haz|vuelv|adapt|rehaz"
        r"|evolucion)\w{0,6}GAP(?:pregunta|instrucci|tarea|ejercicio|problema|consigna|enunciado"
        r"|prompt)GAPm[aá]s (?:complej|complic|difícil|dificil|desafiante|exigente|avanzad|elaborad|retador)",
        r"(?:réécri|reformul|transform|modifi|complexifi|compliqu|rend(?:s|ez|re)\b|fai(?:s|tes) évoluer"
        r"|adapt)\w{0,4}GAP(?:question|instruction|consigne|tâche|exercice|problème|énoncé|prompt"
        r"|requête)GAPplus (?:complex|compliqu|difficil|exigeant|ardu|pouss|élabor|avanc|corsé)",
        r"(?:reescrev|reescrit|reformul|transform|modifi|torn[ea]|adapt|convert|evolu)\w{0,5}GAP(?:pergunta|instruç"
        r"|tarefa|exercício|problema|enunciado|prompt|questão)GAPmais (?:complex|complicad|difíc|dific|desafiador"
        r"|exigente|avançad|elaborad)",
        r"(?:riscriv|riscritt|riformul|trasform|modific|rend[iae]|adatt)\w{0,5}GAP(?:domand|istruzion|compit|eserciz"
        r"|problem|prompt|consegn|richiest)GAPpiù (?:compless|complicat|difficil|impegnativ|sfidant|avanzat"
        r"|elaborat)",
        r"(?:schreib|formulier|gestalt|überarbeit|veränder|wandel|mach|änder)\w{0,3}\bGAP(?:anweisung|instruktion"
        r"|frage|aufgabe|übung|prompt|aufgabenstellung)\w{0,2}\b[^.!?\n]{0,50}?(?:komplexer|schwieriger|schwerer"
        r"|anspruchsvoller|kniffliger)",
        r"(?:anweisung|instruktion|frage|aufgabe|übung|prompt)\w{0,2}\b[^.!?\n]{0,30}?(?:komplexer|schwieriger"
        r"|anspruchsvoller)\w{0,2}[^.!?\n]{0,30}?(?:umschreib|umformulier|umwandel|umgeschrieben|umformuliert)"
        r"|(?:komplexer|schwieriger|schwerer|anspruchsvoller)e[nrs]? (?:version|variante|fassung"
        r"|form)(?:en)? (?:ONE ){1,2}?(?:anweisung|instruktion|frage|aufgabe|übung|prompt)",
        r"(?:перепи[сш]|переформулир|переработ|преобраз|измени|доработ|сдела)[а-я]{0,7}GAP(?:вопрос|инструкци|задач"
        r"|задани|упражнени|промпт|запрос)[а-я]{0,3}\bGAP(?:сложнее|труднее|сложн(?:ым|ой|ую|ый|ое)\b|усложн)"
        r"|усложн(?:и|ить|ите|яй|ение)\b (?:[а-я]{1,20} ){0,2}?(?:вопрос|инструкци|задач|задани|промпт|запрос)"
        r"|более сложн[а-я]{2,3} (?:верси|вариант)[а-я]{0,3} (?:[а-я]{1,20} ){0,2}?(?:вопрос|инструкци|задач|задани"
        r"|промпт|запрос)",
        r"(?:指示|質問|問題|課題|タスク|プロンプト|命令|設問)文?[^。\n]{0,20}(?:複雑|困難|高度|難し)(?:に|な|く"
        r"|い)[^。\n]{0,16}(?:書き換え|書き直|作り変え|作り替え|作り直|変換し|改変|発展させ|進化させ|言い換え)"
        r"|(?:質問|問題|課題|タスク|プロンプト|指示文?)を(?:より|もっと|さらに)(?:複雑に|困難に|高度に"
        r"|難しく)し(?:て|なさい|よ|直)|(?:より|もっと|さらに)(?:複雑な|難しい|高度な|困難な)(?:指示文?|質問|問題"
        r"|課題|タスク|プロンプト|バージョン)(?:に|へ)(?:書き|変|作り|発展|し(?:て|な))|(?:難易度|難度"
        r"|複雑さ)を(?:上げ|高め|増や|引き上げ)",
        r"(?:지시문?|지시 ?사항|질문|문제|과제|프롬프트|명령문?)(?:을|를|들을|이|가)[^.\n]{0,20}(?:더|보다|한층"
        r"|훨씬) ?(?:복잡|어렵|어려운|까다롭|심화|고난도|고급)[^.\n]{0,16}(?:다시 ?작성|다시 ?쓰|다시 ?써|재작성"
        r"|바꾸|바꿔|변형|변환|고쳐|고치|수정하|만드세|만들어 ?(?:주|줘|라))|난이도를 ?(?:더 )?(?:높[이여]|올[리려])",
        r"(?:निर्देश|प्रश्न|सवाल|कार्य|समस्या|प्रॉम्प्ट)GAP(?:और|अधिक|ज्यादा|ज़्यादा)(?: भी)?(?: अधिक)? (?:जटिल|कठिन"
        r"|मुश्किल|चुनौतीपूर्ण)[^.!?।\n]{0,14}?(?:बनाक|बनाइ|बनाएं|बनाएँ|बनाओ|रूप में|संस्करण|(?:फिर से|दोबारा"
        r"|पुनः) लिख)",
        r"(?:أعد|اعد|إعادة) (?:كتابة|صياغة)GAP(?:سؤال|تعليم|مهمة|أمر|مسألة|طلب|أسئلة)GAP(?:أكثر (?:تعقيد|صعوب|تحدي"
        r"|تقدم)|أصعب|أعقد)|(?:اجعل|حوّل|طوّر) (?:هذ[اه] )?(?:ال)?(?:سؤال|تعليمات|مهمة|مسألة)GAP(?:أكثر (?:تعقيد"
        r"|صعوب|تحدي)|أصعب|أعقد)",
        r"(?:talimat|soru|görev|komut|problem|istem)\w{0,6} [^.!?\n]{0,40}?daha (?:karmaşık|zor(?:lu)?"
        r"|çetrefilli)\b[^.!?\n]{0,20}?(?:yeniden yaz|hale getir|dönüştür|olacak şekilde)|(?:viết lại|biến đổi"
        r"|chuyển)GAP(?:câu hỏi|yêu cầu|hướng dẫn|chỉ dẫn|bài toán|đề bài|câu lệnh)GAP(?:phức tạp|khó|thử thách) hơn"
        r"|(?:tulis ulang|ubah|kembangkan|modifikasi)\w{0,4}GAP(?:instruksi|pertanyaan|soal|perintah|tugas"
        r"|prompt)GAPlebih (?:kompleks|rumit|sulit|sukar|menantang)",
        r"(?:przepisz|przekształć|przeredaguj|zmień|zmodyfikuj|przerób|napisz ponownie)GAP(?:polece|instrukcj|pytani"
        r"|zadani|prompt)\w{0,4}\bGAP(?:bardziej (?:złożon|skomplikowan|wymagając)|trudniejsz)|(?:herschrijf"
        r"|herformuleer|verander|bewerk|maak)\bGAP(?:opdracht|instructie|vraag|taak|prompt|opgave)GAP(?:complexer"
        r"|moeilijker|ingewikkelder|uitdagender|lastiger)",
    ),
    "diverse": (
        r"(?:preguntas|instrucciones|tareas|ejercicios|temas) (?:ONE )?(?:variad|divers|distint|diferent)[aeo]s"
        r"|(?:questions|instructions|consignes|tâches|exercices|sujets) (?:ONE )?(?:varié|divers|différent)e?s",
        r"(?:perguntas|instruções|tarefas|exercícios|temas) (?:ONE )?(?:variad|divers|diferent)[aeo]s|(?:domande"
        r"|istruzioni|compiti|esercizi|temi) (?:ONE )?(?:divers|variat|differenti)[aei]?\b",
        r"(?:vielfältig|verschieden|abwechslungsreich|unterschiedlich|diverse)\w{0,2} (?:ONE )?(?:fragen|anweisungen"
        r"|aufgaben|übungen|themen)|(?:разнообразн|различн|разны)[а-я]{1,3} (?:[а-я]{1,20} )?(?:вопрос|инструкци"
        r"|задач|задани|упражнени|тем[ыа]?\b)",
        r"(?:أسئلة|مهام|تمارين|تعليمات|مواضيع) (?:متنوعة|مختلفة|متعددة)|(?:अलग-अलग|विविध|विभिन्न"
        r"|भिन्न-भिन्न) (?:\S{1,12} )?(?:प्रश्न|सवाल|निर्देश|विषय|कार्य)|(?:çeşitli|farklı"
        r"|birbirinden farklı) (?:ONE )?(?:soru|görev|talimat|konu)",
        r"(?:câu hỏi|bài tập|nhiệm vụ|chủ đề) (?:đa dạng|khác nhau)|(?:pertanyaan|soal|instruksi|tugas"
        r"|topik) (?:yang )?(?:beragam|bervariasi|berbeda)|(?:różnorodn|zróżnicowan)\w{1,3} (?:pyta|polece|zada"
        r"|temat)|(?:gevarieerde|diverse|verschillende) (?:vragen|opdrachten|opgaven|onderwerpen)",
    ),
    "topics": (
        r"(?:enumer|lista|genera|prop[oó]n|sugi[eé]r|crea|divid|desglos|elabor)\w{0,4}\bGAPsub(?:temas|tópicos"
        r"|categorías|campos|áreas|dominios)|(?:list|génér|propos|suggér|cré|énumér|divis"
        r"|décompos)\w{0,5}\bGAPsous-(?:thème|sujet|catégorie|domaine)",
        r"(?:list|gere|gerar|sug[ei]r|cri[ae]|divid|proponh|enumer)\w{0,4}\bGAPsub(?:temas|tópicos|categorias|áreas"
        r"|domínios)|(?:elenca|genera|propon|suggeri|crea|suddivid)\w{0,4}\bGAPsotto(?:temi|argomenti|categorie"
        r"|campi)",
        r"(?:nenn|list|erstell|generier|erzeug|schlag|gib|zerleg|entwickl)\w{0,3}\bGAP(?:unterthem|unterkategori"
        r"|teilgebiet|unterpunkt)|(?:перечисл|составь|сгенерир|предлож|создай|разбей|назови)[а-я]{0,4}GAP(?:подтем"
        r"|подкатегори|подобласт|подраздел)",
        r"(?:サブトピック|小テーマ|下位トピック|サブカテゴリー?|サブテーマ)[^。\n]{0,12}(?:挙げ|列挙|生成|作成|出し"
        r"|提案|リスト|分割|分け)|(?:하위|세부) ?(?:주제|토픽|카테고리)[^.\n]{0,12}(?:나열|생성|작성|제시|만들|제안"
        r"|나누|나눠)",
        r"(?:उप-?विषय|उप-?श्रेणि)\S{0,3}(?: \S{1,10}){0,2} (?:बता|सूची|लिख|दीजिए|दें|बना|सुझा)|(?:اذكر|أنشئ|اقترح"
        r"|عدد|ولّد|قسم)GAP(?:مواضيع|موضوعات|فئات|مجالات|المواضيع|الموضوعات) (?:ال)?فرعية|alt (?:konu|başlık"
        r"|kategori)\w{0,5} (?:ONE )?(?:listele|oluştur|öner|üret|sırala)",
        r"(?:liệt kê|tạo|đề xuất|đưa ra)GAP(?:chủ đề|danh mục|lĩnh vực) (?:con|phụ|nhỏ)|(?:sebutkan|buat|daftar"
        r"|usulkan)\w{0,3}\bGAPsub-?(?:topik|tema|kategori)|(?:wymień|wygeneruj|zaproponuj|podaj"
        r"|stwórz)GAPpod(?:temat|kategori)|(?:noem|geef|maak|genereer|bedenk)\bGAP(?:subonderwerp|deelonderwerp"
        r"|subcategorie)",
        r"(?:生成|创建|设计|构造|编写)HANZI{0,10}(?:人物画像|用户画像|虚拟人设|人设|人物角色)",
    ),
    "user": (
        r"(?:asum|interpret|desempeñ|jueg|juega|adopt|represent|haz)\w{0,3} (?:ahora )?(?:el )?(?:papel|rol"
        r"|parte)? ?(?:del|de un|de una) (?:ONE )?usuari|(?:actúa|actúe|compórtate|responde|habla"
        r"|escribe) como (?:si fueras )?(?:el |la |un |una )(?:ONE )?usuari|(?:simula|simule|imita|imite|simular"
        r"|imitar) (?:a |al? )?(?:el |la |un |una )?(?:ONE )?usuari",
        r"(?:jou|pren|endoss|tien|adopt|assum|incarn)\w{0,4} (?:maintenant )?(?:le )?rôle (?:de l'|d'un "
        r"|d'une )(?:ONE )?utilisat|(?:agis|agissez|comporte-toi|réponds|répondez|parle|parlez|écris|écrivez"
        r"|fais) comme (?:si tu étais )?(?:un |une |l'|le )utilisat|(?:simule|simulez|imite|imitez|incarne|simuler"
        r"|imiter) (?:un |une |l'|le )(?:ONE )?utilisat",
        r"(?:faç?[az]|fazer|assum|interpret|desempenh|tom[ea]|adot|represent)\w{0,3} (?:agora )?o papel d[eo] (?:um "
        r"|uma )?(?:ONE )?(?:usuári|utilizador)|(?:aja|age|atue|comporte-se|responda|escreva"
        r"|fale) como (?:se fosse )?(?:o |a |um |uma )(?:ONE )?(?:usuári|utilizador)|(?:simul|imit)(?:e|a|ar"
        r"|em) (?:o |a |um |uma )(?:ONE )?(?:usuári|utilizador)",
        r"(?:recit|interpret|svolg|assum|gioc|vest)\w{0,4} (?:ora )?(?:il |la |i )?(?:ruolo|parte|panni) (?:dell'"
        r"|di un |di un')(?:ONE )?utente|(?:agisci|comportati|rispondi|scrivi|parla) come (?:se fossi )?(?:l'|un "
        r"|un')(?:ONE )?utente|(?:simula|imita|simulare|imitare|impersona) (?:l'|un |un')(?:ONE )?utente",
        r"(?:spiele?|spielen sie|mime)\b[^.!?,\n]{0,15}? (?:den|einen|eine) (?:ONE )?(?:be)?(?:nutzer"
        r"|anwender)(?:in)?\b|(?:spiel|übernimm|übernehm|schlüpf|nimm)\w{0,2}\b[^.!?,\n]{0,25}? rolle (?:des|eines"
        r"|der|einer) (?:ONE )?(?:be)?(?:nutzer|anwender)|(?:antwort|schreib|sprich|agier|handl|verhalte dich"
        r"|reagier)\w{0,2}(?: jetzt| nun| bitte| so)? (?:wie|als) (?:wärst du )?(?:ein |eine |der "
        r"|die )?(?:ONE )?(?:be)?(?:nutzer|anwender)\b|(?:simulier|imitier)\w{0,3} (?:ONE )?(?:einen|eine|den"
        r"|die) (?:ONE )?(?:be)?(?:nutzer|anwender)",
        r"(?:сыграй|играй|отыграй|исполни|исполняй|возьми на себя|прими|выступи|выступай"
        r"|действуй)(?:те)?GAPрол[ьи] (?:[а-я]{1,20} ){0,2}?пользовател|(?:притворись|веди себя|говори|отвечай|пиши"
        r"|действуй)(?:те)?,? (?:так,? )?(?:как|будто(?: ты)?) (?:[а-я]{1,20} ){0,2}?пользовател|(?:имитируй"
        r"|симулируй|изобрази|изображай|сымитируй|имитировать|симулировать)(?:те)? (?:[а-я]{1,20} ){0,2}?пользовател",
        r"(?:ユーザー?|利用者|質問者)(?:に(?:なりきっ|なり切っ|扮し|なったつもり)|(?:の|という)?(?:役割?|立場"
        r"|ロール)(?:を(?:演|担|務|引き受け)|になって|になりきっ|として)|を(?:演じ|装っ|模倣し|シミュレート)"
        r"|のふりを)",
        r"(?:사용자|유저|이용자)(?:의)? ?(?:역할|입장)(?:을|를|이|에서|이 되어)? ?(?:맡|연기|담당|되어|대신|말해"
        r"|말하|흉내|가 되어)|(?:사용자|유저|이용자)(?:인 것)?처럼 ?(?:말|행동|작성|대답|답|질문|써)|(?:사용자|유저"
        r"|이용자)(?:를|을|인) ?(?:흉내|연기|시뮬레이션|가장|척)",
        r"(?:उपयोगकर्ता|यूज़र|यूजर) (?:की|का) (?:भूमिका|रोल|किरदार) (?:निभा|अदा|ले|में)|(?:उपयोगकर्ता|यूज़र"
        r"|यूजर) (?:के रूप में|की तरह|बनकर) (?:लिख|जवाब|उत्तर|बात|व्यवहार|बोल|प्रश्न|सवाल)|(?:تقمص|تقمّص|العب|مثّل"
        r"|أدِّ|خذ|تولَّ|قم ب)\s?(?:دور|شخصية) (?:ال)?مستخدم|تصرف (?:كمستخدم|كأنك (?:ال)?مستخدم"
        r"|كما لو كنت (?:ال)?مستخدم)|حاك(?:ي|ِ)? (?:دور |سلوك )?(?:ال)?مستخدم",
        r"kullanıcı(?:nın)? (?:rolünü (?:oyna|üstlen|canlandır|al)|rolüne gir|gibi (?:davran|yaz|konuş|cevap|yanıt)"
        r"|kılığına)|đóng vai (?:một |là |trò )?(?:ONE )?người dùng|(?:berperan|bertindak"
        r"|berpura-pura)(?:lah)? (?:sebagai|menjadi|jadi) (?:seorang )?pengguna|(?:wciel|zagraj|odegraj|odgrywaj"
        r"|przyjmij|wcielaj)\w{0,3}\bGAP(?:rol[ęi]|jako) użytkownik|(?:speel|neem|vervul)\bGAProl van (?:de "
        r"|een )gebruiker|(?:gedraag je|antwoord|schrijf|reageer|praat) (?:als|alsof je) (?:de |een )gebruiker",
        r"(?:escrib|gener|redact|invent|predi|imagin|produc)\w{0,4}\bGAP(?:próxim|siguiente"
        r"|prim)\w{0,3} (?:ONE )?(?:mensaje|pregunta|turno|intervención|respuesta) (?:del|de un) usuari|(?:écri"
        r"|génér|rédig|invent|prédi|imagin|produi)\w{0,4}\bGAP(?:(?:prochain|premier)\w{0,2} )?(?:message|question"
        r"|tour|réplique|requête) (?:suivante? )?de l'utilisat",
        r"(?:escrev|ger[ae]|redij|invent|prev|imagin|produz)\w{0,4}\bGAPpróxim[ao] (?:mensagem|pergunta|fala"
        r"|turno) d[eo] (?:usuári|utilizador)|(?:scriv|gener|invent|predi|immagin)\w{0,4}\bGAP(?:(?:prossim"
        r"|successiv)[oa] )?(?:messaggio|domanda|battuta|turno) (?:successiv[oa] )?dell'utente",
        r"(?:schreib|formulier|erzeug|generier|erfind|verfass|sag)\w{0,3}\bGAP(?:nächst|folge"
        r"|erst)\w{0,3} ?(?:nachricht|frage|eingabe|äusserung|anfrage)(?:en)? (?:des|eines|vom|der) (?:be)?(?:nutzer"
        r"|anwender)|(?:напиши|сгенерируй|придумай|предскажи|составь)(?:те)?GAPследующ(?:ее|ий|ую) (?:сообщение"
        r"|вопрос|реплику|запрос) пользовател",
        r"ユーザー?(?:の|が送る|が言う)次の(?:発言|メッセージ|質問|発話|入力|ターン|返信)を?[^。\n]{0,10}(?:書|生成"
        r"|作成|予測|考え|出力)|(?:사용자|유저)(?:의|가 (?:할|보낼))? ?(?:다음|후속|첫) ?(?:메시지|질문|발화|발언"
        r"|말)(?:을|를)? ?[^.\n]{0,6}(?:작성|생성|써|쓰|만들|예측|상상)",
        r"(?:उपयोगकर्ता|यूज़र|यूजर) (?:का|की|के) (?:अगल[ाीे]|पहल[ाीे]) (?:संदेश|सवाल|प्रश्न"
        r"|बात)(?: \S{1,8}){0,2} (?:लिख|बना|उत्पन्न)|(?:اكتب|أنشئ|ولّد|توقع|صغ)GAP(?:رسالة|سؤال"
        r"|رد) (?:ال)?مستخدم (?:ال)?(?:تالي|قادم|لاحق)|kullanıcının (?:bir )?sonraki (?:mesaj"
        r"|soru)\w{0,4} (?:ONE )?(?:yaz|üret|oluştur|tahmin)",
        r"(?:escrib|gener|crea|cree|invent|redact|simul|produ|elabor)\w{0,4}(?: (?!resum|sínte"
        r"|anál)\S{1,20}){0,4}? (?:conversaci|diálogo|charla)\w{0,3}(?: ONE){0,3}? entre\b|(?:écri|génér|invent"
        r"|rédig|imagin|produi|simul|crée)\w{0,4}(?: (?!résum|synth|compte)\S{1,20}){0,4}? (?:conversation|dialogue"
        r"|échange)s?(?: ONE){0,3}? entre\b|(?:escrev|gere|gerar|crie|criar|invent|redij|simul"
        r"|produz)\w{0,4}(?: (?!resum|sínte|anál)\S{1,20}){0,4}? (?:conversa|diálogo"
        r"|conversação)s?(?: ONE){0,3}? entre\b|(?:scriv|gener|crea|invent|simul|produ|compon)\w{0,4}(?: (?!riassu"
        r"|sintes|anali)\S{1,20}){0,4}? (?:conversazion|dialog)\w{1,3}(?: ONE){0,3}? (?:tra|fra) (?:un|due|il|lo|la"
        r"|l')",
        r"(?:schreib|erzeug|generier|erstell|erfind|verfass|simulier|entwirf|entwerf)\w{0,3}(?: (?!zusammenf"
        r"|protokoll|analys)\S{1,20}){0,4}? (?:gespräch|dialog|unterhaltung|konversation"
        r"|chat)\w{0,4}(?: ONE){0,3}? zwischen\b|(?:gespräch|dialog|unterhaltung"
        r"|konversation)\w{0,3} zwischen\b[^.!?\n]{0,50}? (?:schreiben|erzeugen|generieren|erstellen|verfassen"
        r"|simulieren)|(?:напиши|сгенерируй|придумай|составь|создай|смоделируй)(?:те)?(?: (?!кратк|содерж|резюме"
        r"|перес|итог|саммари)\S{1,20}){0,4}? (?:диалог|разговор|бесед"
        r"|переписк)[а-я]{0,3} (?:[а-я]{1,20} ){0,3}?между",
        r"と(?:の|\w{1,12}の)(?:会話|対話|ダイアログ)(?:文|例|データ|ログ)?を[^。\n]{0,10}(?:生成|作成|書いて|書きな"
        r"|作って|作りな)",
        r"(?:との?間?の|同士の|による)(?:\S{0,8}の)?(?:会話|対話|ダイアログ|やりとり|チャット)(?:文|例|データ"
        r"|ログ)?を[^。\n]{0,10}(?:生成|作成|書いて|書きな|作って|作りな|考え)|(?:간의|사이의|와의"
        r"|과의) (?:\S{1,8} )?(?:대화|채팅)(?:문|록|데이터)?(?:를|을) ?[^.\n요]{0,10}(?:생성|작성|만들|써|쓰세)",
        r"के बीच(?: \S{1,12}){0,3} (?:बातचीत|संवाद|वार्तालाप)(?: (?!का|की|के)\S{1,10}){0,2} (?:लिख|बना|तैयार|रच"
        r"|उत्पन्न)|(?:اكتب|أنشئ|انشئ|ولّد|أنتج|صغ|ألّف)(?: (?!ملخص|تلخيص)\S{1,12}){0,2}? (?:محادثة"
        r"|حوار[اً]{0,2})(?: \S{1,15}){0,2}? بين|arasında(?:ki)?(?: ONE){0,3}? (?:konuşma|diyalog|sohbet)(?:sı|yı|u"
        r"|i|ı|unu)? (?:yaz|oluştur|üret|hazırla|kurgula)",
        r"(?:viết|tạo|soạn|sinh)(?: (?!tóm)\S{1,8}){0,4}? (?:trò chuyện|hội thoại|đối thoại)(?: \S{1,8}){0,3}? giữa"
        r"|(?:tulis|buat|hasilkan|susun)\w{0,4}(?: (?!ringkas|rangkum)\S{1,15}){0,3}? (?:percakapan|dialog"
        r"|obrolan)(?: ONE){0,3}? antara|(?:napisz|wygeneruj|stwórz|utwórz|ułóż)\w{0,3}(?: (?!podsum"
        r"|stresz)\S{1,15}){0,3}? (?:rozmow|dialog|konwersacj)\w{0,3}(?: ONE){0,3}? (?:po)?między|(?:schrijf"
        r"|genereer|maak|bedenk)(?: (?!samenv|verslag)\S{1,15}){0,3}? (?:gesprek|dialoog"
        r"|conversatie)\w{0,3}(?: ONE){0,3}? tussen",
    ),
    "backward": (
        r"(?:genera|crea|escrib|redact|formul|elabor|inventa|haz)\w{0,4}\bGAPpreguntas?\bGAP(?:basad[ao]s? en"
        r"|a partir de|sobre|acerca de|según|con base en|en base a|que (?:se )?\w{0,12} ?respond)\w{0,6}GAPFUENTE"
        r"|(?:basándo(?:te|se) en|a partir de|con base en|según|lee)\w{0,2}GAPFUENTEGAP(?:genera|crea|escrib|redact"
        r"|formul|elabor)\w{0,4}\bGAPpreguntas?",
        r"(?:adivin|deduce|deduzc|infier|reconstru|recre)\w{0,4} (?:ONE ){0,3}?(?:instrucción|pregunta|consigna"
        r"|prompt)\b|(?:instrucción|pregunta|consigna|prompt) (?:que (?:ONE )?(?:habría|podría haber|pudo|haya"
        r"|hubiera|produj|generó|dio)|para la (?:que|cual)|cuya respuesta)",
        r"(?:génèr|génér|cré|écri|rédig|formul|pos|élabor)\w{0,4}\bGAPquestions?\bGAP(?:à partir d|basée?s? sur"
        r"|fondée?s? sur|portant sur|sur le|sur ce|d'après|dont la réponse)GAPTEXTE|(?:à partir d|en te basant sur"
        r"|en vous basant sur|d'après|lis|lisez)\w{0,2}GAPTEXTEGAP(?:génèr|génér|cré|écri|rédig|formul"
        r"|pos)\w{0,4}\bGAPquestions?",
        r"(?:devin|reconstitu|retrouv|déduis|déduire|recré)\w{0,3} (?:ONE ){0,3}?(?:instruction|question|consigne"
        r"|prompt)\b|(?:instruction|question|consigne|prompt) (?:qui (?:ONE )?(?:aurait|pourrait avoir|a pu"
        r"|a produit|a généré|a donné|produirait)|dont la réponse|à laquelle (?:ONE ){0,4}?(?:répond|réponse))",
        r"(?:gere|gerar|crie|criar|escrev|elabor|formul|redij)\w{0,4}\bGAPperguntas?\bGAP(?:base(?:ad[ao]s?)? (?:em"
        r"|no|na|ness)|a partir d|sobre|acerca d|cujas? respostas?|respondid)\w{0,4}GAPFONTE|(?:com base (?:em|no|na"
        r"|ness)|a partir d|leia)\w{0,3}GAPFONTEGAP(?:gere|gerar|crie|criar|escrev|elabor"
        r"|formul)\w{0,4}\bGAPperguntas?",
        r"(?:adivinh|deduz|infira|inferir|reconstru)\w{0,3} (?:ONE ){0,3}?(?:instrução|pergunta|prompt|comando)\b"
        r"|(?:instrução|pergunta|prompt) (?:que (?:ONE )?(?:teria|poderia ter|pode ter|produziu|gerou|produziria)"
        r"|cuja resposta|para a qual)",
        r"(?:genera|crea|scriv|formul|elabor|inventa)\w{0,4}\bGAPdomand[ae]\bGAP(?:basat[ae] s|a partire d|sul"
        r"|su quest|la cui risposta|a cui)\w{0,5}GAPBRANO|(?:in base a|a partire d|basandoti s"
        r"|leggi)\w{0,5}GAPBRANOGAP(?:genera|crea|scriv|formul)\w{0,4}\bGAPdomand[ae]|(?:indovina|deduci"
        r"|ricostruisci) (?:ONE ){0,3}?(?:istruzione|domanda|prompt)\b|(?:istruzione|domanda"
        r"|prompt) (?:che (?:ONE )?(?:avrebbe|potrebbe aver|ha prodotto|ha generato)|la cui risposta)",
        r"(?:generier|erstell|schreib|formulier|erzeug|stell|entwirf"
        r"|entwerf)\w{0,3}\b[^.!?\n]{0,40}?fragen?\b[^.!?\n]{0,30}?(?:zum|zu|zur|anhand|auf (?:grundlage|basis)"
        r"|basierend auf|aus|über)\b[^.!?\n]{0,30}?QUELLTEXT|(?:anhand|auf (?:grundlage|basis)|basierend auf"
        r"|ausgehend von|aus dem|lies)\b[^.!?\n]{0,30}?QUELLTEXT\b[^.!?\n]{0,50}?(?:generier|erstell|schreib"
        r"|formulier|erzeug|stell)\w{0,3}\b[^.!?\n]{0,40}?fragen?\b",
        r"(?:errat|rekonstruier|erschliess|leite)\w{0,2} (?:ONE ){0,3}?(?:anweisung|frage|aufgabe|instruktion"
        r"|prompt)\b|(?:anweisung|frage|aufgabe|prompt|instruktion),? (?:auf die|zu der|deren antwort"
        r"|die zu (?:ONE ){0,3}?(?:antwort|text|ausgabe))",
        r"(?:составь|придумай|сформулируй|напиши|сгенерируй|создай|задай)(?:те)?GAPвопрос[а-я]{0,3}\bGAP(?:по"
        r"|на основе|к|из|об?|исходя из)\b[^.!?\n]{0,25}?(?:текст|отрыв|абзац|стать|документ|фрагмент|контекст)"
        r"|(?:на основе|по|исходя из|прочитай(?:те)?)\b[^.!?\n]{0,25}?(?:текст|отрыв|абзац|стать|документ"
        r"|фрагмент)[а-я]{0,3}\bGAP(?:составь|придумай|сформулируй|напиши|сгенерируй|создай|задай)(?:те)?GAPвопрос",
        r"(?:угада|восстанов|реконструир|воссозда)[а-я]{1,5} (?:[а-я]{1,20} ){0,3}?(?:инструкци|вопрос|запрос|промпт"
        r"|задани)|(?:инструкци|вопрос|запрос|промпт|задани)[а-я]{0,3}, (?:на котор[а-я]{2,3}"
        r"|который (?:[а-я]{1,15} ){0,2}прив[её]л|котор[а-я]{2,3} могл|ответом на котор)",
        r"(?:文章|テキスト|本文|文書|段落|文脈|資料|記事|パッセージ)(?:の内容)?(?:に基づ|をもとに|を元に|を基に|から"
        r"|を読んで|について)[^。\n]{0,20}(?:質問|問題|設問|問い)[^。\n]{0,10}(?:生成|作成|作って|作りな|考え"
        r"|書いて)|(?:指示|質問|プロンプト|命令|問い)(?:文)?を(?:推測|推定|逆算|復元|再構成|当てて)|(?:答え|回答"
        r"|出力)(?:と|に)なる(?:ような)?(?:質問|指示|問い|プロンプト)",
        r"(?:지문|본문|글|문서|텍스트|단락|문단|기사|자료|내용)(?:을|를|에)? ?(?:바탕으로|기반으로|토대로|근거로"
        r"|읽고|기반한|대한|관한|보고)[^.\n]{0,20}(?:질문|문제)[^.\n]{0,12}(?:생성|작성|만들|만드|출제)|(?:지시문?"
        r"|질문|프롬프트|명령)(?:을|를) ?(?:추측|추론|역추론|복원|재구성|유추|알아맞)|(?:답|답변|응답"
        r"|출력)이 되는 ?(?:질문|지시)",
        r"(?:पाठ|अनुच्छेद|गद्यांश|लेख|दस्तावेज़|दस्तावेज|सामग्री|संदर्भ) (?:के आधार पर|पर आधारित|से|को पढ़कर"
        r"|पढ़कर)GAP(?:प्रश्न|सवाल)(?: \S{1,8}){0,2} (?:बना|तैयार|लिख|उत्पन्न)|(?:निर्देश|प्रश्न|सवाल"
        r"|प्रॉम्प्ट)(?: \S{1,8}){0,2} (?:का अनुमान लगा|का अंदाज़ा|को पुनर्निर्मित)|जिसका उत्तर (?:यह|नीचे|निम्न|ऊपर"
        r"|दिया|इस)",
        r"(?:اكتب|أنشئ|انشئ|ولّد|صغ|اقترح|ضع)GAP(?:أسئلة|اسئلة|سؤال[اً]{0,2})\bGAP(?:بناء على|بناءً على|استنادا إلى"
        r"|استناداً إلى|من|حول|عن|اعتمادا على)GAP(?:نص|فقرة|مقال|مستند|وثيقة|سياق|مقطع)|(?:بناء على|بناءً على"
        r"|استنادا إلى|استناداً إلى|اعتمادا على|اقرأ)GAP(?:نص|فقرة|مقال|مستند|وثيقة|سياق|مقطع)GAP(?:اكتب|أنشئ|انشئ"
        r"|ولّد|صغ|اقترح)GAP(?:أسئلة|اسئلة|سؤال)|(?:خمن|خمّن|استنتج|أعد بناء) (?:ال)?(?:تعليمات|سؤال|طلب|أمر)",
        r"(?:metin|metn|paragraf|makale|belge|pasaj|bağlam)\w{0,5} (?:dayanarak|göre|dayalı|yola çıkarak|kullanarak"
        r"|okuyup)GAPsoru\w{0,4} (?:ONE )?(?:oluştur|üret|hazırla|yaz)|(?:dựa (?:trên|vào)|từ|về|đọc)GAP(?:văn bản"
        r"|đoạn văn|bài viết|tài liệu|ngữ cảnh|đoạn trích)GAP(?:tạo|soạn|viết|đặt|sinh)GAPcâu hỏi|(?:tạo|soạn|viết"
        r"|sinh)GAPcâu hỏi (?:ONE )?(?:dựa (?:trên|vào)|từ|về)GAP(?:văn bản|đoạn văn|bài viết|tài liệu|ngữ cảnh"
        r"|đoạn trích)",
        r"(?:berdasarkan|dari|bacalah?)GAP(?:teks|paragraf|artikel|dokumen|konteks|bacaan)\b(?:GAP(?:buat|tulis"
        r"|susun|hasilkan)\w{0,4}\bGAP(?:pertanyaan|soal)\b)|(?:buat|tulis|susun|hasilkan)\w{0,4}\bGAP(?:pertanyaan"
        r"|soal)\bGAP(?:berdasarkan|dari|tentang)GAP(?:teks|paragraf|artikel|dokumen|konteks|bacaan)\b",
        r"(?:na podstawie|przeczytaj|z)\b[^.!?\n]{0,25}?(?:tekst|fragment|akapit|artykuł|dokument"
        r"|kontekst)\w{0,3}\bGAP(?:wygeneruj|stwórz|utwórz|napisz|ułóż|sformułuj|zadaj)\w{0,3}\bGAPpyta|(?:wygeneruj"
        r"|stwórz|utwórz|napisz|ułóż|sformułuj)\w{0,3}\bGAPpyta\w{1,4}\bGAP(?:na podstawie|do"
        r"|dotycząc\w{1,3})\b[^.!?\n]{0,25}?(?:tekst|fragment|akapit|artykuł|dokument)",
        r"(?:op basis van|aan de hand van|lees|uit)\bGAP(?:tekst|passage|artikel|document|alinea"
        r"|fragment)\bGAP(?:genereer|maak|schrijf|bedenk|stel|formuleer)\bGAPvragen\b|(?:genereer|maak|schrijf"
        r"|bedenk|formuleer)\bGAPvragen\bGAP(?:op basis van|aan de hand van|over|bij|uit)\bGAP(?:tekst|passage"
        r"|artikel|document|alinea|fragment)\b",
        r"(?:反推|还原|逆推|重构)HANZI{0,12}(?:指令|提示词|问题|提问)|(?:推测|猜测|猜出)HANZI{0,12}(?:指令|提示词)",
    ),
}
"""Of each class further wordings, to be read with the names of `synthesis`."""
