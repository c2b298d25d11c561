"""Letters that look alike are put right where a list of words or the build of a postal code leaves no choice."""

import pytest

from extract.decoding.lexicon import Lexicon
from extract.decoding.lookalikes import mended_codes, mended_word, variants
from extract.decoding.mending import is_plain, mended, unlisted

WORDS = Lexicon(sorted(["company", "filing", "fling", "government", "international", "mill", "modem", "modern"]))


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("Govemment", "Government"),
        ("GOVERNMENT", "GOVERNMENT"),
        ("MIII", "Mill"),
        ("lnternational", "International"),
        ("lvymount", "Ivymount"),  # in no list, but no word begins so
        ("d'lvoire", "d'Ivoire"),  # nor goes on so after an apostrophe
        ("Marstellar", "Marstellar"),  # a name, as written
        ("Governement", "Governement"),  # misspelt, as written
    ],
)
def test_an_unknown_word_becomes_the_known_one_that_looks_like_it(read: str, written: str) -> None:
    assert mended_word(read, WORDS) == written


def test_lookalikes_of_a_word_are_few_and_do_not_hold_the_word() -> None:
    assert "corn" in variants("com")
    assert "com" not in variants("com")
    assert variants("west") == []


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("Calgary, AB T2P OR8", "Calgary, AB T2P 0R8"),
        ("Boston, MA O2l10", "Boston, MA 02110"),
        ("Lexington, KY 4O508-12S4", "Lexington, KY 40508-1254"),
        ("117O3 Foxhal1 Road", "11703 Foxhall Road"),
        ("1O2 High Street, B12, 4th, A1O1B", "1O2 High Street, B12, 4th, A1O1B"),
        ("4225 THOMAS LN 1OTH FLOOR, l2th", "4225 THOMAS LN 10TH FLOOR, 12th"),
        ("OTH, IOTH, B1OTH", "OTH, IOTH, B1OTH"),  # no figure was seen, or it is no count
        ("Unit LOLL", "Unit LOLL"),
        ("NY SOLID", "NY SOLID"),
        ("Calle Mayor 9, 6° Izq.", "Calle Mayor 9, 6º Izq."),  # a floor, counted in Spanish
        ("at 12° C", "at 12° C"),
        ("11/28 Union Road, #//4", "11728 Union Road, #774"),  # steep sevens
        ("4//8 Mill Road", "4778 Mill Road"),
        ("11/28 Union Road", "11/28 Union Road"),
        ("http://a.b", "http://a.b"),
        ("NEXUS WORLDWIDE, ING.", "NEXUS WORLDWIDE, ING."),
        ("Ministry of EI Salvador, E1 Cajon", "Ministry of El Salvador, El Cajon"),
        ("AI-Hayat and AI Research, EI du Pont", "Al-Hayat and AI Research, EI du Pont"),
        ("EI SALVADOR", "EI SALVADOR"),  # among capitals nobody can tell
        ("Government or Kenya; EMBASSY OR THE STATE OT X", "Government of Kenya; EMBASSY OF THE STATE OT X"),
        ("Embassy or Consulate, Director or Manager", "Embassy or Consulate, Director or Manager"),
        ("5793 56IH Way, 7lh Floor", "5793 56TH Way, 7th Floor"),
    ],
)
def test_letters_in_a_postal_code_become_figures_where_only_figures_can_stand(read: str, written: str) -> None:
    assert mended_codes(read) == written


def test_a_mended_line_keeps_a_score_for_each_character_and_counts_its_changes() -> None:
    text = "Govemment of Mill PI"
    scores = [0.9] * len(text)
    scores[4] = 0.6
    found = mended(text, scores, WORDS)
    assert found.text == "Government of Mill Pl"
    assert len(found.characters) == len(found.text)
    assert found.characters[:10] == (0.6,) * 10  # no surer than its weakest letter was
    assert found.mended == 2
    assert found.known == 1.0


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("Torres & lyanov", "Torres & Iyanov"),
        ("Nadia lil", "Nadia Iil"),
        ("government of lyanov", "government of lyanov"),  # no name: it need not begin with a capital
        ("9 lvy Lane", "9 Ivy Lane"),  # too short for a list, but no word begins so
        ("lst Mill", "1st Mill"),
        ("lan D'Souza", "Ian D'Souza"),
        ("Zoë lukivyj", "Zoë Iukivyj"),
        ("NEXUS WORLDWIDE, ING.", "NEXUS WORLDWIDE, INC."),  # the legal form at the end of a name
        ("XYLEM & GO", "XYLEM & CO"),
        ("GO & XYLEM", "GO & XYLEM"),
    ],
)
def test_the_words_of_a_name_begin_with_capitals(read: str, written: str) -> None:
    assert mended(read, [1.0] * len(read), WORDS).text == written


