"""Llama: the decoder that most published language models are, from SmolLM2 to Mistral."""

from typing import NamedTuple

import numpy as np

from minilm import autograd, kernels, nn
from minilm.autograd import no_grad
from minilm.expect import expect_count
from minilm.kernels.decode_llama import DOUBLES, FLOATS

from .decoder_lm import DecoderLM


class Weights(NamedTuple):
    """All of a Llama that is the same for every token: what `kernels.decode_llama` says of its arguments."""

    matrices: np.ndarray
    numbers: np.ndarray
    places: np.ndarray
    last: np.ndarray
    eps: float
    pairs: bool
    cos: np.ndarray
    sin: np.ndarray


class Llama(DecoderLM):
    """logits = norm(blocks(embedding[ids])) W (Touvron et al. 2023, arXiv:2302.13971, section 2.2)

    A GPT with pre-norm blocks, and in them: RMS norms, rotary positions, a SwiGLU for the feed-forward layer, keys and
    values of fewer heads than the queries have (2023, arXiv:2307.09288), and no bias anywhere.

    Parameters
    ----------
    vocabulary, width, layers, heads, context : int
        V, C, L, H, and the largest T.
    kv_heads : int, optional
        Heads of keys and values; H if not given.
    hidden : int, optional
        F, channels within a feed-forward layer. If not given 8/3 C, so that its three matrices are as large as two of
        4 C.
    theta : float
        The base of the rotary angles.
    eps : float
        Of the norms.
    tied : bool
        Whether the embeddings are the columns of W.

    Examples
    --------
    >>> model = Llama(65, width=16, layers=2, heads=4, kv_heads=2, context=8, rng=np.random.default_rng(0))
    >>> model(np.zeros((1, 5), int)).shape
    (1, 5, 65)
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        kv_heads: int | None = None,
        hidden: int | None = None,
        context: int = 128,
        theta: float = 10_000.0,
        eps: float = 1e-5,
        tied: bool = True,
        rng: np.random.Generator | None,
    ):
        expect_count("context", context)
        self.vocabulary, self.window = vocabulary, context
        self.settings = {
            "vocabulary": vocabulary, "width": width, "layers": layers, "heads": heads, "kv_heads": kv_heads,
            "hidden": hidden, "context": context, "theta": theta, "eps": eps, "tied": tied,
        }  # fmt: skip
        rotary = nn.RotaryPositions(context, nn.head_width(width, heads), base=theta)
        self.head = nn.Linear(width, vocabulary, bias=False, rng=rng)
        self.embedding = nn.TiedEmbedding(self.head) if tied else nn.Embedding(vocabulary, width, rng=rng)
        self.decoder = nn.Decoder(
            layers, width, heads, kv_heads=kv_heads, hidden=hidden or 8 * width // 3, bias=False, rotary=rotary,
            norm=nn.RMSNorm, feed_forward=nn.SwiGLU, eps=eps, rng=rng,
        )  # fmt: skip

    def weights(self) -> Weights:
        layers = [layer for block in self.decoder.blocks for layer in _layers(block)] + [self.decoder.norm, self.head]
        norms = [layer for layer in layers if isinstance(layer, nn.RMSNorm)]
        linears = [layer for layer in layers if not isinstance(layer, nn.RMSNorm)]
        numbers, starts = autograd.in_one_vector([norm.gamma for norm in norms])
        matrices, first_bytes = nn.matrices_in_memory(linears)
        start_of = dict(zip(map(id, norms + linears), starts + first_bytes, strict=True))
        places = np.array([(start_of[id(layer)], *_kind_and_outputs(layer)) for layer in layers])
        rotary, query = self.decoder.blocks[0].attention.rotary, self.decoder.blocks[0].attention.query
        turns = [a.astype(numbers.dtype) for a in (rotary.cos, rotary.sin)]
        by_block = places[:-2].reshape(len(self.decoder.blocks), -1, 3)
        pairs = isinstance(query, nn.PackedLinear) and query.pairs_in > 0
        return Weights(matrices, numbers, by_block, places[-2:], self.settings["eps"], pairs, *turns)

    def _embedded(self, ids):
        return self.embedding(ids)

    def _decode(self, new, places, cache, weights):
        with no_grad():
            x = self.embedding(new).data
        return kernels.decode_llama(x, *weights, cache.store.keys, cache.store.values, cache.origin)


def _layers(block) -> tuple[nn.Module, ...]:
    """In the order in which `kernels.decode_llama` has them."""
    attention, feed_forward = block.attention, block.feed_forward
    return (
        block.attention_norm, attention.query, attention.key, attention.value, attention.out,
        block.feed_forward_norm, feed_forward.gate, feed_forward.inner, feed_forward.outer,
    )  # fmt: skip


def _kind_and_outputs(layer) -> tuple[int, int]:
    """Of a layer's place the second number and the third."""
    if isinstance(layer, nn.PackedLinear):
        return layer.kind, layer.outputs
    if isinstance(layer, nn.RMSNorm):
        return 0, layer.gamma.size
    return FLOATS if layer.W.dtype == np.float32 else DOUBLES, layer.W.shape[1]
