"""Export a function of tensors as a short list of operators that `aten.js` runs in a page.

`torch.export` gives a graph of core ATen operators. Lowering makes it shorter, for tensors that are always dense: what
depends on no input is computed now and becomes a constant, every view is one operator (`strided`: shape, strides,
offset), as is every write into a part (`scatter`), and every operator gets all arguments of its schema in their order.
"""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from invariance.errors import InputError

DTYPES = {
    torch.float32: "f32",
    torch.float64: "f64",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.int16: "i16",
    torch.uint8: "u8",
    torch.bool: "bool",
}
DROPPED = {"dtype", "layout", "device", "pin_memory", "memory_format", "implicit", "generator", "non_blocking"}
SAME = {"clone", "detach", "alias", "lift_fresh_copy", "contiguous", "lift_fresh"}
LIKE = {"full_like", "empty_like", "zeros_like", "ones_like"}
RENAMED = {"_to_copy": "cast", "convert_element_type": "cast", "_native_batch_norm_legit_no_training": "batch_norm"}
COMPARISONS = {"eq", "ne", "lt", "le", "gt", "ge"}
PART_OF = {"slice_scatter": "slice", "select_scatter": "select", "as_strided_scatter": "as_strided"}


class NotExportable(InputError):
    """A function that the page cannot run; the message says why."""


@dataclass(frozen=True)
class Ref:
    """A value of a graph: the n-th of its inputs, weights, constants or nodes, by its first letter."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}{self.number}"


@dataclass
class Node:
    """One operator: its name and arguments in the page, what it gives, and how torch computes the same."""

    name: str
    arguments: list
    shape: list[int]
    dtype: str
    computed_in: str
    run: Callable[[Callable[[Ref], Tensor]], Tensor]


@dataclass
class Graph:
    """A lowered function: names of inputs and weights, constants, nodes in order, and what it gives."""

    inputs: list[str]
    weights: list[str] = field(default_factory=list)
    constants: list[Tensor] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)

    def operators(self) -> set[str]:
        """Names of all operators that it uses."""
        return {node.name for node in self.nodes}

    def run(self, inputs: Sequence[Tensor], weights: Sequence[Tensor] = ()) -> list[Tensor]:
        """What it gives, computed by torch operator for operator, as the page does it."""
        known = {"i": [_dense(each) for each in inputs], "w": weights, "c": self.constants, "n": []}
        for node in self.nodes:
            known["n"].append(_dense(node.run(lambda ref: known[ref.kind][ref.number])))
        return [known[ref.kind][ref.number] for ref in self.outputs]

    def described(self, offsets: Sequence[int]) -> dict:
        """As plain data for the page, with each constant's place in a blob of bytes."""
        constants = [[DTYPES[c.dtype], list(c.shape), at] for c, at in zip(self.constants, offsets, strict=True)]
        nodes = [
            [n.name, [_plain(a) for a in n.arguments], n.dtype, n.shape]
            + ([n.computed_in] if n.computed_in != n.dtype else [])
            for n in self.nodes
        ]
        outputs = [str(ref) for ref in self.outputs]
        return {
            "inputs": self.inputs,
            "weights": self.weights,
            "constants": constants,
            "nodes": nodes,
            "outputs": outputs,
        }


def _plain(value: object) -> object:
    # JSON has no infinite numbers, and the page's numbers hold whole ones up to 2^53 only: those travel as text.
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


def lower(module: nn.Module, inputs: Mapping[str, Tensor]) -> Graph:
    """The graph of `module(*inputs)`; the module's own parameters and buffers are its weights, by name.

    Call the module once before: `torch.export` must not be the first to fill the library's tables. Raises
    `NotExportable` for a function that torch cannot export, or of which the page cannot hold a value.
    """
    try:
        program = torch.export.export(module, tuple(inputs.values()), strict=False).run_decompositions()
    except Exception as error:  # whatever the function itself raises under tracing
        raise NotExportable(f"torch.export: {str(error).strip().splitlines()[0]}") from error
    return _Lowering(program, inputs).graph()


