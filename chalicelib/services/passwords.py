"""Which passwords are refused, and why (NIST SP 800-63B-4 3.1.1.2: length, a blocklist, words of the context).

    problems("imogen1991imogen1991", ["Imogen Thistlewood", "1991-03-14"])   # too personal
    problems("seven quiet otters swim", [])                                 # nothing

There are no rules of composition. What is refused is what is guessed first: one thing repeated, a walk over the
keyboard, years and best known words in a row, a proverb, the person's own data, and what is on the operator's list
of leaks.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator

from chalicelib.adapters import breached

LEAST, MOST = 15, 128
REST = 6  # letters and digits that must be left when everything easy is taken away
KNOWN = 4  # shorter words of the context are too common to look for

# Long enough to pass, and among the first that are guessed.
_WORDS = (
    "password", "passwort", "passphrase", "passcode", "contrasena", "motdepasse", "qwertyuiop", "qwerty", "qwertz",
    "azerty", "asdfghjkl", "zxcvbnm", "letmein", "iloveyou", "welcome", "administrator", "admin", "trustno", "sunshine",
    "princess", "football", "baseball", "basketball", "dragon", "monkey", "whatever", "superman", "batman", "pokemon",
    "starwars", "michael", "jessica", "charlie", "liverpool", "chelsea", "arsenal", "barcelona", "computer", "internet",
    "google", "facebook", "windows", "samsung", "clientportal", "portal", "therapy", "therapist", "counseling",
    "counselling", "practice", "changeme", "secret", "default", "example", "login", "signin", "master", "access",
    "please", "hello", "summer", "winter", "spring", "autumn", "january", "february", "march", "april", "june", "july",
    "august", "september", "october", "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday",
    "saturday", "sunday", "mylove", "forever", "family", "freedom", "america", "jesus", "christ", "blessed",
    "loveyou", "babygirl",
    "abc", "xyz", "the", "and", "for", "you", "my", "is",
)  # fmt: skip
# Sentences that everyone knows, without spaces: a guesser's second list.
_SAYINGS = (
    "correcthorsebatterystaple", "thequickbrownfoxjumpsoverthelazydog", "tobeornottobethatisthequestion",
    "allthatglittersisnotgold", "anappleadaykeepsthedoctoraway", "actionsspeaklouderthanwords", "betterlatethannever",
    "practicemakesperfect", "curiositykilledthecat", "theearlybirdcatchestheworm", "dontworrybehappy", "hakunamatata",
    "wheresthereisawillthereisaway", "wherethereisawillthereisaway", "knowledgeispower", "honestyisthebestpolicy",
    "loveisallyouneed", "allyouneedislove", "letitbeletitbe", "wewillrockyou", "wearethechampions", "dontstopbelieving",
    "iwillalwaysloveyou", "sweethomealabama", "stairwaytoheaven", "twinkletwinklelittlestar", "happybirthdaytoyou",
    "jinglebellsjinglebells", "rowrowrowyourboat", "maryhadalittlelamb", "itsybitsyspider", "ohsaycanyousee",
    "godblessamerica", "inthebeginningwastheword", "ourfatherwhoartinheaven", "thelordismyshepherd", "onceuponatime",
    "andtheylivedhappilyeverafter", "maytheforcebewithyou", "lukeiamyourfather", "winteriscoming",
    "toinfinityandbeyond", "theresnoplacelikehome", "lifeislikeaboxofchocolates", "youshallnotpass",
    "houstonwehaveaproblem",
    "oneringtorulethemall", "wethepeopleoftheunitedstates", "lifelibertyandthepursuitofhappiness", "ihaveadream",
    "keepcalmandcarryon", "liveloughlove", "livelaughlove", "carpediem",
    "fourscoreandsevenyearsago", "onesmallstepforman", "letmeinletmein", "opensesame", "mypasswordissecret",
    "thisismypassword", "thisisapassword", "ihatepasswords", "nobodywillguessthis", "iforgotmypassword",
)  # fmt: skip
_ROWS = (
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
    "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "147258369", "zaqxswcdevfrbgtnhymjukilop", "q1w2e3r4t5y6u7i8o9p0", "poiuytrewq",
)  # fmt: skip
_LEET = str.maketrans("013457@$!", "oieastasi")
_YEAR = re.compile(r"(19|20)\d\d")
_RUN = 4  # neighbours in a row that count as a walk


def problems(password: str, context: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Code and sentence of what is wrong with a new password, if anything is. `context`: names, addresses, numbers and
    dates that whoever knows the person would try; an e-mail address may not be part of it at all.

    The codes: too_short, too_long, too_common, contains_email, too_personal.
    """
    context = [each for each in context if each]
    plain = "".join(letter for letter in password.casefold() if letter.isalnum())
    if len(password) < LEAST:
        yield "too_short", f"Use at least {LEAST} characters. A short sentence works well."
    elif len(password) > MOST:
        yield "too_long", f"Use at most {MOST} characters."
    elif _is_common(password, plain) or breached.is_known(password):
        yield "too_common", "This one is easy to guess. Put a few unrelated words together."
    elif any(len(each) >= KNOWN and each in password.casefold().replace(" ", "") for each in map(_before_at, context)):
        yield "contains_email", "Leave your e-mail address out of the password."
    elif _is_personal(plain, context):
        yield "too_personal", "Leave names, addresses, dates and numbers of your own out of the password."


