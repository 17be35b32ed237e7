"""A model that others use: weights in 8 and 4 bits, text that is certain while it is written, server-sent events."""

import codecs

import numpy as np

from minilm.check.exercise import Exercise
from minilm.compress import quantize
from minilm.pretrained.gguf import FORMATS

# absmax


def _absmax_cases(rng):
    yield (np.array([[1.0, 0.3], [-2.0, 0.1]]),)
    yield (np.array([[1.0, 0.0, -3.0], [-2.1, 0.0, -1.1]]),)
    yield (np.array([[0.5, 8.0], [-0.3, 0.2], [0.11, -7.0]]),)
    for C, F in ((3, 3), (4, 3), (3, 5), (6, 2)):
        W = rng.normal(size=(C, F)) * rng.uniform(0.1, 3, F)
        W[:, -1] -= 4  # a column of one sign
        yield (W,)


absmax = Exercise(
    name="absmax",
    statement="Weights as whole numbers of 8 bits with a scale for each output (column): "
    "scale[f] = max over c of |W[c, f]| / 127, q = W / scale, rounded to the nearest whole number. The scale of a "
    "column of zeros is 1.",
    arguments={"W": "(C, F)"},
    returns="(q, scale): whole numbers (C, F) from -127 to 127, and (F,), so that W ≈ q * scale",
    reference=quantize,
    cases=_absmax_cases,
    hints=(
        "How large may a number be that 8 bits hold with a sign? Which number of the column should become that large?",
        "np.abs(W).max(axis=...) along the inputs leaves one number for each output; np.rint rounds to the nearest.",
        "scale = np.abs(W).max(axis=0) / 127; scale[scale == 0] = 1; then np.rint(W / scale)",
    ),
)


@absmax.variant
def by_columns(W):
    scale = np.abs(W).max(axis=0) / 127
    scale[scale == 0] = 1
    return np.rint(W / scale).astype(np.int8), scale


@absmax.variant
def column_after_column(W):
    q, scale = [], []
    for column in W.T:
        largest = max(abs(w) for w in column)
        s = largest / 127 if largest else 1.0
        q.append([round(w / s) for w in column])
        scale.append(s)
    return np.array(q).T, np.array(scale)


@absmax.variant
def from_both_ends(W):
    largest = np.maximum(W.max(axis=0), -W.min(axis=0))
    scale = np.where(largest == 0, 127, largest) / 127
    return np.floor(W / scale + 0.5).astype(int), scale


def _rounded(W, scale):
    """What a wrong scale gives, as far as 8 bits hold it."""
    return np.clip(np.rint(W / scale), -127, 127).astype(np.int8)


@absmax.misconception(
    "the whole matrix had one scale", "If one output's weights are a hundred times larger, how many steps has another?"
)
def one_scale(W):
    scale = np.full(W.shape[1], np.abs(W).max() / 127)
    return _rounded(W, scale), scale


@absmax.misconception(
    "each input (row) had a scale", "In y[f] = Σ x[c] W[c, f], which scale can be taken out of the sum?"
)
def by_rows(W):
    scale = np.abs(W).max(axis=1) / 127
    scale[scale == 0] = 1
    return _rounded(W, scale[:, None]), scale


@absmax.misconception("the largest weight were looked for without its sign", "Which of 1 and -2 is larger in size?")
def without_abs(W):
    scale = W.max(axis=0) / 127
    scale[scale == 0] = 1
    return _rounded(W, scale), scale


@absmax.misconception(
    "the scale were the largest weight divided by 128", "Do 8 bits with a sign hold +128, or what becomes of it?"
)
def by_128(W):
    scale = np.abs(W).max(axis=0) / 128
    scale[scale == 0] = 1
    return np.rint(W / scale).astype(int).astype(np.int8), scale


@absmax.misconception("the quotients were cut off and not rounded", "How far from W may q * scale be then, and before?")
def cut_off(W):
    scale = by_columns(W)[1]
    return np.trunc(W / scale).astype(np.int8), scale


