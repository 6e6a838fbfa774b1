"""A search space made of a plain model by rules."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.choices.optional_layer import OptionalLayer
from pdas.nn.choices.repeat import Repeat
from pdas.nn.choices.value import Value
from pdas.nn.model.groups import Group, Groups, Part, groups_of
from pdas.nn.model.leaves import tensors_in
from pdas.nn.model.replacing import elastic, replace, tie, ties_of
from pdas.nn.model.rules import Rule, rules_of
from pdas.nn.model.shapes import Shapes, shapes_of
from pdas.nn.model.table import SearchableModel
from pdas.nn.model.tracing import Trace, trace
from pdas.nn.modes import evaluating, without_fast_path
from pdas.nn.widths import ChosenWidth, Width
from pdas.support.containers import cloned
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


def searchable(
    model: nn.Module, rules: Mapping[str, Any], *inputs: Any, **named: Any
) -> SearchableModel:
    """A supernet of a plain model, in which what the rules say may vary.

    Which layers must have the same width is found by running the model on the inputs: those whose
    outputs are added, multiplied or normalised together, the two sides of a depthwise convolution,
    the queries, keys and values of a head. Weights that are trained are kept, and weights that are
    one stay one. The model itself stays as it is.

    Args:
        model: any module.
        rules: by the name of modules, which may be a pattern, as "layer[1-4]" or "layer*.conv1" (of
            `fnmatch`: a `*` stands for dots as well), one of

            - "depth": of a `nn.Sequential` or `nn.ModuleList`, how many of its blocks are used. Of
              those at its beginning that change the shape all are.
            - "optional": each of the modules is used or passed over. Those that change the shape
              always are used.
            - a list of fractions of the outputs of the layers, or of their numbers. Fractions are
              rounded to what heads and groups allow. Of attention, of its heads.

        inputs, named: a sample, as the model is called with.

    Returns:
        A supernet. Printed, it is a table of its variables and their costs. Variables have the
        names of modules.

    Raises:
        NetworkError: a rule does not fit the model. The line says what stops it.

    Example:
        rules = {"layer[1-4]": "depth", "layer*.conv1": [0.25, 0.5, 1.0]}
        net = pdas.nn.searchable(torchvision.models.resnet18(), rules, torch.randn(1, 3, 224, 224))
        print(net)
    """
    own = copy.deepcopy(model)
    found = rules_of(rules, dict(own.named_modules()))
    shapes = shapes_of(own, inputs, named)
    tied = ties_of(own)
    if any(rule.what == "width" for rule in found):
        own = _with_chosen_widths(own, found, tied, trace(own, inputs, named))
        for names in tied:
            tie(own, names)
    for rule in found:
        if rule.what != "width":
            for name, choice in _choices(own, rule, shapes):
                own = replace(own, own.get_submodule(name), choice)
    net = SearchableModel(own, inputs, named)
    _check_same(model, net, inputs, named)
    try:
        net.check(*inputs, keep_weights=True, **named)
    except NetworkError:
        _refuse_what_stops(net, found, inputs, named)
        raise
    return net


def _with_chosen_widths(
    model: nn.Module, rules: list[Rule], tied: list[list[str]], found: Trace
) -> nn.Module:
    """The model with layers of chosen widths."""
    widths = _Widths(groups_of(found, tied), found)
    for rule in rules:
        if rule.what == "width":
            widths.choose(rule)
    for name, leaf in found.leaves.items():
        inputs, outputs = widths.inputs(name), widths.outputs(name)
        heads = widths.heads.get(name)
        if any(isinstance(width, ChosenWidth) for width in (inputs, outputs, heads)):
            model = replace(model, leaf.module, elastic(leaf.module, inputs, outputs, heads))
    return model


class _Widths:
    """The widths that rules choose."""

    def __init__(self, groups: Groups, found: Trace) -> None:
        self._groups, self._trace = groups, found
        self._values: dict[int, tuple[Value, Rule]] = {}
        self.heads: dict[str, Value] = {}

    def choose(self, rule: Rule) -> None:
        """Choose the widths that a rule is about."""
        leaves = [self._trace.leaves[name] for name in rule.names if name in self._trace.leaves]
        attention = [leaf for leaf in leaves if leaf.kind == "attention"]
        products = [leaf for leaf in leaves if leaf.kind == "product"]
        if not attention and not products:
            refuse(
                NetworkError,
                rule.setting,
                found="no layer that has a width of its own, as "
                f"{type(leaves[0].module).__name__ if leaves else 'a block'}",
                expected="the name of a convolution, a linear layer, an embedding or attention",
            )
        for leaf in attention:
            number = int(leaf.module.num_heads)  # type: ignore[arg-type]
            self.heads[leaf.name] = Value(leaf.name, rule.sizes(number, 1))
        for leaf in products:
            self._choose_group(rule, leaf.name, self._groups.of(leaf.name))

    def _choose_group(self, rule: Rule, name: str, group: Group) -> None:
        """Choose the width of a group, unless the same rule did."""
        if group.fixed:
            refuse(
                NetworkError,
                rule.setting,
                found=f"that the width of {name} must stay: {group.fixed}",
                expected="a layer whose width can change",
                remedy="leave it out of the pattern",
            )
        if group.heads:
            labels = rule.sizes(group.units, 1)
        else:
            per_unit = group.members[name] // group.units
            labels = [per_unit * units for units in rule.sizes(group.units, per_unit)]
        known = self._values.get(id(group))
        if known is None:
            self._values[id(group)] = Value(name, labels), rule
        elif list(known[0].variable.categories) != labels:
            refuse(
                NetworkError,
                rule.setting,
                found=f"{labels} for {name}",
                expected=f"{list(known[0].variable.categories)}, since it has one width with "
                f"{known[0].variable.name}, of {known[1].pattern!r}",
            )

    def inputs(self, name: str) -> Width:
        """The inputs of a layer."""
        return self._width(self._groups.inputs[name], self._trace.leaves[name].inputs)

    def outputs(self, name: str) -> Width:
        """The outputs of a layer."""
        return self._width(self._groups.outputs[name], self._trace.leaves[name].outputs)

    def _width(self, parts: list[Part], whole: int) -> Width:
        """The width of a dimension; its number if none of its parts is chosen."""
        widths = [self._of_part(part) for part in parts]
        if all(isinstance(width, int) for width in widths):
            return whole
        total: Width = reduce(add, widths)
        return total

    def _of_part(self, part: Part) -> Any:
        """The width of a part."""
        if part.atom is None:
            return part.size
        group = self._groups.of(part.atom)
        known = self._values.get(id(group))
        if known is None:
            return part.size
        value = known[0]
        channels = group.members[part.atom] // group.units if group.heads else 1
        factor = channels * part.factor
        return value if factor == 1 else factor * value


def _choices(model: nn.Module, rule: Rule, shapes: Shapes) -> Iterator[tuple[str, ChoicePoint]]:
    """The modules that a rule replaces, by what."""
    found = False
    for name in rule.names:
        module = model.get_submodule(name)
        if rule.what == "optional":
            if shapes.keeps(name):
                found = True
                yield name, OptionalLayer(name, module)
        elif isinstance(module, nn.Sequential | nn.ModuleList):
            first = shapes.needed(name, list(module._modules))
            if first < len(module):
                found = True
                blocks: Any = module  # a `nn.Sequential` is none to mypy
                yield name, Repeat(name, blocks, list(range(max(first, 1), len(module) + 1)))
    if not found:
        refuse(
            NetworkError,
            rule.setting,
            found=f"no module that can be left out, as {rule.names[0]} "
            f"({type(model.get_submodule(rule.names[0])).__name__})",
            expected="a nn.Sequential or nn.ModuleList of blocks"
            if rule.what == "depth"
            else "modules whose output has the shape of their input",
        )


@torch.no_grad()
def _refuse_what_stops(
    net: SearchableModel, rules: list[Rule], inputs: tuple[Any, ...], named: Mapping[str, Any]
) -> None:
    """Raise `NetworkError` of the first rule with a category that alone makes the model fail."""
    for position, variable in enumerate(net.space.variables):
        rule = next((rule for rule in rules if variable.name in rule.names), None)
        if rule is None:  # a choice that was in the model before
            continue
        for category, label in enumerate(variable.categories):
            architecture = net.largest.replaced(position, category)
            try:
                with evaluating(net), without_fast_path():
                    net(*cloned(inputs), architecture=architecture, **cloned(named))
            except Exception as error:  # the model is code of the user's: anything may come
                refuse(
                    NetworkError,
                    rule.setting,
                    found=f"that the model fails where {variable.name} is {label} ({error})",
                    expected="what its own code allows, as sizes that are written there",
                    remedy="leave it out of the pattern",
                )


@torch.no_grad()
def _check_same(
    model: nn.Module, net: SearchableModel, inputs: tuple[Any, ...], named: Mapping[str, Any]
) -> None:
    """Raise `NetworkError` unless the whole model is that of before, to the last bit."""
    with evaluating(model), evaluating(net), without_fast_path():
        before = tensors_in(model(*cloned(inputs), **cloned(named)))
        after = tensors_in(net(*cloned(inputs), architecture=net.largest, **cloned(named)))
    if len(before) != len(after) or not all(map(torch.equal, before, after)):
        refuse(
            NetworkError,
            "searchable",
            found="that the whole model gives another output with choices in it",
            expected="the same",
            remedy="give it one rule at a time to find which",
        )
