"""Words of the page on which a network is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mixer_viz.language import mark, tr

IN_WORDS = mark(
    "A small network starts from random numbers and sees new pictures at every step. Press Start, and watch what its "
    "weights become while it gets better."
)
NO_TRAINING = mark("Training is switched off on this server. On a computer of your own it works on this page.")
LIMITS = mark("""
- These are toy pictures, learned in a minute. The bundled models needed hours, and photographs of any kind take days.
- One run is one draw of the random start. Another seed may learn faster or slower; change it and see.
- A small random start and weight decay make the learned pattern visible. With a large start, or without decay, a
  network can be as good and its weights look like noise: try it.
- Accuracy and the maps are those of the averaged weights (exponential moving average), which lag a little behind.
""")
MAPS = mark(
    "Each small map is one hidden unit of token mixing: how much it listens to each patch. The places of the units "
    "stay, so a unit can be followed from the start to now."
)
FILM = mark(
    "The same units at the same places, opposing pairs of the finished network side by side. Early in the training the "
    "maps are the random start; what is learned grows out of it, and weight decay lets the rest fade."
)
NO_FILM = mark("No moments of this model's training were kept. The models that come with the project have them.")
ONE_STEP = mark(
    "One training step: the gradient says which way the loss rises; the optimiser turns it into an update, here mostly "
    "against the gradient, scaled for each weight by what earlier steps were like."
)
FOLDER = mark(
    "A folder that holds one folder of pictures for each class. They are cut to a square and made 32 px small; at most "
    "2,000 of them. They stay in the memory of the computer that runs this app, for this visit."
)
COMMAND = mark("The command that trains the same network to its end, with the same numbers on this computer:")
LIKE_COMMAND = mark(
    "The command that trains a like network, DIR being the folder with the pictures: it takes all of them, divides and "
    "cuts them in its own way, so its numbers differ a little:"
)
LET_GO = mark(
    "Your earlier training had to make room: many people train on this computer now, and yours was the one that nobody "
    "had looked at for longest. This is a new one with the same settings."
)
STAYS = mark(
    "The other pages show Mixers; this network has another token mixer, so it stays here. Its file can be read from "
    "Python: `mixer_viz.checkpoints.metaformer.load_metaformer`."
)
YOUR_PICTURES = mark("Your pictures")
FIELD_HELP = {
    "task": mark("shapes, where, same-or-different and stripes are drawn on the fly; folder is one of your own."),
    "token_mixer": mark("The Mixer's is mlp; identity mixes nothing."),
    "augmentation": mark(
        "What is done to the pictures of a folder or of CIFAR-10 before a step. Drawn ones never repeat."
    ),
    "optimizer": mark("muon: Muon for channel mixing, AdamW for the rest."),
    "token_mixing_std": mark("Standard deviation of the first weights. A large one stays visible as noise."),
}
CHOSEN = mark("{name} is now the chosen model of this visit: every page shows it, and the sidebar names it.")


_STATES = {
    "building": mark("Building the network …"),
    "paused": mark("Paused"),
    "stepping": mark("One step"),
    "waiting": mark("Waiting: others train on this computer right now; yours goes on when one of them pauses"),
    "running": mark("Learning"),
    "done": mark("Done"),
    "failed": mark("Stopped"),
}


def status_line(state: str, step: int, num_steps: int, seconds_left: float | None) -> str:
    """Where the training is, in one line."""
    said = tr(_STATES[state])
    if seconds_left is None or state != "running":
        return tr("{state}: step {step:,} of {steps:,}.", state=said, step=step, steps=num_steps)
    return tr(
        "{state}: step {step:,} of {steps:,}, about {duration} left.",
        state=said,
        step=step,
        steps=num_steps,
        duration=_duration(seconds_left),
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return tr("{seconds:.0f} s", seconds=seconds)
    return tr("{minutes:.0f} min", minutes=seconds / 60)


def film_in_words(labels: Sequence[str], accuracy: Sequence[float], frequency: Sequence[float]) -> str:
    """The text alternative of the film's curves: its first and its last moment."""
    ends = []
    for at in (0, -1):
        unknown = math.isnan(accuracy[at])
        ends.append(
            tr(
                "{moment}: accuracy {accuracy}, frequency {frequency:.2f} of white noise",
                moment=labels[at],
                accuracy=tr("not measured") if unknown else tr("{percent:.1f} percent", percent=accuracy[at]),
                frequency=frequency[at],
            )
        )
    return tr("{list}.", list=tr("; ").join(ends))


def task_in_words(title: str, teaches: str, chance: float, mixer: str) -> str:
    """What is learned from, what guessing gives, and what the network may do across patches."""
    said = title if title.endswith(("?", "？")) else tr("{title}.", title=title)
    return tr(
        "**{title}** {teaches} Guessing gives {share:.0f} %. Across patches: {mixer}.",
        title=said,
        teaches=teaches,
        share=100 * chance,
        mixer=mixer,
    )


def answer_caption(name: str, probability: float, right: bool, truth: str) -> str:
    """Under one test picture: the answer, and the truth where they differ."""
    share = 100 * probability
    if right:
        return tr("✓ {name}, {share:.0f} %", name=name, share=share)
    return tr("✗ {name}, {share:.0f} % (is: {truth})", name=name, share=share, truth=truth)


def norm_table(
    before: Mapping[str, tuple[float, float]], now: Mapping[str, tuple[float, float]]
) -> dict[str, Sequence[str]]:
    """Lengths of weights and gradients for each part of the network."""
    return {
        tr("part"): [tr(part) for part in now],
        tr("weights before"): [f"{before[part][0]:.3g}" for part in now],
        tr("weights now"): [f"{weights:.3g}" for weights, _ in now.values()],
        tr("gradient of the last step"): [f"{gradient:.2g}" for _, gradient in now.values()],
    }


def weight_sentence(unit: int, patch: int, before: float, gradient: float, update: float, after: float) -> str:
    """The numbers of one weight in one step."""
    return tr(
        "Weight of unit {unit} for patch {patch}: {before:+.4f} {sign} {size:.4f} = {after:+.4f}; its gradient was "
        "{gradient:+.2e}.",
        unit=unit,
        patch=patch,
        before=before,
        sign="+" if update >= 0 else "−",
        size=abs(update),
        after=after,
        gradient=gradient,
    )
