"""F1 of whole entities, as tasks of named entities and of slots are reported."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.core.extras import need
from plait.tasks.labels.spans import iob2, is_bio
from plait.tasks.metric_rules import SequenceMetric


class EntityF1(SequenceMetric):
    """F1 of entities, over all sentences at once: the "slot F1" or "NER F1" of the field.

        F1 = 2 c / (p + g)

    with g entities in the labels, p in the predictions, and c of them that agree in their first
    token, their last token and their type. It is that of conlleval, and of seqeval without its
    strict mode, on broken sequences too: an I- without its B- begins an entity, see `iob2`.
    nervaluate's "strict" match counts. A constant has 0, unless its tag is one of an entity.

    A token without a label, such as padding, is taken out of its sentence. So give a tag that only
    other data have a class among the `names`: its entities then count as missed, as the field
    counts them, while a label that is missing would not count at all.

    Args:
        names: of the tags, by their class numbers: "O", and B-, I- (E-, S-; L-, U-) with a type.

    Shapes: predicted classes and labels `[B, N]`, one row for each sentence, integers; a label
        below 0 is missing.

    Empty: NaN where neither labels nor predictions have an entity.

    Raises:
        ConfigError: the names are not of this form.
        MissingExtraError: nervaluate is not installed.

    Reference: Tjong Kim Sang, De Meulder, "Introduction to the CoNLL-2003 Shared Task:
        Language-Independent Named Entity Recognition", CoNLL 2003.

    Example:
        >>> metric = EntityF1(["O", "B-PER", "I-PER"])
        >>> metric.update(torch.tensor([[1, 2, 0, 1]]), torch.tensor([[1, 2, 0, 0]]))
        >>> round(metric.compute().item(), 4)  # one of one found, and one that is none
        0.6667
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    undefined = "no label and no prediction is part of an entity"
    right: Tensor
    predicted: Tensor
    labelled: Tensor

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        if not is_bio(names):
            raise ConfigError(
                "`names` of EntityF1 must be tags of entities, O and B-TYPE, I-TYPE (also E-, S- "
                f"or L-, U-); found {', '.join(map(repr, list(names)[:6]))}. Leave `entities` out "
                "for tags of another kind."
            )
        self.names = list(names)
        purpose = "The F1 of entities"
        self._loader = need("nervaluate.loaders", extra="app", purpose=purpose).ListLoader()
        self._strict = need(
            "nervaluate.strategies", extra="app", purpose=purpose
        ).StrictEvaluation()
        for state in ("right", "predicted", "labelled"):
            self.add_state(state, default=torch.tensor(0), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Adds sentences: predicted classes and labels `[B, N]`."""
        found, true = self._entities(prediction, target), self._entities(target, target)
        for of_labels, of_predictions in zip(true, found, strict=True):
            counted, _ = self._strict.evaluate(of_labels, of_predictions, [])
            self.right += counted.correct
            self.predicted += counted.actual
            self.labelled += counted.possible

    def compute(self) -> Tensor:
        """Returns F1 over all that was added."""
        return 2 * self.right.double() / (self.predicted + self.labelled)

    def _entities(self, classes: Tensor, target: Tensor) -> list[list[object]]:
        """Returns the entities of each sentence, as nervaluate has them."""
        sentences = [
            iob2([self.names[each] for each in row[there].tolist()])
            for row, there in zip(classes.cpu(), (target >= 0).cpu(), strict=True)
        ]
        entities: list[list[object]] = self._loader.load(sentences)
        return entities
