"""The paper's terms, each in one sentence: shown where a page first uses them, and in one list."""

from __future__ import annotations

from mixer_viz.language import mark, tr

COUNTING = mark(
    "Blocks are counted from 1, as people say it. Patches, channels, hidden units, classes and layers are counted from "
    "0, as they are numbered in the arrays; layer 0 is the embedding."
)
TERMS: dict[str, str] = {
    mark("Patch"): mark("a square of P × P pixels; the picture is cut into S of them, which do not overlap."),
    mark("Raster order"): mark("how patches are numbered: row by row from the top, each row from left to right."),
    mark("Normalised pixels"): mark(
        "a pixel's colour values less the model's mean, divided by its standard deviation; 0 is about the usual "
        "brightness."
    ),
    mark("Token"): mark("the C numbers that describe one patch; a row of the token matrix."),
    mark("Token matrix"): mark("all tokens together, S × C: a row for each patch, a column for each channel."),
    mark("Channel"): mark("one of the C numbers of a token; a column of the token matrix."),
    mark("Patch embedding"): mark("the linear layer that makes a token of a patch's pixels, the same for every patch."),
    mark("Block"): mark("one layer of the network: token mixing, then channel mixing, each with a skip connection."),
    mark("Token mixing"): mark("an MLP along each column: patches exchange what they hold, each channel by itself."),
    mark("Channel mixing"): mark("an MLP along each row: the channels of one patch are mixed, each patch by itself."),
    mark("MLP"): mark("two linear layers with a GELU between them."),
    mark("Hidden unit"): mark(
        "one of the D_S (token mixing) or D_C (channel mixing) numbers between the two layers of an MLP."
    ),
    mark("Bias"): mark("a learned number that is added to a weighted sum."),
    mark("Frequency of a unit"): mark(
        "how fast its weights change from patch to patch, in cycles per patch; a smooth pattern has a low one."
    ),
    mark("White noise"): mark("independent random numbers, without any pattern: what weights are before training."),
    mark("Kernel"): mark("the small grid of weights that a convolution uses at every place alike."),
    mark("Epoch"): mark("one pass of the training through all training pictures."),
    mark("Cosine similarity"): mark(
        "how alike the directions of two vectors are, whatever their lengths: 1 the same, 0 nothing in common, "
        "−1 opposite."
    ),
    mark("Opposing pair"): mark(
        "two hidden units of one block that look at the patches in nearly opposite ways: the cosine of their weights "
        "is −0.7 or less."
    ),
    mark("GELU"): mark("a smooth function that lets large values through and makes clearly negative ones almost zero."),
    mark("LayerNorm"): mark(
        "centres and scales each token by its own mean and deviation, then scales and shifts each channel."
    ),
    mark("Skip connection"): mark("what a step computes is added to what was there before."),
    mark("Residual stream"): mark("the tokens from block to block, to which every half-block adds something."),
    mark("Half-block"): mark("token mixing or channel mixing of one block, with its LayerNorm and skip connection."),
    mark("Pooling"): mark("the mean over all tokens after the last LayerNorm: one vector of C numbers."),
    mark("Head"): mark("the last linear layer: from the pooled vector to a logit for each class."),
    mark("Logit"): mark("the score of a class before softmax; differences count, not the score alone."),
    mark("Softmax"): mark("turns logits into probabilities that add up to 1."),
    mark("Calibration"): mark(
        "logits are divided by one number, fitted on held-out pictures, so that of answers said to be 80 % sure about "
        "80 % are right."
    ),
    mark("Attribution"): mark("a number for each patch that says how much an answer rests on it, by one definition."),
    mark("Baseline"): mark("what stands for “nothing” when parts of a picture are taken away."),
    mark("Effective receptive field"): mark(
        "the part of the picture that a token depends on, by the size of its gradient."
    ),
    mark("CKA"): mark(
        "centred kernel alignment: how alike two layers are, 0 to 1, whatever directions their channels have."
    ),
}


def explained(*terms: str) -> str:
    """These terms with their meanings, for a tooltip; KeyError for one that is not in the list."""
    return "\n\n".join(defined(term) for term in terms)


def defined(term: str) -> str:
    """One term with its meaning; KeyError for one that is not in the list."""
    return tr("**{term}**: {meaning}", term=tr(term), meaning=tr(TERMS[term]))