def _before_at(told: str) -> str:
    """What stands before the @ of an address; nothing for what is none."""
    return told.casefold().partition("@")[0] if "@" in told else ""


def _is_common(password: str, plain: str) -> bool:
    if len(set(password.casefold())) < 5 or (plain and re.fullmatch(r"(.{1,12}?)\1+.{0,5}", plain)):
        return True
    if any(_without_sayings(each) < REST for each in {plain, plain.translate(_LEET)}):
        return True
    return len(_rest(plain)) < REST or len(_rest(plain.translate(_LEET))) < REST


def _without_sayings(plain: str) -> int:
    for saying in _SAYINGS:
        if saying in plain:
            return len(_rest(plain.replace(saying, "")))
        if len(plain) >= LEAST and plain in saying:
            return 0
    return len(plain)


def _is_personal(plain: str, context: list[str]) -> bool:
    """Whether too little is left without the words of the context, and of what is easy."""
    words = sorted({each for told in context for each in _pieces(told)}, key=len, reverse=True)
    left = plain
    for word in words:
        left = left.replace(word, "")
    return left != plain and len(_rest(left)) < REST


def _pieces(told: str) -> Iterator[str]:
    """What somebody would try of a name, an address, a number or a date: whole, in parts, and forward and back."""
    lower = told.casefold()
    if found := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", lower):
        year, month, day = found.groups()
        for parts in itertools.permutations((year, month, day)):
            yield "".join(parts)
        yield from (
            year,
            month + day,
            day + month,
            year[2:] + month + day,
            month + day + year[2:],
            day + month + year[2:],
        )
        return
    digits = re.sub(r"\D", "", lower)
    if len(digits) >= 7:
        yield from (digits, digits[-10:], digits[-7:], digits[-4:])
    whole = "".join(letter for letter in lower if letter.isalnum())
    for word in [whole, *re.findall(r"[^\W_]+", lower)]:
        if len(word) >= KNOWN and not word.isdigit():
            yield word
            yield word[::-1]


def _rest(plain: str) -> str:
    """What is left when walks over the keyboard, years, repeats and the best known words are taken away."""
    left = _YEAR.sub("", _without_walks(plain))
    left = re.sub(r"(.)\1{2,}", r"\1", left)
    for word in _words():
        left = left.replace(word, "")
    return re.sub(r"(.{1,6}?)\1{2,}", r"\1", left)


@functools.cache
def _words() -> tuple[str, ...]:
    return tuple(sorted(_WORDS, key=len, reverse=True))


@functools.cache
def _steps() -> frozenset[str]:
    """Every two neighbours on a keyboard, in the alphabet or in counting, in both directions."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    return frozenset(one + other for row in rows for one, other in itertools.pairwise(row))


def _without_walks(plain: str) -> str:
    """The text without runs of four or more neighbours."""
    kept, run = [], plain[:1]
    for before, letter in itertools.pairwise(plain):
        if before + letter in _steps():
            run += letter
            continue
        kept.append(run if len(run) < _RUN else "")
        run = letter
    kept.append(run if len(run) < _RUN else "")
    return "".join(kept)
