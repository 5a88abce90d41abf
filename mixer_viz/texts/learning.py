"""Words of the page on which a network is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

IN_WORDS = (
    "A small network starts from random numbers and sees new pictures at every step. Press Start, and watch what its "
    "weights become while it gets better."
)
NO_TRAINING = "Training is switched off on this server. On a computer of your own it works on this page."
LIMITS = """
- These are toy pictures, learned in a minute. The bundled models needed hours, and photographs of any kind take days.
- One run is one draw of the random start. Another seed may learn faster or slower; change it and see.
- A small random start and weight decay make the learned pattern visible. With a large start, or without decay, a
  network can be as good and its weights look like noise: try it.
- Accuracy and the maps are those of the averaged weights (exponential moving average), which lag a little behind.
"""
MAPS = (
    "Each small map is one hidden unit of token mixing: how much it listens to each patch. The places of the units "
    "stay, so a unit can be followed from the start to now."
)
FILM = (
    "The same units at the same places, opposing pairs of the finished network side by side. Early in the training the "
    "maps are the random start; what is learned grows out of it, and weight decay lets the rest fade."
)
NO_FILM = "No moments of this model's training were kept. The models that come with the project have them."
ONE_STEP = (
    "One training step: the gradient says which way the loss rises; the optimiser turns it into an update, here mostly "
    "against the gradient, scaled for each weight by what earlier steps were like."
)
FOLDER = (
    "A folder that holds one folder of pictures for each class. They are cut to a square and made 32 px small; at most "
    "2,000 of them. They stay in the memory of the computer that runs this app, for this visit."
)
COMMAND = "The command that trains the same network to its end, with the same numbers on this computer:"
LIKE_COMMAND = (
    "The command that trains a like network, DIR being the folder with the pictures: it takes all of them, divides and "
    "cuts them in its own way, so its numbers differ a little:"
)
LET_GO = (
    "Your earlier training had to make room: many people train on this computer now, and yours was the one that nobody "
    "had looked at for longest. This is a new one with the same settings."
)
STAYS = (
    "The other pages show Mixers; this network has another token mixer, so it stays here. Its file can be read from "
    "Python: `mixer_viz.checkpoints.metaformer.load_metaformer`."
)
YOUR_PICTURES = "Your pictures"
FIELD_HELP = {
    "task": "shapes, where, same-or-different and stripes are drawn on the fly; folder is one of your own.",
    "token_mixer": "The Mixer's is mlp; identity mixes nothing.",
    "augmentation": "What is done to the pictures of a folder or of CIFAR-10 before a step. Drawn ones never repeat.",
    "optimizer": "muon: Muon for channel mixing, AdamW for the rest.",
    "token_mixing_std": "Standard deviation of the first weights. A large one stays visible as noise.",
}
CHOSEN = "{name} is now the chosen model of this visit: every page shows it, and the sidebar names it."


def status_line(state: str, step: int, num_steps: int, seconds_left: float | None) -> str:
    """Where the training is, in one line."""
    said = {
        "building": "Building the network …",
        "paused": "Paused",
        "stepping": "One step",
        "waiting": "Waiting: others train on this computer right now; yours goes on when one of them pauses",
        "running": "Learning",
        "done": "Done",
        "failed": "Stopped",
    }[state]
    left = "" if seconds_left is None or state != "running" else f", about {_duration(seconds_left)} left"
    return f"{said}: step {step:,} of {num_steps:,}{left}."


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def film_in_words(labels: Sequence[str], accuracy: Sequence[float], frequency: Sequence[float]) -> str:
    """The text alternative of the film's curves: its first and its last moment."""
    ends = []
    for at in (0, -1):
        measured = "not measured" if math.isnan(accuracy[at]) else f"{accuracy[at]:.1f} percent"
        ends.append(f"{labels[at]}: accuracy {measured}, frequency {frequency[at]:.2f} of white noise")
    return "; ".join(ends) + "."


def task_in_words(title: str, teaches: str, chance: float, mixer: str) -> str:
    """What is learned from, what guessing gives, and what the network may do across patches."""
    said = title if title.endswith("?") else f"{title}."
    return f"**{said}** {teaches} Guessing gives {100 * chance:.0f} %. Across patches: {mixer}."


def answer_caption(name: str, probability: float, right: bool, truth: str) -> str:
    """Under one test picture: the answer, and the truth where they differ."""
    return f"✓ {name}, {100 * probability:.0f} %" if right else f"✗ {name}, {100 * probability:.0f} % (is: {truth})"


def norm_table(
    before: Mapping[str, tuple[float, float]], now: Mapping[str, tuple[float, float]]
) -> dict[str, Sequence[str]]:
    """Lengths of weights and gradients for each part of the network."""
    return {
        "part": list(now),
        "weights before": [f"{before[part][0]:.3g}" for part in now],
        "weights now": [f"{weights:.3g}" for weights, _ in now.values()],
        "gradient of the last step": [f"{gradient:.2g}" for _, gradient in now.values()],
    }


def weight_sentence(unit: int, patch: int, before: float, gradient: float, update: float, after: float) -> str:
    """The numbers of one weight in one step."""
    return (
        f"Weight of unit {unit} for patch {patch}: {before:+.4f} {'+' if update >= 0 else '−'} {abs(update):.4f} = "
        f"{after:+.4f}; its gradient was {gradient:+.2e}."
    )