@pytest.mark.parametrize(("read", "written"), [("NIA", "N/A"), ("N1A.", "N/A"), ("Mr NIA", "Mr NIA")])
def test_a_whole_answer_like_not_applicable_is_that_where_prose_is_expected(read: str, written: str) -> None:
    scores = [0.9] * len(read)
    assert mended(read, scores, Lexicon(["applicable", "mr"])).text == written
    assert mended(read, scores, Lexicon(["nadia", "nia"])).text == read


@pytest.mark.parametrize(
    ("read", "written", "count"),
    [
        ("Mun;cipal Internat:onal", "Mun;cipal International", 1),  # of no list: it stays as it was read
        ("Inte!national", "Inte!national", 0),  # no thin letter makes a word of it
        ("M|ll: company", "Mill: company", 1),
        ("Company:filing", "Company:filing", 0),
        ("mod:ern", "mod:ern", 0),  # a speck in a word
        ("f:ling", "f:ling", 0),  # or a thin letter of another
        ("ME:LL", "ME:LL", 0),
    ],
)
def test_a_mark_inside_a_word_is_the_thin_letter_that_makes_it_one(read: str, written: str, count: int) -> None:
    scores = [0.9 - 0.01 * place for place in range(len(read))]
    found = mended(read, scores, WORDS)
    assert (found.text, found.mended) == (written, count)
    # No character of a mended word is surer than its weakest was.
    begin = next((place for place, letter in enumerate(read) if written[place] != letter), len(read))
    word = slice(written.rfind(" ", 0, begin) + 1, len(read) if ":" not in written[begin:] else written.index(":"))
    assert not count or set(found.characters[word]) == {min(scores[word])}


def test_among_capitals_a_short_form_stays_as_it_is() -> None:
    assert mended("MAGNUM PI", [1.0] * 9, WORDS).text == "MAGNUM PI"


@pytest.mark.parametrize(("word", "plain"), [("Company,", True), ("filing", False), ("O", False), ("Cornpany", False)])
def test_a_word_is_plain_if_it_is_known_and_looks_like_no_other(word: str, *, plain: bool) -> None:
    assert is_plain(word, WORDS) is plain


@pytest.mark.parametrize(
    ("text", "weakest", "odd"),
    [
        ("Modern Company", 1.0, 0),  # all in the lists
        ("Company 1234", 0.5, 0),  # no list vouches for a number, but it is none of the odd ones
        ("5th Mill, B12", 0.5, 1),
        ("5tn Mill", 0.5, 1),
        ("Unt A Company's", 0.5, 1),  # a lone letter is as good as a number
        ("Modern.., Company", 1.0, 1),  # nobody writes two stops
        ("Modern., Company", 1.0, 0),
    ],
)
def test_what_no_list_vouches_for_is_weighed_by_its_own_scores(text: str, weakest: float, odd: int) -> None:
    listed = {"modern", "company", "mill", "modern..", "modern."}
    scores = [0.9 if word.lower().rstrip(",") in listed else 0.5 for word in text.split() for _ in word + " "]
    found = unlisted(text, scores[: len(text)], WORDS)
    assert (found.weakest, found.odd) == (weakest, odd)


@pytest.mark.parametrize(
    ("text", "odd"), [("Company of Companies", 1), ("Of company BY mill", 0), ("Company oF mill", 1)]
)
def test_the_little_words_of_running_text_are_not_odd(text: str, odd: int) -> None:
    prose = Lexicon(sorted(["applicable", "company", "mill"]))
    assert unlisted(text, [0.9] * len(text), prose).odd == odd
    names = Lexicon(sorted(["company", "mill"]))
    assert unlisted(text, [0.9] * len(text), names).odd > 0
