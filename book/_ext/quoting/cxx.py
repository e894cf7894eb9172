"""Finds the C++ symbols of one file with libclang: qualified names, signatures and extents."""

from __future__ import annotations

import functools
import glob
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from clang import cindex
from clang.cindex import Cursor, CursorKind, TypeKind

from .symbols import State, Symbol

#: What one file holds: symbols, mutable state, and why both are doubtful, if they are.
Content = tuple[list[Symbol], list[State], str]

#: Macros are symbols too.
RECORD = cindex.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD
FUNCTIONS = {
    CursorKind.FUNCTION_DECL,
    CursorKind.FUNCTION_TEMPLATE,
    CursorKind.CXX_METHOD,
    CursorKind.CONSTRUCTOR,
    CursorKind.DESTRUCTOR,
    CursorKind.CONVERSION_FUNCTION,
}
CLASSES = {
    CursorKind.CLASS_DECL,
    CursorKind.STRUCT_DECL,
    CursorKind.UNION_DECL,
    CursorKind.CLASS_TEMPLATE,
    CursorKind.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION,
}
OTHERS = {
    CursorKind.ENUM_DECL: "enum",
    CursorKind.CONCEPT_DECL: "concept",
    CursorKind.TYPE_ALIAS_DECL: "alias",
    CursorKind.TYPEDEF_DECL: "alias",
    CursorKind.TYPE_ALIAS_TEMPLATE_DECL: "alias",
    CursorKind.VAR_DECL: "variable",
}
REFERENCES = {TypeKind.LVALUEREFERENCE, TypeKind.RVALUEREFERENCE}
SCOPES = {CursorKind.NAMESPACE, CursorKind.LINKAGE_SPEC, CursorKind.UNEXPOSED_DECL}


@functools.cache
def _compiler_headers() -> str:
    """The folder of `stddef.h` and its kin: clang's where it is installed, else g++'s."""
    clang = sorted(glob.glob("/usr/lib/llvm-*/lib/clang/*/include"))
    if clang:
        return clang[-1]
    asked = subprocess.run(["g++", "-print-file-name=include"], capture_output=True, text=True)
    return asked.stdout.strip()


def flags(root: Path) -> list[str]:
    """How the image is compiled, as far as extents depend on it."""
    names = chapters(root)
    macros = [f"HV_{name.upper()}={number}" for number, name in enumerate(names)]
    return [
        "-x",
        "c++",
        "-std=gnu++20",
        "-ffreestanding",
        "-w",
        "-Wno-invalid-constexpr",
        f"-I{root}",
        "-isystem",
        _compiler_headers(),
        f"-DHV_THROUGH={len(names) - 1}",
        "-DHV_DEBUG=1",
        "-D__XEN_TOOLS__=1",
        *(f"-D{macro}" for macro in macros),
    ]


def chapters(root: Path) -> list[str]:
    """The chapters in their order, which stands beside the tree."""
    order = root.parent / "chapters" / "order"
    return order.read_text().split() if order.is_file() else []


def generated(root: Path) -> list[tuple[str, str]]:
    """The headers that CMake makes from `.in` files, as libclang wants them: path and text."""
    names = chapters(root)
    values = {"HV_CHAPTER_LIST": ", ".join(names), "HV_CHAPTER_COUNT": str(len(names))}
    return [
        (
            str(template.with_suffix("")),
            re.sub(
                r"@(\w+)@", lambda m: values.get(m[1], "0"), template.read_text(encoding="utf-8")
            ),
        )
        for template in sorted(root.rglob("*.hpp.in"))
    ]


def prelude(names: set[str], arguments: list[str], folder: Path) -> list[str]:
    """Read the library's headers once for all files; gives the arguments that use them."""
    stub, made = folder / "prelude.hpp", folder / "prelude.pch"
    stub.write_text("".join(f"#include <{name}>\n" for name in sorted(names)))
    unit = cindex.Index.create().parse(
        str(stub), args=arguments, options=RECORD | cindex.TranslationUnit.PARSE_INCOMPLETE
    )
    if complaint(unit):
        return []
    unit.save(str(made))
    return ["-include-pch", str(made)]


def parse(path: Path, root: Path, arguments: list[str]) -> cindex.TranslationUnit:
    """Parse one file; a header is read as others read it, by an include."""
    files = generated(root)
    if path.suffix != ".cpp":
        files.append((f"{path}.cpp", f'#include "{path.name}"\n'))
        path = path.with_name(f"{path.name}.cpp")
    hosted = "-DHV_HOSTED=1" if path.parent.name == "hosted" else "-DHV_HOSTED=0"
    return cindex.Index.create(excludeDecls=True).parse(
        str(path),
        args=[*arguments, hosted],
        options=RECORD,
        unsaved_files=files,
    )