class _Lowering:
    """Walks a program once on its own example: `values` are tensors by node, `refs` where the graph has them."""

    def __init__(self, program: torch.export.ExportedProgram, inputs: Mapping[str, Tensor]) -> None:
        self.program, self.made = program, Graph(list(inputs))
        self.values: dict[torch.fx.Node, object] = {}
        self.refs: dict[torch.fx.Node, Ref] = {}
        self.given = iter(inputs.values())
        self.reshaped: dict[Ref, Ref] = {}
        self.same: dict[str, Ref] = {}

    def graph(self) -> Graph:
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node)
            elif node.op == "call_function":
                self._call(node)
            elif node.op == "output":
                kept = [s.arg.name for s in self.program.graph_signature.output_specs if s.kind.name == "USER_OUTPUT"]
                self.made.outputs = [self._ref(each) for each in node.args[0] if each.name in kept]
        return _without_unused(self.made)

    def _placeholder(self, node: torch.fx.Node) -> None:
        signature = self.program.graph_signature
        weight = signature.inputs_to_parameters.get(node.name) or signature.inputs_to_buffers.get(node.name)
        if weight:
            self.values[node] = self.program.state_dict.get(weight, self.program.constants.get(weight))
            self.refs[node] = Ref("w", len(self.made.weights))
            self.made.weights.append(weight)
        elif node.name in signature.inputs_to_lifted_tensor_constants:
            self.values[node] = self.program.constants[signature.inputs_to_lifted_tensor_constants[node.name]]
        else:
            self.values[node] = _dense(next(self.given))
            self.refs[node] = Ref("i", sum(ref.kind == "i" for ref in self.refs.values()))

    def _ref(self, node: torch.fx.Node) -> Ref:
        # Where the graph has a value: a constant gets its place when it is first asked for.
        if node not in self.refs:
            self.refs[node] = Ref("c", len(self.made.constants))
            self.made.constants.append(_dense(self.values[node].detach()))
        return self.refs[node]

    def _shape(self, ref: Ref) -> list[int]:
        if ref.kind == "n":
            return self.made.nodes[ref.number].shape
        return next(list(self.values[node].shape) for node, each in self.refs.items() if each == ref)

    def _varies(self, node: torch.fx.Node) -> bool:
        return node in self.refs and self.refs[node].kind != "c"

    def _call(self, node: torch.fx.Node) -> None:
        if node.target is operator.getitem:
            return self._item(node)
        name, arguments = _named(node)
        value = _evaluated(name, node, self.values)
        if not isinstance(value, (Tensor, list, tuple)):  # an assertion on the inputs
            return None
        self.values[node] = _dense(value)
        if name in LIKE or not any(self._varies(each) for each in node.all_input_nodes):
            return None  # a constant
        first = next(iter(node.all_input_nodes))
        if isinstance(value, (list, tuple)):
            self.values[node] = value
            return (
                None
                if _shares(value[0], self.values[first])
                else self._emit(node, RENAMED.get(name, name), arguments, value[0])
            )
        if name in SAME or (name == "_to_copy" and value.dtype == self.values[first].dtype):
            self.refs[node] = self._ref(first)
        elif value.dtype == self.values[first].dtype and _shares(value, self.values[first]):
            self._strided(node, first, value)
        elif name in PART_OF:
            self._scatter(node, PART_OF[name])
        elif name == "copy":
            self._copy(node, value)
        else:
            self._emit(node, RENAMED.get(name, name), arguments, value)
        return None

    def _item(self, node: torch.fx.Node) -> None:
        source, index = node.args
        value, (first, *_) = self.values[source][index], source.all_input_nodes
        self.values[node] = _dense(value)
        if source not in self.refs and self._varies(first):
            self._strided(node, first, value)
        elif source in self.refs and index == 0:
            self.refs[node] = self.refs[source]

    def _copy(self, node: torch.fx.Node, value: Tensor) -> None:
        given = node.args[1]
        if self.values[given].shape == value.shape and self.values[given].dtype == value.dtype:
            self.refs[node] = self._ref(given)
            return
        ref = self._ref(given)
        self._append(node, "broadcast", [ref], value, lambda read: read(ref).to(value.dtype).expand(value.shape))

    def _strided(self, node: torch.fx.Node, source: torch.fx.Node, view: Tensor) -> None:
        shape, strides, offset = list(view.shape), list(view.stride()), view.storage_offset()
        ref = self._ref(source)
        if ref in self.reshaped:  # the same numbers in the same order
            ref = self.reshaped[ref]
        if view.is_contiguous() and view.numel() == self.values[source].numel():
            if shape == self._shape(ref):
                self.refs[node] = ref
                return
            self._append(node, "reshape", [ref], view, lambda read: read(ref).reshape(shape))
            self.reshaped[self.refs[node]] = ref
            return
        run = lambda read: read(ref).as_strided(shape, strides, offset)  # noqa: E731
        self._append(node, "strided", [ref, strides, offset], view, run)

    def _scatter(self, node: torch.fx.Node, part: str) -> None:
        whole, new, *where = node.args
        view = getattr(torch.ops.aten, part)(self.values[whole], *where, **node.kwargs)
        shape, strides, offset = list(view.shape), list(view.stride()), view.storage_offset()
        refs = self._ref(whole), self._ref(new)

        def run(read: Callable[[Ref], Tensor]) -> Tensor:
            out = read(refs[0]).clone()
            out.as_strided(shape, strides, offset).copy_(read(refs[1]))
            return out

        self._append(node, "scatter", [*refs, shape, strides, offset], self.values[node], run)

    def _emit(self, node: torch.fx.Node, name: str, arguments: list, value: Tensor) -> None:
        def placed(argument: object) -> object:
            if isinstance(argument, (list, tuple)):
                return [placed(each) for each in argument]
            return self._ref(argument) if isinstance(argument, torch.fx.Node) else argument

        args, kwargs = placed(list(node.args)), {key: placed(each) for key, each in node.kwargs.items()}

        def run(read: Callable[[Ref], Tensor]) -> Tensor:
            found = node.target(*_read(args, read), **{key: _read(each, read) for key, each in kwargs.items()})
            return found[0] if isinstance(found, (list, tuple)) else found

        self._append(node, name, [placed(each) for each in arguments], value, run)

    def _append(self, node: torch.fx.Node, name: str, arguments: list, value: Tensor, run: Callable) -> None:
        if value.dtype not in DTYPES:
            raise NotExportable(f"a page has no {value.dtype}")
        kind = value.dtype
        if name in COMPARISONS:
            kind = torch.result_type(*(self.values.get(a, a) if isinstance(a, torch.fx.Node) else a for a in node.args))
        made = Node(name, arguments, list(value.shape), DTYPES[value.dtype], DTYPES[kind], run)
        key = str([name, _plain(arguments), made.shape, made.dtype, made.computed_in])
        if key not in self.same:  # the same again is not computed again
            self.same[key] = Ref("n", len(self.made.nodes))
            self.made.nodes.append(made)
        self.refs[node] = self.same[key]


