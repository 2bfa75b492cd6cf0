"""Tags stand under their words, and wrong ones are told from right ones."""

from plait.reports.pages.sentences import belongs, tagged
from plait.runs.gallery import ShownTags
from plait.runs.gallery_inputs import SentenceInput


def sentence(*words: str, tokens: int | None = None) -> SentenceInput:
    return SentenceInput(words=list(words), tokens=tokens or len(words), text=" ".join(words))


def tags(true: list[str | None], predicted: list[str], task: str = "t") -> ShownTags:
    return ShownTags(task=task, geometry="tags", true=true, predicted=predicted)


def test_each_word_has_the_tags_of_each_task() -> None:
    both = [tags(["A", "B"], ["A", "A"], "one"), tags(["O", None], ["O", "X"], "two")]
    found = tagged(sentence("x", "y"), both)
    assert found.tasks == ["one", "two"]
    assert [token.word for token in found.tokens] == ["x", "y"]
    looks = [[tag.look for tag in token.tags] for token in found.tokens]
    assert looks == [["named", "outside"], ["wrong", "unlabelled"]]
    assert (found.tokens[1].tags[0].predicted, found.tokens[1].tags[0].true) == ("A", "B")


def test_an_outside_tag_that_is_wrong_is_wrong() -> None:
    (token,) = tagged(sentence("x"), [tags(["B-place"], ["O"])]).tokens
    assert token.tags[0].look == "wrong"


def test_a_sentence_without_tags_is_shown_as_it_was_written() -> None:
    found = tagged(sentence("x", "y"), [])
    assert (found.text, found.tokens, found.more) == ("x y", [], 0)


def test_words_that_were_cut_off_are_counted() -> None:
    found = tagged(sentence("x", "y", tokens=7), [tags(["A"] * 7, ["A"] * 7)])
    assert (len(found.tokens), found.more) == (2, 5)


def test_what_cannot_be_seen_has_a_sign() -> None:
    assert [
        t.word for t in tagged(sentence("", " ", "\u200f"), [tags([None] * 3, ["A"] * 3)]).tokens
    ] == [
        "␣",
        "␣",
        "␣",
    ]


def test_tags_belong_to_the_first_sentence_of_their_length() -> None:
    three = [sentence("a"), sentence("b", "c"), sentence("d", "e")]
    assert belongs(tags(["A", "A"], ["A", "A"]), three) is three[1]
    assert belongs(tags(["A"] * 9, ["A"] * 9), three) is None


def test_long_sentences_have_the_whole_width() -> None:
    words = ["w"] * 20
    assert tagged(sentence(*words), [tags(["A"] * 20, ["A"] * 20)]).wide
    assert not tagged(sentence(*words), []).wide
    assert tagged(sentence(*words * 10), []).wide