def complaint(unit: cindex.TranslationUnit) -> str:
    """The first error that makes the extents of a file doubtful, or nothing."""
    for found in unit.diagnostics:
        if found.severity >= cindex.Diagnostic.Error and found.location.file is not None:
            return f"{found.location.file}:{found.location.line}: {found.spelling}"
    return ""


def read(path: Path, root: Path, arguments: list[str]) -> Content:
    """What one file holds."""
    try:
        unit = parse(_made(path), root, arguments)
    except cindex.TranslationUnitLoadError as error:
        return [], [], f"{path}: {error}"
    return _content(path, root, unit.cursor.get_children(), complaint(unit))


def read_headers(paths: list[Path], root: Path, arguments: list[str]) -> dict[Path, Content]:
    """What many headers hold, read as one file; nothing when they do not stand each other."""
    stub = str(root / "every_header.cpp")
    includes = "".join(f"#include <{_made(path).relative_to(root)}>\n" for path in paths)
    unit = cindex.Index.create().parse(
        stub,
        args=[*arguments, "-DHV_HOSTED=0"],
        options=RECORD,
        unsaved_files=[(stub, includes), *generated(root)],
    )
    if complaint(unit):
        return {}
    found: dict[str, list[Cursor]] = {}
    for cursor in unit.cursor.get_children():
        if cursor.location.file is not None:
            found.setdefault(cursor.location.file.name, []).append(cursor)
    return {path: _content(path, root, found.get(str(_made(path)), []), "") for path in paths}


def _made(path: Path) -> Path:
    """The file as others include it: CMake makes `x.hpp` from `x.hpp.in`."""
    return path.with_suffix("") if path.suffix == ".in" else path


def _content(path: Path, root: Path, declarations: Iterable[Cursor], doubt: str) -> Content:
    text = path.read_text(encoding="utf-8")
    reader = _Reader(str(_made(path)), str(path.relative_to(root)), text.split("\n"))
    cursors = list(reader.walk(declarations))
    states = [state for cursor in cursors for state in reader.states(cursor)]
    return [reader.symbol(cursor) for cursor in cursors], states, doubt


class _Reader:
    """Turns the cursors of one file into symbols, and widens their extents to whole lines."""

    def __init__(self, path: str, file: str, lines: list[str]) -> None:
        self.path = path
        self.file = file
        self.lines = lines

    def walk(self, declarations: Iterable[Cursor]) -> Iterator[Cursor]:
        """The declarations of this file, outermost first."""
        for child in declarations:
            where = child.location.file
            if where is None or where.name != self.path:
                continue
            if child.kind in SCOPES:
                yield from self.walk(child.get_children())
            elif self._is_symbol(child):
                yield child
            if child.kind in CLASSES and child.is_definition():
                yield from self.walk(child.get_children())

    def symbol(self, cursor: Cursor) -> Symbol:
        """The symbol that a declaration makes."""
        first, last = self._extent(cursor)
        is_function = cursor.kind in FUNCTIONS
        body = next((c for c in cursor.get_children() if c.kind == CursorKind.COMPOUND_STMT), None)
        return Symbol(
            name=_qualified(cursor),
            kind=_kind(cursor),
            file=self.file,
            first=first,
            last=last,
            signature=_signature(cursor) if is_function else "",
            doc=self._doc(first),
            body=(body.extent.start.offset, body.extent.end.offset)
            if is_function and body
            else None,
            defined=cursor.kind == CursorKind.MACRO_DEFINITION or cursor.is_definition(),
            linkage=cursor.mangled_name or "" if is_function or _kind(cursor) == "variable" else "",
        )

    def states(self, cursor: Cursor) -> list[State]:
        """The variables that outlive every function: the symbol itself, or those inside it."""
        if cursor.kind == CursorKind.VAR_DECL:
            found = [cursor]
        elif cursor.kind in FUNCTIONS and "static" not in "".join(
            self.lines[cursor.extent.start.line - 1 : cursor.extent.end.line]
        ):
            return []
        else:
            found = [
                c
                for c in cursor.walk_preorder()
                if c.kind == CursorKind.VAR_DECL and c.storage_class.name in ("STATIC", "EXTERN")
            ]
        return [
            State(_qualified(c), self.file, c.location.line) for c in found if not _is_constant(c)
        ]

    def _is_symbol(self, cursor: Cursor) -> bool:
        kind = cursor.kind
        if kind == CursorKind.MACRO_DEFINITION:
            return True
        if kind in FUNCTIONS and (cursor.is_default_method() or _is_instance(cursor)):
            return False
        in_class = cursor.semantic_parent is not None and cursor.semantic_parent.kind in CLASSES
        if kind in CLASSES:
            return (
                not cursor.is_anonymous()
                and cursor.is_definition()
                and not self._instantiates(cursor)
            )
        if in_class and cursor.lexical_parent is not None and cursor.lexical_parent.kind in CLASSES:
            # A class's skeleton tells its fields, prototypes and aliases.
            return kind in FUNCTIONS and any(
                c.kind == CursorKind.COMPOUND_STMT for c in cursor.get_children()
            )
        if kind in FUNCTIONS:
            return True
        return kind in OTHERS and not cursor.is_anonymous()

    def _instantiates(self, cursor: Cursor) -> bool:
        """True for `template class X<int>;`, which defines nothing new."""
        line = self.lines[cursor.extent.start.line - 1].strip()
        return re.match(r"(extern\s+)?template\s+(class|struct)\b", line) is not None

    def _extent(self, cursor: Cursor) -> tuple[int, int]:
        """First and last line, with attributes and template heads above and the semicolon below."""
        first, last = cursor.extent.start.line or cursor.location.line, cursor.extent.end.line
        last = max(first, last)
        if cursor.kind == CursorKind.MACRO_DEFINITION:
            return first, last
        while first > 1 and _continues(self.lines[first - 2]):
            first -= 1
        rest = self.lines[last - 1][cursor.extent.end.column - 1 :]
        while last < len(self.lines) and not rest.strip() and _closes(self.lines[last]):
            last += 1
            rest = self.lines[last - 1]
        return first, last

    def _doc(self, first: int) -> int:
        """The first line of the comment block that stands directly above."""
        line = first
        while line > 1 and self.lines[line - 2].lstrip().startswith("//"):
            line -= 1
        return line


