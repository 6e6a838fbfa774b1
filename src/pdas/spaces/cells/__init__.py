"""The family of cells, of the paper's image classification (section 4.1).

Two cells, a normal and a reduction one, are searched and stacked to a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdas.space import Architecture, Assignment, Label, SearchSpace
from pdas.spaces.base import FAMILIES, Drawing, Family
from pdas.spaces.cells.graph import cell_text, count_operations, read_cell
from pdas.spaces.cells.layout import check_image_size
from pdas.spaces.cells.settings import CellSettings, NetworkSettings
from pdas.spaces.cells.space import CELL_TYPES, cell_space, count_nodes, is_cell
from pdas.support.errors import SpaceError
from pdas.support.refusals import refuse
from pdas.support.settings import validated

if TYPE_CHECKING:
    from pdas.spaces.cells.network import CellNetwork
    from pdas.spaces.cells.supernet import CellSupernet


class Cells(Family):
    """See `Family`.

    Example:
        FAMILIES["cells"].space(NetworkSettings(nodes=3))
    """

    settings = NetworkSettings
    sizes = CellSettings
    has_auxiliary = True

    def space(self, network: NetworkSettings) -> SearchSpace:
        return cell_space(network.nodes, network.operations)

    def size(
        self, network: NetworkSettings, image_shape: tuple[int, int, int], outputs: int
    ) -> CellSettings:
        channels, *sides = image_shape
        check_image_size(min(sides), network.stem_stride)
        values = {**network.model_dump(), "in_channels": channels, "classes": outputs}
        return validated(CellSettings, values, "network")

    def supernet(self, size: CellSettings) -> CellSupernet:
        from pdas.spaces.cells.supernet import CellSupernet

        return CellSupernet(**size.model_dump())

    def retrained_size(
        self,
        size: CellSettings,
        architecture: Assignment | None,
        retrain: Any,
        image_shape: tuple[int, int, int],
    ) -> CellSettings:
        """The recipe's depth, and the largest width that keeps all its limits."""
        from pdas.spaces.cells.size import limits_of, widest

        deep = size.model_copy(update={"cells_per_stage": retrain.cells_per_stage})
        limit = getattr(retrain, "limit", None)  # which another task need not have
        limits = limits_of(retrain.weight_limit, limit, image_shape[1:])
        return widest(architecture, deep, limits)

    def network(
        self, architecture: Architecture | Mapping[str, object], size: CellSettings, **options: Any
    ) -> CellNetwork:
        """The derived network; the option `auxiliary` is that of `CellNetwork`."""
        from pdas.spaces.cells.network import CellNetwork

        return CellNetwork(architecture, size, **options)

    def parameters(
        self, architecture: Architecture | Mapping[str, object], size: CellSettings
    ) -> int:
        from pdas.spaces.cells.size import count_weights

        return count_weights(architecture, size)

    def recognises(self, labels: Mapping[str, object]) -> bool:
        return is_cell(labels)

    def fitted(self, network: NetworkSettings, labels: Mapping[str, Label]) -> NetworkSettings:
        nodes = count_nodes(labels)
        if nodes == 0:
            refuse(
                SpaceError,
                "architecture",
                found="no cells",
                expected="those of a classifier",
                remedy="give an architecture.json of a search of cells",
            )
        return network.model_copy(update={"nodes": nodes})

    def text(self, labels: Mapping[str, object]) -> str:
        return "\n\n".join(cell_text(name, read_cell(labels, name)) for name in CELL_TYPES)

    def rows(self, labels: Mapping[str, object]) -> list[tuple[str, str]]:
        return [(f"{name} cell", count_operations(read_cell(labels, name))) for name in CELL_TYPES]

    def drawing(self, labels: Mapping[str, object], image_size: int | None = None) -> Drawing:
        from pdas.spaces.cells.drawing import cells_figure

        return Drawing(cells_figure(labels), "The normal and the reduction cell")


FAMILIES.add("cells", Cells())