def _named(node: torch.fx.Node) -> tuple[str, list]:
    # The operator's name, and its arguments in the order of its schema.
    schema = node.target._schema
    name, arguments = schema.name.split("::")[1], []
    for position, declared in enumerate(schema.arguments):
        if declared.name in DROPPED:
            continue
        given = (
            node.args[position] if position < len(node.args) else node.kwargs.get(declared.name, declared.default_value)
        )
        arguments.append(given)
    return ("bitcast" if name == "view" and schema.overload_name == "dtype" else name), arguments


def _evaluated(name: str, node: torch.fx.Node, values: Mapping[torch.fx.Node, object]) -> object:
    def value(each: torch.fx.Node) -> object:
        return values[each]

    args, kwargs = torch.fx.map_arg((node.args, node.kwargs), value)
    found = node.target(*args, **kwargs)
    if name.startswith(("empty", "new_empty")):  # what is there by chance must not be in the graph
        found.zero_()
    return found


def _dense(value: object) -> object:
    # In memory of its own: offsets of views count from its beginning.
    return value.clone(memory_format=torch.contiguous_format) if isinstance(value, Tensor) else value


def _shares(value: Tensor, other: object) -> bool:
    return isinstance(other, Tensor) and value.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _read(value: object, read: Callable[[Ref], Tensor]) -> object:
    if isinstance(value, Ref):
        return read(value)
    return [_read(each, read) for each in value] if isinstance(value, list) else value


def _refs(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _refs(each)


def _without_unused(graph: Graph) -> Graph:
    # Only what the outputs need; everything else keeps its order and gets new numbers.
    used = set(graph.outputs)
    for number in reversed(range(len(graph.nodes))):
        if Ref("n", number) in used:
            used.update(_refs(graph.nodes[number].arguments))
    kept = {kind: sorted(ref.number for ref in used if ref.kind == kind) for kind in "wcn"}
    new = {Ref(kind, old): Ref(kind, place) for kind, numbers in kept.items() for place, old in enumerate(numbers)}

    def moved(value: object) -> object:
        if isinstance(value, Ref):
            return new.get(value, value)
        return [moved(each) for each in value] if isinstance(value, (list, tuple)) else value

    def renumbered(node: Node) -> Node:
        def run(read: Callable[[Ref], Tensor]) -> Tensor:
            return node.run(lambda ref: read(new.get(ref, ref)))

        return Node(node.name, moved(node.arguments), node.shape, node.dtype, node.computed_in, run)

    return Graph(
        graph.inputs,
        [graph.weights[n] for n in kept["w"]],
        [graph.constants[n] for n in kept["c"]],
        [renumbered(graph.nodes[n]) for n in kept["n"]],
        moved(graph.outputs),
    )
