"""The paper's vision transformer, which is not torchvision's: see `VisionTransformer`."""

import torch
from torch import Tensor, nn


def attend(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Softmax attention (B, heads, N, D), written out.

    With 65 tokens a fused kernel saves little. Its backward is not deterministic on a GPU and 20 times slower on a CPU.
    """
    return (q * scale @ k.mT).softmax(-1).to(v.dtype) @ v


class Attention(nn.Module):
    """Multi-head self-attention whose scores are divided by the root of the whole width, not of a head's."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, width**-0.5
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, tokens: Tensor) -> Tensor:
        q, k, v = (
            project(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        return self.out(attend(q, k, v, self.scale).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a two-layer perceptron, each behind a layer norm and beside a shortcut."""

    def __init__(self, width: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.norm_1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width), nn.GELU())

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.norm_1(tokens))
        return tokens + self.mlp(self.norm_2(tokens))


class VisionTransformer(nn.Module):
    """Images (B, 3, size, size) to the class token after the final layer norm, (B, width).

    As in the paper's code, and unlike torchvision's: attention scores are divided by sqrt(width), the perceptron
    ends in a GELU, class token and position codes start from N(0, 1), and there is no dropout.
    """

    def __init__(self, size: int, patch: int, layers: int, width: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.class_token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(Block(width, hidden, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        token = self.class_token.expand(patches.shape[0], -1, -1)
        tokens = self.blocks(torch.cat((token, patches), 1) + self.positions)
        return self.norm(tokens[:, 0])
