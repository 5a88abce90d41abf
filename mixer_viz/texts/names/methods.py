"""Names of attribution methods as tables and sentences have them, in the language of whoever is looking."""

from __future__ import annotations

from mixer_viz.language import mark, tr

# The methods of `analysis.attribution.table` by their names there; a survey's files name them, too.
_KNOWN = {
    *(mark("saliency"), mark("input x gradient"), mark("smooth grad"), mark("integrated gradients")),
    *(mark("gradient shap"), mark("deep lift"), mark("occlusion"), mark("patch ablation"), mark("shapley sampling")),
    *(mark("kernel shap"), mark("grad cam"), mark("layer integrated gradients"), mark("patch logits")),
}


def method_in_words(name: str) -> str:
    """A method's name, such as "patch_ablation", as people read it; one that is not of ours as its file has it."""
    plain = name.replace("_", " ")
    return tr(plain) if plain in _KNOWN else plain
