"""Under which names and sellers a model may stand in the price list.

Clouds, proxies and routers write a model's name each in their own way: `us.anthropic.claude-…-v1:0` on Bedrock,
`anthropic/claude-…` behind a router, `publishers/anthropic/models/claude-…` on Vertex. A name without its seller is
looked up with the one that sells it to the world.
"""

from __future__ import annotations

import re

__all__ = ["spellings"]

_PROVIDERS = {
    "gcp.gemini": "google", "gcp.vertex_ai": "google", "gcp.gen_ai": "google", "vertex": "google",
    "vertex_ai": "google", "vertexai": "google", "google-vertex": "google", "google_vertex": "google",
    "aws.bedrock": "aws", "bedrock": "aws", "bedrock_converse": "aws", "amazon-bedrock": "aws",
    "amazon_bedrock": "aws",
    "azure.ai.openai": "azure", "azure_openai": "azure", "azure-openai": "azure",
    "x_ai": "x-ai", "xai": "x-ai", "mistral_ai": "mistral", "moonshot_ai": "moonshotai", "moonshot": "moonshotai",
    "z.ai": "zai", "z-ai": "zai", "openai.chat": "openai", "anthropic.messages": "anthropic",
}  # fmt: skip
_BEDROCK = re.compile(
    r"(?:(?:us|eu|ap|apac|jp|au|ca|sa|me|af|us-gov|global)\.)?"
    r"(?P<maker>ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai"
    r"|qwen|writer|zai)\.(?P<model>[a-z0-9].*)"
)
_VERSION = re.compile(r"-v\d+(?::\d+)?$")
_SELLERS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), provider, prefix)
    for pattern, provider, prefix in (
        (r"glm-", "zai", ""),  # else the price in China is taken
        (r"glm-", "openrouter", "z-ai/"),
        (r"qwen[\w.]*-(?:.*-)?(?:plus|max|turbo|flash)\b", "openrouter", "qwen/"),  # the others anybody may host
    )
)
"""Models whose name does not tell the price list who sells them: the seller, and what it puts before the name."""
_ANYBODY = frozenset({"", "litellm", "openrouter", "proxy", "gateway", "custom"})
"""Providers that are none: who sells is not said. One that is said is not taken for another, which may be dearer."""


def spellings(model: str, provider: str) -> list[tuple[str, str | None]]:
    """Pairs of a model's name and a seller (None: whoever the name tells) to look up, the likeliest first."""
    vendor = _PROVIDERS.get(provider.lower(), provider) or None
    names = [model]
    while "/" in names[-1]:
        names.append(names[-1].split("/", 1)[1])
    pairs: list[tuple[str, str | None]] = [(name, vendor) for name in names if name and vendor]
    for name in names:
        pairs += _on_bedrock(name.lower())
        if provider.lower() in _ANYBODY:
            pairs += [(prefix + name, seller) for pattern, seller, prefix in _SELLERS if pattern.match(name.lower())]
        if name:
            pairs.append((name, None))
    return list(dict.fromkeys(pairs))


def _on_bedrock(name: str) -> list[tuple[str, str | None]]:
    """A name as Bedrock gives it: there, and from its maker."""
    found = _BEDROCK.fullmatch(name)
    if found is None:
        return []
    return [(name, "aws"), (_VERSION.sub("", found["model"]), _PROVIDERS.get(found["maker"], found["maker"]))]
