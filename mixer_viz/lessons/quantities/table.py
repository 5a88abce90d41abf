"""All quantities by the names that lesson files use."""

from __future__ import annotations

from collections.abc import Callable

from mixer_viz.lessons.quantities import compared, picture, trust, weights
from mixer_viz.lessons.quantities.situation import Situation, Value

QUANTITIES: dict[str, Callable[[Situation], Value]] = {
    # Sizes of the model.
    "image_side": lambda now: float(now.model.config.image_size),
    "patch_side": lambda now: float(now.model.config.patch_size),
    "patches": lambda now: float(now.model.config.num_patches),
    "patches_along_a_side": lambda now: float(now.model.config.grid_shape[0]),
    "numbers_in_a_patch": lambda now: float(now.model.config.patch_dim),
    "channels": lambda now: float(now.model.config.embed_dim),
    "blocks": lambda now: float(now.model.config.num_blocks),
    "token_units": lambda now: float(now.model.config.tokens_mlp_dim),
    "channel_units": lambda now: float(now.model.config.channels_mlp_dim),
    "classes": lambda now: float(now.model.config.num_classes),
    "parameter": lambda now: float(now.text(now.text("of"))),
    "guessing": lambda now: 100.0 / now.model.config.num_classes,
    # The answer.
    "answer": lambda now: now.best(now.answer),
    "answer_percent": lambda now: now.percent(now.answer),
    # On the way.
    "rebuilt_error": picture.rebuilt_error,
    "kept_directions": picture.kept_directions,
    "similarity": picture.similarity,
    "most_similar": picture.most_similar,
    "smoothest_filter": picture.smoothest_filter,
    "patches_at_size": picture.patches_at_size,
    "block_parameters_at_size": picture.block_parameters_at_size,
    "distinct_tokens": picture.distinct_tokens,
    "layer_length": picture.layer_length,
    # One sum, term by term.
    "norm_mean": picture.norm_mean,
    "norm_deviation": picture.norm_deviation,
    "normed_value": picture.normed_value,
    "first_sum": lambda now: float(picture.formula(now).partial_sums1[-1]),
    "first_bias": lambda now: picture.formula(now).b1,
    "preactivation": lambda now: picture.formula(now).preactivation,
    "gelu": picture.gelu,
    "hidden": lambda now: picture.formula(now).hidden,
    "written_by_unit": lambda now: float(picture.formula(now).products2[now.whole("unit")]),
    "second_sum": lambda now: float(picture.formula(now).partial_sums2[-1]),
    "second_bias": lambda now: picture.formula(now).b2,
    "branch": lambda now: picture.formula(now).branch,
    "skip": lambda now: picture.formula(now).skip,
    "token_mixing_result": lambda now: picture.formula(now).result,
    "channel_mixing_result": picture.channel_mixing_result,
    # What happens to the answer.
    "answer_off": lambda now: now.best(picture.switched_off(now)),
    "percent_off": lambda now: now.percent(picture.switched_off(now)),
    "answer_shuffled": lambda now: now.best(picture.shuffled(now)),
    "percent_shuffled": lambda now: now.percent(picture.shuffled(now)),
    "answer_deleted": lambda now: now.best(trust.deleted(now)),
    "percent_deleted": lambda now: now.percent(trust.deleted(now)),
    "answer_of_nothing": lambda now: now.best(trust.nothing(now)),
    "percent_of_nothing": lambda now: now.percent(trust.nothing(now)),
    "fewest_deleted": trust.fewest_deleted,
    "logit_drop": trust.logit_drop,
    "map_sum": trust.map_sum,
    "map_best_patch": trust.map_best_patch,
    "answer_swapped": lambda now: now.best(compared.swapped(now)),
    "percent_swapped": lambda now: now.percent(compared.swapped(now)),
    # Learned weights.
    "partner": weights.partner,
    "partner_cosine": weights.partner_cosine,
    "unit_frequency": weights.unit_frequency,
    "smoothest_unit": weights.smoothest_unit,
    "opposed_share": weights.opposed_share,
    "paired_units": weights.paired_units,
    "near_mixing": weights.near_mixing,
    "meter_share": weights.meter_share,
    "meter_chance": weights.meter_chance,
    "meter_best_block": weights.meter_best_block,
    "film_moments": weights.film_moments,
    "film_accuracy": weights.film_accuracy,
    "film_frequency": weights.film_frequency,
    "film_opposed": weights.film_opposed,
    # Networks compared.
    "mean_accuracy": compared.mean_accuracy,
    "accuracy_lost": compared.accuracy_lost,
    "trainings": compared.trainings,
    "test_pictures": lambda now: compared.test_pictures(),
    "compared_answer": compared.compared_answer,
    "compared_percent": compared.compared_percent,
    "listens_to": compared.listens_to,
    "listens_to_itself": compared.listens_to_itself,
    "cost_per_token": compared.cost_per_token,
    "cost_ratio": compared.cost_ratio,
}


def value_of(name: str, situation: Situation) -> Value:
    """A quantity of a state; raises KeyError for an unknown name or a missing parameter, ValueError for a wrong one."""
    return QUANTITIES[name](situation)
