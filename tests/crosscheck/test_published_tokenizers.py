"""Published tokenizers give the ids of the package `tokenizers`, on 10,000 strings; chats those of transformers."""

import json

import pytest

tokenizers = pytest.importorskip("tokenizers")

from mixed_texts import mixed_texts
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from minilm.data import PublishedBPE, WordPieceTokenizer
from minilm.pretrained.chat import ChatTemplate
from minilm.pretrained.saving import tokenizer_json
from minilm.pretrained.tokenizer import read_tokenizer, tokenizer_of

NUMBER = 10_000
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False)
CUTS = {"gpt-2": BYTES, "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), BYTES])}
TEMPLATE = """\
{% for message in messages %}
    {% if loop.first and message.role != 'system' %}{{ '<|im_start|>system\nHelp.<|im_end|>\n' }}{% endif %}
    {{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
"""


def byte_level(cut, alphabet):
    """A tokenizer that learned 900 symbols; `alphabet` are bytes that have one."""
    theirs = tokenizers.Tokenizer(models.BPE())
    theirs.pre_tokenizer, theirs.decoder = CUTS[cut], decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    theirs.train_from_iterator(mixed_texts(1, 2000), trainer)
    return theirs


def wordpiece(lowercase):
    theirs = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    theirs.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    theirs.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    theirs.train_from_iterator(
        mixed_texts(1, 1000), trainers.WordPieceTrainer(vocab_size=900, special_tokens=special, show_progress=False)
    )
    return theirs


def assert_equal(ours, theirs, number=NUMBER, extra=()):
    texts = list(mixed_texts(0, number, extra=extra))
    ours.encode("\n".join(texts))  # most words are now known, so the formula of the kernel is not called for each text
    for text, encoding in zip(texts, theirs.encode_batch(texts, add_special_tokens=False), strict=True):
        assert ours.encode(text).tolist() == encoding.ids, repr(text)


@pytest.mark.parametrize("alphabet", [BYTES.alphabet(), []], ids=["all bytes", "those that occur"])
@pytest.mark.parametrize("cut", CUTS)
def test_byte_level_ids_are_theirs(cut, alphabet, tmp_path):
    theirs = byte_level(cut, alphabet)
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = read_tokenizer(tmp_path)
    assert isinstance(ours, PublishedBPE)
    assert_equal(ours, theirs, NUMBER // 4, extra=[*SPECIAL, "\x04", "\x06!", "\U00040000"])
    text = next(mixed_texts(2, 1))
    assert ours.decode(ours.encode(text)) == theirs.decode(theirs.encode(text).ids, skip_special_tokens=False)


def test_a_tokenizer_that_cuts_in_other_places_is_noticed():
    """Negative control of the test above."""
    theirs = byte_level("gpt-2", BYTES.alphabet())
    content = json.loads(theirs.to_str())
    content["pre_tokenizer"] = json.loads(byte_level("smollm", []).to_str())["pre_tokenizer"]
    with pytest.raises(AssertionError):
        assert_equal(tokenizer_of(content), theirs, 100)


@pytest.mark.parametrize("lowercase", [True, False], ids=["uncased", "cased"])
def test_wordpiece_ids_are_theirs(lowercase, tmp_path):
    theirs = wordpiece(lowercase)
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = read_tokenizer(tmp_path)
    assert isinstance(ours, WordPieceTokenizer)
    assert_equal(ours, theirs, NUMBER // 4)


@pytest.mark.parametrize("kind", [*CUTS, "uncased"])
def test_a_tokenizer_that_was_saved_again_is_theirs_still(kind):
    theirs = wordpiece(True) if kind == "uncased" else byte_level(kind, [])
    again = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(tokenizer_of(json.loads(theirs.to_str())))))
    for text in mixed_texts(4, 300, extra=SPECIAL):
        assert again.encode(text, add_special_tokens=False).ids == theirs.encode(text, add_special_tokens=False).ids
    framed = again.encode("low", add_special_tokens=True).tokens
    assert (framed[0], framed[-1]) == ("[CLS]", "[SEP]") if kind == "uncased" else framed[0] != "[CLS]"


def test_a_chat_has_the_ids_of_transformers():
    transformers = pytest.importorskip("transformers")
    fast = byte_level("smollm", BYTES.alphabet())
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_object=fast, chat_template=TEMPLATE)
    ours = ChatTemplate(TEMPLATE, tokenizer_of(json.loads(fast.to_str())))
    texts = list(mixed_texts(3, 60))
    for i in range(0, 60, 3):
        roles = ["system", "user", "assistant"] if i % 2 else ["user", "assistant", "user"]
        messages = [{"role": role, "content": text} for role, text in zip(roles, texts[i : i + 3], strict=True)]
        ids = theirs.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        assert ours(messages).tolist() == ids
        assert ours(messages[:1]).tolist() != ids  # negative control
