#!/usr/bin/env python3
"""Proves that clang refuses a view of what is gone, as every drill of a stored snapshot had one: by
[[clang::lifetimebound]] in our headers (clang.llvm.org/docs/AttributeReference.html#lifetimebound)
and the warnings of src/CMakeLists.txt."""
import pathlib
import re
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
COMPILER = "clang++-14"

HEAD = """
#include "base/status.h"
#include "catalog/catalog.h"
using namespace etcdrill;
Status Refuse();
catalog::Catalog Read();
std::string Name();
"""
SOUND = ("size_t Use() {"
         " return MessageOf(Refuse()).size() + (Read().Newest(WallTime()) != nullptr); }")
DANGLING = [
    "size_t Use() { const std::string_view text = MessageOf(Refuse()); return text.size(); }",
    "bool Use() { const auto* newest = Read().Newest(WallTime()); return newest != nullptr; }",
    "std::string_view Use() { const std::string name = Name(); return name; }",
    # The one that read freed memory: with "" on one side, the text is copied into a temporary.
    "size_t Use(const std::string& name) {"
    " const std::string_view text = name.size() > 1 ? name : \"\"; return text.size(); }",
]


def warnings():
    text = (REPO / "src/CMakeLists.txt").read_text()
    return re.search(r"CXX_COMPILER_ID:Clang>:([^>]*)>", text)[1].split()


def refused(body):
    command = [COMPILER, "-std=c++20", "-fsyntax-only", "-Werror", *warnings(),
               "-I", REPO / "src", "-x", "c++", "-"]
    done = subprocess.run(command, input=HEAD + body, capture_output=True, text=True)
    return [line for line in done.stderr.splitlines() if "error:" in line]


def main():
    faults = [f"sound code is refused: {line}" for line in refused(SOUND)]
    for body in DANGLING:
        errors = refused(body)
        if not errors:
            faults.append(f"not refused: {body}")
        faults += [f"refused for another reason: {line}" for line in errors
                   if not re.search(r"-Wdangling|-Wreturn-stack", line)]
    print("\n".join(faults) or "views of temporaries are refused")
    sys.exit(1 if faults else 0)


main()