@absmax.misconception(
    "the range from the least weight to the greatest were divided by 254",
    "Where does 0 lie if all weights of a column are near -4?",
)
def by_range(W):
    scale = (W.max(axis=0) - W.min(axis=0)) / 254
    scale[scale == 0] = 1
    return _rounded(W, scale), scale


@absmax.misconception("the scale were what W is multiplied with", "What must q be multiplied with to be W again?")
def inverted(W):
    q, scale = by_columns(W)
    return q, 1 / scale


@absmax.misconception("a column of zeros had the scale 0", "What is W / scale there, while you quantize?")
def scale_of_nothing(W):
    q, scale = by_columns(W)
    return q, np.where((W == 0).all(axis=0), 0, scale)


# unpack_4bit

Q4_0 = FORMATS[2]


def _unpack_cases(rng):
    yield np.array([0.5]), np.array([[0x80, 0x91, 0xF0, *[0x88] * 13]], np.uint8)
    yield np.array([-0.25, 2.0]), np.array([range(16), range(240, 256)], np.uint8)
    for N in (2, 3, 5):
        yield rng.integers(-40, 40, N) / 16 + 1 / 32, rng.integers(0, 256, (N, 16)).astype(np.uint8)


def _unpack_answer(d, q):
    blocks = np.empty(len(d), Q4_0.block)
    blocks["d"], blocks["q"] = d, q
    return Q4_0.floats(blocks)


unpack_4bit = Exercise(
    name="unpack_4bit",
    statement="Read blocks of 32 weights in 4 bits (Q4_0). Byte j of a block holds two numbers from 0 to 15: the lower "
    "half of its bits is that of weight j, the upper half that of weight j + 16. w = d (number - 8).",
    arguments={"d": "(N,), the scale of each block", "q": "(N, 16) uint8, the bytes of each block"},
    returns="(N, 32)",
    reference=Q4_0.floats,
    answer=_unpack_answer,
    cases=_unpack_cases,
    hints=(
        "Which operation keeps the four lower bits of a byte, and which one moves the upper four down?",
        "q & 15 and q >> 4, side by side along the last axis. What is 3 - 8 if both are unsigned bytes?",
        "np.concatenate([q & 15, q >> 4], axis=1), as int or float, less 8, times d[:, None]",
    ),
)


@unpack_4bit.variant
def two_halves(d, q):
    return d[:, None] * (np.concatenate([q & 15, q >> 4], axis=1) - 8.0)


