#!/usr/bin/env python3
"""Compiles the Swift examples of the documentation, has skeind check its configurations (```yaml with rules, outlets or tests),
and sees that links between its pages lead somewhere.

Takes every ```swift block of the pages here and in Docs/, and of the `///` comments in Sources, puts each
into a file of its own, and compiles all of them in one go against the modules that `swift build` made (they must
be there). An error is reported at the line of the document it comes from.

A block is wrapped into a function, so statements and declarations both do. Kinds that cannot stand in a
function:

    extensions      a block that declares one is left at file level, so it must hold declarations only
    manifests       a block with `import PackageDescription` is checked as a Package.swift
    fragments       ```swift no-check is left out; for what is no program on its own
    adapters        ```swift trait:Lifecycle, and every comment of an adapter's module, needs a build with that trait:
                    compiled by --trait Lifecycle alone, and by nothing else
    copies          ```swift same-as:Examples/X.swift shows lines of a file that is compiled elsewhere: they must stand there

What an example uses but does not declare (a request, a database) stands in Prelude.swift beside this file.
In a doc comment of module X, X is imported and what of ours its file imports; elsewhere Skein, unless the block says what it
imports.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {"SkeinDaemon", "SkeinTool", "SkeinDemo"}  # nobody imports these
ADAPTERS = {"SkeinLifecycle": "Lifecycle", "SkeinSwiftLog": "SwiftLog", "SkeinTracing": "Tracing"}  # modules that are empty without a trait
DOC_COMMENT = re.compile(r"^\s*///( ?)(.*)$")
FENCE = re.compile(r"^(\s*)```(\S*)\s*(.*?)\s*$")
IMPORT = re.compile(r"^\s*(?:public |internal |@testable |@preconcurrency )*import\s+[\w.]+.*$")
OUR_IMPORT = re.compile(r"^\s*(?:public |internal |package )?import (Skein\w*)$", re.M)
LINK = re.compile(r"\]\(([^)\s]+)\)")
AT_FILE_LEVEL = re.compile(r"^(?:public |package |private )?extension\s", re.M)


class Block:
    def __init__(self, path, line, info, lines, imports):
        self.path, self.line, self.lines, self.imports = path, line, lines, imports
        self.trait = info.removeprefix("trait:") if info.startswith("trait:") else None
        self.same_as = info.removeprefix("same-as:") if info.startswith("same-as:") else None
        self.info = "" if self.trait or self.same_as else info

    @property
    def stripped(self):
        return stripped_lines("\n".join(self.lines))

    @property
    def where(self):
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def is_manifest(self):
        return any(re.match(r"\s*import PackageDescription\b", line) for line in self.lines)


def stripped_lines(text):
    """A text without what indentation and blank lines make different."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def blocks_of(numbered_lines, path, imports=(), wanted="swift"):
    """The fenced blocks of a language, of (line number, text) pairs; a gap in the numbers ends a block."""
    fence, previous = None, None
    for number, text in numbered_lines:
        if fence and previous is not None and number != previous + 1:
            sys.exit(f"{path}:{fence[0]}: this ``` is never closed")
        previous = number
        match = FENCE.match(text)
        if not match:
            if fence:
                fence[3].append(text)
            continue
        if fence is None:
            fence = (number, match[2], match[3], [], len(match[1]))
            continue
        start, language, info, lines, indent = fence
        fence = None
        if language == wanted:
            yield Block(path, start + 1, info, [line[indent:] if line[:indent].isspace() else line for line in lines], imports)
    if fence:
        sys.exit(f"{path}:{fence[0]}: this ``` is never closed")


def markdown_blocks(path):
    yield from blocks_of(enumerate(path.read_text().splitlines(), 1), path)


def configurations(path):
    """The ```yaml blocks that are a daemon's configuration."""
    for block in blocks_of(enumerate(path.read_text().splitlines(), 1), path, wanted="yaml"):
        if block.info != "no-check" and any(re.match(r"(outlets|rules|tests):", line) for line in block.lines):
            yield block


def check_configuration(block, skeind, work):
    """Whether skeind takes it, its tests included. Files that it names are made here."""
    file, key = work / "skeind.yaml", work / "redact.key"
    key.write_text("0123456789abcdef0123456789abcdef\n")
    file.write_text("\n".join(block.lines).replace("/etc/skein/redact.key", str(key)))
    result = subprocess.run([skeind, "--config", file, "--check-config"], capture_output=True, text=True)
    if result.returncode:
        print(f"{block.where}: {result.stderr.strip()}", file=sys.stderr)
    return result.returncode


def source_blocks(path):
    text = path.read_text()
    comments = (
        (number, match[2])
        for number, line in enumerate(text.splitlines(), 1)
        if (match := DOC_COMMENT.match(line))
    )
    module = path.relative_to(ROOT / "Sources").parts[0]
    imports = [f"import {name}" for name in [module, *OUR_IMPORT.findall(text)]]
    for block in blocks_of(comments, path, imports):
        block.trait = block.trait or ADAPTERS.get(module)
        yield block


def broken_links(page):
    """Relative links of a page that name no file."""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            file = target.split("#")[0]
            if file and "://" not in file and not (page.parent / file).exists():
                yield f"{page.relative_to(ROOT)}:{number}: no such page: {target}"


