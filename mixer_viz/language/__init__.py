"""The languages of what people read: sentences are English in the code and are looked up where somebody is shown them.

Three ways to write a sentence, all found by Babel (docs/translating.md says how a catalogue is kept):

- `tr("Block {block}", block=3)` where it is shown: in the language of whoever is looking;
- `noted("{file} is empty", file=name)` where it is not known who will be shown it, as in errors and in results that
  visitors share: the English sentence, which remembers what it was made of; `shown` says it in another language;
- `mark("Patch")` for a constant: the same text, which `tr` or `shown` looks up later.

The language belongs to a visit, never to the process: the app says whose turn it is (`ask`), and `speaking` holds for
one block of code in one thread. Everybody else reads English.
"""

from mixer_viz.language.catalogues import LANGUAGES, SOURCE, nearest
from mixer_viz.language.messages import Noted, mark, noted, noted_error, noted_list, sentence_of_error, shown, tr
from mixer_viz.language.speaker import ask, current, for_everybody, of_visit, speaking

__all__ = [
    "LANGUAGES",
    "SOURCE",
    "Noted",
    "ask",
    "current",
    "for_everybody",
    "mark",
    "nearest",
    "noted",
    "noted_error",
    "noted_list",
    "of_visit",
    "sentence_of_error",
    "shown",
    "speaking",
    "tr",
]