def _continues(line: str) -> bool:
    """True when a line begins a declaration that goes on below it: attributes, template heads."""
    text = line.strip()
    return (
        bool(text)
        and re.match(r"(template\s*<|\[\[|requires\b|extern \"C\"$|alignas)", text) is not None
        and not text.endswith((";", "}", "{"))
    )


def _closes(line: str) -> bool:
    """True for a line that holds only a declaration's semicolon."""
    return re.fullmatch(r"\s*;\s*(//.*)?", line) is not None


def _is_instance(cursor: Cursor) -> bool:
    """True for what the compiler made from a template: it stands where the template stands."""
    template = cindex.conf.lib.clang_getSpecializedCursorTemplate(cursor)
    return template is not None and template.location == cursor.location


def _is_constant(cursor: Cursor) -> bool:
    """True when nothing can change the variable after the image was linked."""
    shape = cursor.type
    while shape.kind != TypeKind.INVALID:
        whole = shape.get_canonical()
        if shape.is_const_qualified() or whole.is_const_qualified() or whole.kind in REFERENCES:
            return True
        shape = shape.get_array_element_type()
    return False


def _kind(cursor: Cursor) -> str:
    if cursor.kind == CursorKind.MACRO_DEFINITION:
        return "macro"
    if cursor.kind in CLASSES:
        return "class"
    return OTHERS.get(cursor.kind, "function")


def _qualified(cursor: Cursor) -> str:
    """The name from the outermost namespace on; unnamed namespaces leave no trace."""
    parts: list[str] = []
    at: Cursor | None = cursor
    while at is not None and at.kind != CursorKind.TRANSLATION_UNIT:
        special = at.kind in CLASSES and at.kind != CursorKind.CLASS_TEMPLATE
        name = at.displayname if special else at.spelling
        if name and at.kind != CursorKind.LINKAGE_SPEC and not name.startswith("(anonymous"):
            parts.append(
                re.sub(r"<.*>", "", name)
                if at.kind in FUNCTIONS and "operator" not in name
                else name
            )
        at = at.semantic_parent if cursor.kind != CursorKind.MACRO_DEFINITION else None
    return "::".join(reversed(parts))


def _signature(cursor: Cursor) -> str:
    """The parameters' types as the source spells them, and whether the method is const."""
    shown = cursor.displayname
    start = shown.find("(", len(cursor.spelling) if shown.startswith(cursor.spelling) else 0)
    return shown[start:] + (" const" if cursor.is_const_method() else "")