def swift_file(block, index):
    """The block as a file that compiles on its own, its lines told under the document's name."""
    imports = [line.strip() for line in block.lines if IMPORT.match(line)]
    imports = [*block.imports, *imports] or ["import Skein"]
    body = ["" if IMPORT.match(line) else line.replace("@main", "", 1) if line.strip() == "@main" else line
            for line in block.lines]
    text = "".join(line + "\n" for line in imports)
    located = f'#sourceLocation(file: "{block.path}", line: {block.line})\n' + "".join(line + "\n" for line in body)
    located += "#sourceLocation()\n"
    if AT_FILE_LEVEL.search("\n".join(body)):
        return text + located
    return f"{text}func documented_{index}() async throws {{\n{located}}}\n"


def compile_examples(blocks, modules, work):
    files = [ROOT / "Tests/Docs/Prelude.swift"]
    for index, block in enumerate(blocks):
        file = work / f"Example{index:03}.swift"
        file.write_text(swift_file(block, index))
        files.append(file)
    search = [flag for folder in sorted((ROOT / "Sources").glob("CSkein*")) for flag in ("-I", str(folder))]
    # The C modules of the packages that adapters are for.
    search += [flag for modulemap in sorted(modules.parent.glob("*.build/module.modulemap"))
               for flag in ("-Xcc", f"-fmodule-map-file={modulemap}")]
    # Modules that import a C library internally still have it loaded, for the layout of their types.
    cflags = subprocess.run(["pkg-config", "--cflags", "libbson-1.0"], capture_output=True, text=True, check=True)
    search += [flag for cflag in cflags.stdout.split() for flag in ("-Xcc", cflag)]
    command = [
        "swiftc", "-c", "-wmo", "-Onone", "-swift-version", "6", "-suppress-warnings", "-parse-as-library",
        "-module-name", "DocumentedExamples", "-module-cache-path", str(modules.parent / "ModuleCache"),
        "-I", str(modules), *search, "-o", str(work / "examples.o"), *map(str, files),
    ]  # fmt: skip
    return subprocess.run(command).returncode


def check_manifest(block, work):
    file = work / "Package.swift"
    file.write_text("\n".join(block.lines))
    compiler = subprocess.run(["swiftc", "-print-target-info"], capture_output=True, text=True, check=True).stdout
    resources = pathlib.Path(re.search(r'"runtimeResourcePath"\s*:\s*"([^"]+)"', compiler)[1])
    api = resources / "pm/ManifestAPI"
    command = ["swiftc", "-typecheck", "-swift-version", "6", "-package-description-version", "6.2.0", "-I", str(api), str(file)]
    result = subprocess.run(command)
    if result.returncode:
        print(f"{block.where}: the manifest above", file=sys.stderr)
    return result.returncode


def main():
    arguments = argparse.ArgumentParser(description="Compile the documentation's Swift examples.")
    arguments.add_argument("--build", default=".build/debug", help="where `swift build` put its products")
    arguments.add_argument("--trait", help="compile the examples that need this trait, with a build that has it")
    options = arguments.parse_args()
    build = (ROOT / options.build).resolve()
    work = ROOT / ".build/docs-check"
    work.mkdir(parents=True, exist_ok=True)
    for old in work.glob("Example*.swift"):
        old.unlink()

    pages = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "Docs").rglob("*.md"))]
    blocks = [block for page in pages for block in markdown_blocks(page)]
    for module in sorted((ROOT / "Sources").iterdir()):
        if module.name not in PROGRAMS:
            blocks += [block for source in sorted(module.rglob("*.swift")) for block in source_blocks(source)]
    mistakes = [broken for page in pages for broken in broken_links(page)]
    mistakes += [
        f"{block.where}: unknown words after ```swift: {block.info}"
        for block in blocks
        if block.info not in ("", "no-check")
    ]
    copies = [block for block in blocks if block.same_as]
    blocks = [block for block in blocks if not block.same_as]
    mistakes += [
        f"{block.where}: these lines do not stand in {block.same_as}"
        for block in copies
        if block.stripped not in stripped_lines((ROOT / block.same_as).read_text())
    ]
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    needs_trait = [block for block in blocks if block.trait != options.trait]
    blocks = [block for block in blocks if block.trait == options.trait]
    left_out = [block for block in blocks if block.info == "no-check"]
    checked = [block for block in blocks if block.info == ""]

    failures = len(mistakes)
    files = [block for page in pages for block in configurations(page)]
    failures += sum(check_configuration(block, build / "skeind", work) != 0 for block in files)
    failures += sum(check_manifest(block, work) != 0 for block in checked if block.is_manifest)
    failures += compile_examples([block for block in checked if not block.is_manifest], build / "Modules", work) != 0
    print(f"docs-check: {len(checked)} examples compiled, {len(files)} configurations read, {len(left_out)} left out" if not failures else "docs-check: failed")
    for block in left_out:
        print(f"  left out: {block.where}")
    if not options.trait and needs_trait:
        print(f"  left to `make adapters`: {len(needs_trait)} that need a trait")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