@unpack_4bit.variant
def bit_by_division(d, q):
    whole = np.hstack([q % 16, q // 16]).astype(int) - 8
    return whole * d.reshape(-1, 1)


@unpack_4bit.variant
def byte_after_byte(d, q):
    w = np.zeros((len(q), 32))
    for n in range(len(q)):
        for j in range(16):
            byte = int(q[n, j])
            w[n, j], w[n, j + 16] = d[n] * (byte % 16 - 8), d[n] * (byte // 16 - 8)
    return w


@unpack_4bit.misconception(
    "the two numbers of a byte were neighbours", "Where does the upper half of byte 0 belong: at 1, or at 16?"
)
def neighbours(d, q):
    return d[:, None] * (np.stack([q & 15, q >> 4], axis=2).reshape(len(q), 32) - 8.0)


@unpack_4bit.misconception("the upper halves came first", "Which half of byte 0 is weight 0?")
def upper_first(d, q):
    return d[:, None] * (np.concatenate([q >> 4, q & 15], axis=1) - 8.0)


@unpack_4bit.misconception("nothing were subtracted from the numbers", "How would a negative weight be written?")
def no_offset(d, q):
    return d[:, None] * np.concatenate([q & 15, q >> 4], axis=1)


@unpack_4bit.misconception("8 were subtracted from the products", "Is the zero of the numbers scaled, too?")
def offset_after(d, q):
    return no_offset(d, q) - 8


@unpack_4bit.misconception(
    "4 bits were a whole number with a sign (two's complement)", "Which number is 1111 here: -1, or 15 - 8?"
)
def with_sign_bit(d, q):
    whole = np.concatenate([q & 15, q >> 4], axis=1).astype(int)
    return d[:, None] * np.where(whole < 8, whole, whole - 16)


@unpack_4bit.misconception("3 - 8 were 251, as it is of unsigned bytes", "Of which type is q & 15?")
def unsigned(d, q):
    return d[:, None] * (np.concatenate([q & 15, q >> 4], axis=1).astype(int) - 8) % 256


@unpack_4bit.misconception("the upper four bits had not been moved down", "How large is q & 240, at most?")
def not_moved(d, q):
    return d[:, None] * (np.concatenate([q & 15, q & 240], axis=1) - 8.0)


# whole_characters


def _tokens(text, *places):
    """The bytes of a text, cut at these places."""
    content = text.encode()
    return [content[a:b] for a, b in zip((0, *places), (*places, len(content)), strict=True)]


def _whole_cases(rng):
    yield (_tokens("我", 1, 2),)
    yield ([b"a", b"b"],)
    yield (_tokens("é你!", 1, 3, 4),)
    yield (_tokens("ok 你好", 4, 7),)
    yield (_tokens("a😀b", 2, 4),)
    for text in ("人工智能 → AI", "né: 你好, 😀!", "喜欢 ça 😀 é"):
        size = len(text.encode())
        yield (_tokens(text, *sorted(rng.choice(np.arange(1, size), 6, replace=False).tolist())),)


def certain_text(tokens):
    """UTF-8 tells by its first byte how long a character is, so Python's decoder knows which bytes must wait."""
    decoder, found = codecs.getincrementaldecoder("utf-8")(), []
    for token in tokens:
        text = decoder.decode(token)
        found.append((text, len(decoder.getstate()[0])))
    return found


whole_characters = Exercise(
    name="whole_characters",
    statement="Tokens are bytes, and a character may be spread over several. After each token: the characters that "
    "are whole now and were not before, and how many bytes must still wait. In UTF-8 a character that begins with a "
    "byte below 128 has 1 byte, from 192 on 2, from 224 on 3, from 240 on 4; its other bytes are from 128 to 191.",
    arguments={"tokens": "a list of N bytes objects that together are UTF-8"},
    returns="a list of N tuples (text, waiting): a string, which may be empty, and an int",
    reference=certain_text,
    cases=_whole_cases,
    hints=(
        "What do you have to keep from one token to the next?",
        "Put the token's bytes behind those that wait. Then take whole characters from the front while there are any.",
        "length = 1 + (b >= 192) + (b >= 224) + (b >= 240) of the first byte b; is the buffer at least that long?",
    ),
)


def _length(first):
    """Of a character, by its first byte."""
    return 1 + (first >= 192) + (first >= 224) + (first >= 240)


@whole_characters.variant
def from_the_front(tokens):
    waiting, found = b"", []
    for token in tokens:
        waiting, text = waiting + token, ""
        while waiting and len(waiting) >= _length(waiting[0]):
            n = _length(waiting[0])
            text, waiting = text + waiting[:n].decode(), waiting[n:]
        found.append((text, len(waiting)))
    return found


@whole_characters.variant
def from_the_back(tokens):
    waiting, found = b"", []
    for token in tokens:
        waiting += token
        end = len(waiting)
        while True:
            try:
                text = waiting[:end].decode()
                break
            except UnicodeDecodeError:
                end -= 1
        waiting = waiting[end:]
        found.append((text, len(waiting)))
    return found


@whole_characters.variant
def what_is_new_of_the_whole(tokens):
    content, shown, found = b"", "", []
    for token in tokens:
        content += token
        text = content.decode(errors="ignore")
        found.append((text[len(shown) :], len(content) - len(text.encode())))
        shown = text
    return found


@whole_characters.misconception(
    "every token were whole characters (and others became �)", "What is b'\\xe4' alone, the first of the bytes of 你?"
)
def each_alone(tokens):
    return [(token.decode(errors="replace"), 0) for token in tokens]


@whole_characters.misconception(
    "bytes that are no whole character could be dropped", "Who brings the first byte back when the others have come?"
)
def dropped(tokens):
    return [(token.decode(errors="ignore"), 0) for token in tokens]


@whole_characters.misconception("every byte were a character", "How many characters can 256 values tell apart?")
def byte_is_character(tokens):
    return [(token.decode("latin-1"), 0) for token in tokens]


@whole_characters.misconception(
    "nothing could be shown before all bytes that wait are whole characters",
    "In 'ok ' and a part of 你, what is certain?",
)
def all_or_nothing(tokens):
    waiting, found = b"", []
    for token in tokens:
        waiting += token
        try:
            found.append((waiting.decode(), 0))
            waiting = b""
        except UnicodeDecodeError:
            found.append(("", len(waiting)))
    return found


@whole_characters.misconception("the whole text so far were asked for", "What would a reader see who prints each part?")
def text_so_far(tokens):
    found = from_the_front(tokens)
    return [("".join(text for text, _ in found[: i + 1]), waiting) for i, (_, waiting) in enumerate(found)]


@whole_characters.misconception(
    "every character beyond ASCII had 3 bytes", "How many bytes has é, and how many has 😀?"
)
def always_three(tokens):
    waiting, found = b"", []
    for token in tokens:
        waiting, text = waiting + token, ""
        while waiting and len(waiting) >= (n := 1 if waiting[0] < 128 else 3):
            text, waiting = text + waiting[:n].decode(errors="replace"), waiting[n:]
        found.append((text, len(waiting)))
    return found


@whole_characters.misconception(
    "the bytes were counted that the character still lacks",
    "Which bytes wait: those that have come, or those that have not?",
)
def lacking(tokens):
    content, found = b"", []
    for token, (text, waiting) in zip(tokens, from_the_front(tokens), strict=True):
        content += token
        found.append((text, _length(content[len(content) - waiting]) - waiting if waiting else 0))
    return found


# until_stop


def _stop_cases(rng):
    yield ["a", "EN", "D", "b"], ["END"]
    yield ["abc", "d"], ["END"]
    yield ["x END", " y"], ["END"]
    yield ["a", "E", "N", "E", "ND", "c"], ["END"]
    yield ["aa", "a", "b", "c"], ["aab"]
    yield ["one\n", "two\n", "\n", "three"], ["\n\n", "###"]
    yield ["one ", "b or a", " now"], ["a", "b"]
    yield ["long ", "###", " q: ", "x"], ["q: x", "END"]
    for text, stop in (("abababcab", "ababc"), ("the END of EEND", "EEND"), ("你好。你好吗？好", "你好吗")):
        places = np.sort(rng.choice(np.arange(1, len(text)), 4, replace=False))
        yield [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)], [stop, "###"]


def shown_until_stop(pieces, stop):
    """Held back is the longest end of the text that a stop string begins with."""
    held, stopped, found = "", False, []
    for piece in pieces:
        held += "" if stopped else piece
        starts = [held.find(s) for s in stop if s in held]
        stopped |= bool(starts)
        beginnings = [n for s in stop for n in range(1, len(s)) if held.endswith(s[:n])]
        certain = min(starts) if starts else len(held) - max(beginnings, default=0)
        text, held = held[:certain], "" if stopped else held[certain:]
        found.append((text, len(held)))
    return found


until_stop = Exercise(
    name="until_stop",
    statement="Show a text while it is written, up to the first stop string, which is not shown. A stop string may be "
    "spread over several pieces, so the longest end of the text that some stop string begins with is held back, and no "
    "more. After each piece: what can be shown now, and how many characters are held back. After a stop nothing is.",
    arguments={
        "pieces": "a list of N strings, the text as it comes",
        "stop": "a list of strings, none of them empty; that counts which is first in the text",
    },
    returns="a list of N tuples (text, held): a string, which may be empty, and an int",
    reference=shown_until_stop,
    cases=_stop_cases,
    hints=(
        "'... EN' has come, and END is the stop string. What if D comes next, and what if T does?",
        "Keep what is held back, put the next piece behind it, and look for the stop strings in both together.",
        "hold = max over s in stop and n < len(s) of n with text.endswith(s[:n]); show text[: len(text) - hold]",
    ),
)


@until_stop.variant
def with_endswith(pieces, stop):
    held, over, found = "", False, []
    for piece in pieces:
        if over:
            found.append(("", 0))
            continue
        held += piece
        places = [held.index(s) for s in stop if s in held]
        if places:
            over, text, held = True, held[: min(places)], ""
        else:
            keep = max((n for s in stop for n in range(len(s)) if held.endswith(s[:n])), default=0)
            text, held = held[: len(held) - keep], held[len(held) - keep :]
        found.append((text, len(held)))
    return found


@until_stop.variant
def over_the_whole_text(pieces, stop):
    whole, shown, found = "", 0, []
    for piece in pieces:
        whole += piece
        ends = [whole.find(s) for s in stop if s in whole]
        begun = [i for i in range(len(whole)) if any(s.startswith(whole[i:]) for s in stop)]
        end = min(ends or begun, default=len(whole))
        found.append((whole[shown:end], 0 if ends else len(whole) - end))
        shown = max(shown, end)
    return found


@until_stop.variant
def character_by_character(pieces, stop):
    held, over, found = "", False, []
    for piece in pieces:
        text = ""
        for character in piece:
            if over:
                break
            held += character
            over = any(held.endswith(s) for s in stop)
            if over:
                text += held[: min(len(held) - len(s) for s in stop if held.endswith(s))]
                held = ""
            while held and not any(s.startswith(held) for s in stop):
                text, held = text + held[0], held[1:]
        found.append((text, len(held)))
    return found


@until_stop.misconception(
    "a stop string were always within one piece", "Who decides where the pieces are cut: the text, or the tokenizer?"
)
def within_a_piece(pieces, stop):
    over, found = False, []
    for piece in pieces:
        places = [piece.index(s) for s in stop if s in piece]
        found.append(("" if over else piece[: min(places, default=len(piece))], 0))
        over = over or bool(places)
    return found


@until_stop.misconception(
    "what has been shown could be taken back: nothing is held", "'EN' is on the screen, and D comes. What now?"
)
def nothing_held(pieces, stop):
    whole, shown, over, found = "", 0, False, []
    for piece in pieces:
        whole += "" if over else piece
        places = [whole.index(s) for s in stop if s in whole]
        over = bool(places)
        end = min(places) if places else len(whole)
        found.append((whole[shown:end], 0))
        shown = max(shown, end)
    return found


@until_stop.misconception("the stop string were shown, too", "Does a reader want to see the mark that ends the text?")
def stop_shown(pieces, stop):
    found, held, over = [], "", False
    for piece, (text, wait) in zip(pieces, with_endswith(pieces, stop), strict=True):
        held += piece
        first = min((s for s in stop if s in held), key=held.index, default="")
        found.append((text if over else text + first, wait))
        over = over or bool(first)
    return found


@until_stop.misconception("the text went on after the stop string", "Is the answer over when the stop string has come?")
def goes_on(pieces, stop):
    held, found = "", []
    for piece in pieces:
        held += piece
        for s in stop:
            held = held.replace(s, "")
        keep = max((n for s in stop for n in range(len(s)) if held.endswith(s[:n])), default=0)
        text, held = held[: len(held) - keep], held[len(held) - keep :]
        found.append((text, len(held)))
    return found


@until_stop.misconception(
    "as much were held back as the longest stop string has, less one", "Must 'c' wait, if END begins with E?"
)
def always_held(pieces, stop):
    longest, held, over, found = max(map(len, stop)) - 1, "", False, []
    for piece in pieces:
        held += "" if over else piece
        places = [held.index(s) for s in stop if s in held]
        over = over or bool(places)
        end = min(places) if places else max(len(held) - longest, 0)
        text, held = held[:end], "" if over else held[end:]
        found.append((text, len(held)))
    return found


@until_stop.misconception(
    "a text that fails to become a stop string were let go as a whole",
    "'aa' waits for aab, and a comes. What may wait?",
)
def let_go_whole(pieces, stop):
    held, over, found = "", False, []
    for piece in pieces:
        text = ""
        for character in piece:
            if over:
                break
            if not any(s.startswith(held + character) for s in stop):
                text, held = text + held, ""
            held += character
            if not any(s.startswith(held) for s in stop):
                text, held = text + held, ""
            over = held in stop
            held = "" if over else held
        found.append((text, len(held)))
    return found


@until_stop.misconception(
    "the first stop string of the list came first",
    "Which is first in the text, if the list says a and b, the text b … a?",
)
def first_of_the_list(pieces, stop):
    held, over, found = "", False, []
    for piece in pieces:
        held += "" if over else piece
        places = [held.index(s) for s in stop if s in held]
        keep = max((n for s in stop for n in range(len(s)) if held.endswith(s[:n])), default=0)
        end = places[0] if places else len(held) - keep
        over = over or bool(places)
        text, held = held[:end], "" if over else held[end:]
        found.append((text, len(held)))
    return found


# server_sent_events


def _events_cases(rng):
    yield ([b"data: a\n\n", b"data: b\n\n", b"data: [DONE]\n\n"],)
    yield (_tokens("data: one\n\ndata: two\n\ndata: [DONE]\n\n", 4, 14),)
    yield ([b"data: first\ndata: second\n\n", b"data:no space\n\n: a comment\n\ndata: [DONE]\n\n"],)
    yield ([b"event: token\ndata:  two spaces \n\n", b"data: [DONE]\n\n", b"data: late\n\n"],)
    yield ([b"data: a\r\n\r\nda", b"ta: b\r\n\r\n", b"data: never ended\n"],)
    yield (_tokens("data: 你好\n\ndata: 我\n\n", 7, 12, 21),)
    body = 'data: {"text": "喜"}\n\n: ping\n\ndata:欢\ndata: 读书\n\ndata:  x \r\n\r\n'
    for end in ("data: [DONE]\n\n", "data: 你"):
        for count in (3, 6, 8):
            whole = body + end
            places = rng.choice(np.arange(1, len(whole.encode()) - 2), count, replace=False)
            yield (_tokens(whole, *sorted(places.tolist())),)


def events_of(chunks):
    """A line is whole when its end has come, and an event when an empty line has; bytes are decoded line by line."""
    rest, data, found = b"", [], []
    for k, chunk in enumerate(chunks):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.removesuffix(b"\r").decode().partition(":")
            if field == "data":
                data.append(value.removeprefix(" "))
            elif not field and not value and data:
                text, data = "\n".join(data), []
                if text == "[DONE]":
                    return found
                found.append((text, k))
    return found


server_sent_events = Exercise(
    name="server_sent_events",
    statement="Read server-sent events. Lines end with \\n or \\r\\n, and an empty line ends an event. Its data is "
    "what its lines 'data: ...' say (without 'data:' and one space, if there is one), joined by \\n. Other lines, and "
    "events without data, do not count. [DONE] ends the stream and is no event. Chunks may end anywhere, within a "
    "character even; an event that has no end is none.",
    arguments={"chunks": "a list of bytes objects, as they come from the network"},
    returns="a list of tuples (data, k): a string, and the number of the chunk, from 0, that made the event whole",
    reference=events_of,
    cases=_events_cases,
    hints=(
        "What is left of a chunk when you have taken its whole lines, and where does it belong?",
        "*lines, rest = (rest + chunk).split(b'\\n') in bytes; decode whole lines only. What does an empty line do?",
        "line.removesuffix(b'\\r').decode(); startswith('data:') → append line[5:].removeprefix(' '); empty → join",
    ),
)


def _lines(chunks):
    """Each whole line with the number of the chunk that ended it."""
    rest = b""
    for k, chunk in enumerate(chunks):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from ((line, k) for line in lines)


@server_sent_events.variant
def line_by_line(chunks):
    data, found = [], []
    for line, k in _lines(chunks):
        line = line.decode().rstrip("\r")
        if line.startswith("data:"):
            data.append(line[6:] if line.startswith("data: ") else line[5:])
        elif line == "" and data == ["[DONE]"]:
            break
        elif line == "" and data:
            found.append(("\n".join(data), k))
            data = []
    return found


@server_sent_events.variant
def event_by_event(chunks):
    rest, found = b"", []
    for k, chunk in enumerate(chunks):
        rest = (rest + chunk).replace(b"\r\n", b"\n")
        while b"\n\n" in rest or rest.startswith(b"\n"):
            event, _, rest = (b"", b"", rest[1:]) if rest.startswith(b"\n") else rest.partition(b"\n\n")
            lines = [line[5:] for line in event.decode().split("\n") if line[:5] == "data:"]
            text = "\n".join(line[1:] if line[:1] == " " else line for line in lines)
            if text == "[DONE]":
                return found
            if lines:
                found.append((text, k))
    return found


@server_sent_events.variant
def byte_by_byte(chunks):
    line, data, found = bytearray(), None, []
    for k, chunk in enumerate(chunks):
        for byte in chunk:
            if byte != 10:
                line.append(byte)
                continue
            text = line.decode().removesuffix("\r")
            line.clear()
            if text.startswith("data:"):
                new = text[5:].removeprefix(" ")
                data = new if data is None else data + "\n" + new
            elif not text and data is not None:
                if data == "[DONE]":
                    return found
                found.append((data, k))
                data = None
    return found


def _read(chunks, *, lines=_lines, decode=bytes.decode, join="\n", value=None, done=True, rest=False, start="data:"):
    """A reader whose parts can be wrong."""
    value = value or (lambda text: text.removeprefix(" "))
    data, found, k = [], [], 0
    for line, k in lines(chunks):
        text = decode(line).removesuffix("\r")
        if text.startswith(start):
            data.append(value(text[5:]))
        elif not text and data:
            if done and join.join(data) == "[DONE]":
                return found
            found.append((join.join(data), k))
            data = []
    return [*found, (join.join(data), k)] if rest and data else found


@server_sent_events.misconception(
    "every chunk held whole lines", "Who decides where a chunk ends: the server, or the network?"
)
def whole_chunks(chunks):
    def lines(chunks):
        for k, chunk in enumerate(chunks):
            *found, rest = chunk.split(b"\n")
            yield from ((line, k) for line in [*found, *([rest] if rest else [])])

    return _read(chunks, lines=lines, decode=lambda line: line.decode(errors="replace"))


@server_sent_events.misconception(
    "every chunk held whole characters (and others became �)", "When can you be sure that all bytes of 你 are there?"
)
def chunks_decoded(chunks):
    return _read([chunk.decode(errors="replace").encode() for chunk in chunks])


@server_sent_events.misconception(
    "every line of data were an event of its own", "What does the empty line say that the end of a line does not?"
)
def line_is_event(chunks):
    found = []
    for line, k in _lines(chunks):
        text = line.decode().removesuffix("\r")
        if text.startswith("data:"):
            if text[5:].strip() == "[DONE]":
                break
            found.append((text[5:].removeprefix(" "), k))
    return found


@server_sent_events.misconception(
    "an event's lines were joined without \\n", "Where did the event's text have its lines?"
)
def joined_without(chunks):
    return _read(chunks, join="")


@server_sent_events.misconception("data: were always followed by a space", "What does 'data:x' say?")
def always_a_space(chunks):
    return _read(chunks, start="data: ", value=lambda text: text[1:])


@server_sent_events.misconception(
    "all spaces around the data could go", "What if the next token is a word, which begins with a space?"
)
def stripped(chunks):
    return _read(chunks, value=str.strip)


@server_sent_events.misconception("[DONE] were an event like others", "What would a JSON parser say to [DONE]?")
def done_is_data(chunks):
    return _read(chunks, done=False)


@server_sent_events.misconception(
    "an event counted before its end has come", "The connection breaks within a token. Is what came of it the token?"
)
def unfinished(chunks):
    return _read(chunks, rest=True)


@server_sent_events.misconception("lines ended with \\n only", "Is a line empty that holds a \\r?")
def newline_only(chunks):
    data, found = [], []
    for line, k in _lines(chunks):
        text = line.decode()
        if text.startswith("data:"):
            data.append(text[5:].removeprefix(" "))
        elif not text and data:
            if data == ["[DONE]"]:
                break
            found.append(("\n".join(data), k))
            data = []
    return found
