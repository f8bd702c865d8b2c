"""Words that the generated parts of the sample are made of."""

_ADJECTIVES = """
cheap discount free best luxury vintage organic genuine wholesale hot exclusive used mini ultra smart premium
"""
_NOUNS = """
blue red sky tree mega easy top web net shop best info my the go one fast data city home
"""
_CHATTER = """
lol thx me too same here bump anyone know where how did u get that it dont work for me plz help ok nice pic first
dude idk maybe try google it already asked wrong section locked mods? agree +1 cool yeah no way omg
"""
_LATIN = """
lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna
aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat duis aute
irure in reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur excepteur sint occaecat cupidatat non
proident sunt culpa qui officia deserunt mollit anim id est laborum
"""
_MENU = """
Home Products Docs Reference Tutorials Community Blog Download About Contact Pricing Support Login Register Forum
Jobs Press Partners Events Newsletter Archive Search Wiki Status Changelog Roadmap Legal Imprint
"""
_OTHER_WORDS = """
marble lantern orchard violet harbour meadow copper whisper thunder saffron velvet granite willow ember falcon
juniper anchor cobalt thistle maple
"""
_GOODS = """
replica watches, car insurance, casino bonus, diet pills, garden chairs, phone cases, running shoes, payday loans,
printer ink, hotel deals, wedding dress, used tyres, lottery tickets, protein powder, led lamps, sunglasses,
handbags, dating, forex signals, roof repair, cat food, yoga mats, bitcoin wallet, essay service, hair extensions
"""
_PLACES = """
London, Ohio, Berlin, Texas, Toronto, Sydney, Mumbai, Paris, Lagos, Miami, Dubai, Leeds, Denver, Oslo, Manila, Perth
"""
# The first articles of the Universal Declaration of Human Rights (public domain), without punctuation.
LANGUAGES = {
    "de": """
    alle Menschen sind frei und gleich an Würde und Rechten geboren sie mit Vernunft und Gewissen begabt sollen
    einander im Geiste der Brüderlichkeit begegnen jeder hat Anspruch auf die in dieser Erklärung verkündeten Rechte
    und Freiheiten ohne irgendeinen Unterschied etwa nach Rasse Hautfarbe Geschlecht Sprache Religion
    """,
    "fr": """
    tous les êtres humains naissent libres et égaux en dignité et en droits ils sont doués de raison et de
    conscience et doivent agir les uns envers les autres dans un esprit de fraternité chacun peut se prévaloir de
    toutes les libertés proclamées dans la présente déclaration sans distinction aucune
    """,
    "es": """
    todos los seres humanos nacen libres e iguales en dignidad y derechos y dotados como están de razón y conciencia
    deben comportarse fraternalmente los unos con los otros toda persona tiene los derechos y libertades proclamados
    en esta declaración sin distinción alguna de raza color sexo idioma religión opinión
    """,
    "it": """
    tutti gli esseri umani nascono liberi ed eguali in dignità e diritti essi sono dotati di ragione e di coscienza
    e devono agire gli uni verso gli altri in spirito di fratellanza ad ogni individuo spettano
    """,
    "pt": """
    todos os seres humanos nascem livres e iguais em dignidade e em direitos dotados de razão e de consciência devem
    agir uns para com os outros em espírito de fraternidade todos podem invocar os direitos
    """,
    "nl": """
    alle mensen worden vrij en gelijk in waardigheid en rechten geboren zij zijn begiftigd met verstand en geweten
    en behoren zich jegens elkander in een geest van broederschap te gedragen een ieder heeft aanspraak
    """,
    "cs": """
    všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv jsou nadáni rozumem a svědomím a mají spolu
    jednat v duchu bratrství každý má všechna práva a svobody stanovené touto deklarací
    """,
    "ru": """
    все люди рождаются свободными и равными в своем достоинстве и правах они наделены разумом и совестью и должны
    поступать в отношении друг друга в духе братства каждый человек должен обладать всеми правами
    """,
    "el": """
    όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα είναι προικισμένοι με λογική
    και συνείδηση και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης
    """,
    "tr": """
    bütün insanlar hür haysiyet ve haklar bakımından eşit doğarlar akıl ve vicdana sahiptirler ve birbirlerine karşı
    kardeşlik zihniyeti ile hareket etmelidirler herkes bütün haklardan ve hürriyetlerden istifade edebilir
    """,
    "zh": """
    人人 生而 自由 在 尊严 和 权利 上 一律 平等 他们 赋有 理性 和 良心 并 应以 兄弟 关系
    的 精神 相对待
    """,
    "ja": """
    すべての 人間は 生まれながらにして 自由であり かつ 尊厳と 権利とについて 平等である 人間は
    理性と 良心とを 授けられており
    """,
}

ADJECTIVES = _ADJECTIVES.split()
NOUNS = _NOUNS.split()
CHATTER = _CHATTER.split()
LATIN = _LATIN.split()
MENU = _MENU.split()
OTHER_WORDS = _OTHER_WORDS.split()
GOODS = _GOODS.replace("\n", " ").strip().split(", ")
PLACES = _PLACES.replace("\n", " ").strip().split(", ")
SPAM = (
    "Buy {a} {g} online now! {t} at the lowest price in {p}.",
    "{t} {t} {t} cheap {g} discount {g} {p}",
    "Looking for {t}? Our {a} {g} ships to {p} in {n} hours.",
    "Tags: {k}, {t}, {p}",
    "Save {n}% on {g}, {g} deals, {a} {t} coupon code.",
    "Top {n} {g} of 2019 | {a} {g} | {t} reviews | {p}",
    "Click here for {t} {p}. Click here for {a} {g}. No prescription, no credit check.",
    "{k} and more {a} {t} in {p}: order today, limited offer.",
)
